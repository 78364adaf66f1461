"""The example on paper in `docs/scenarios.md` is what the arithmetic gives."""

import re
from pathlib import Path

import numpy as np
import pytest

from revml.clv.scenarios.moving import brought_down, retained, shift_to_retention, shifted

TEXT = (Path(__file__).parents[3] / "docs/scenarios.md").read_text(encoding="utf-8")
K = np.arange(1, 13)
TODAY = np.array([0.99**K, 0.97**K])
MARGIN = np.array([50.0, 100.0])


def row(starts: str) -> list[float]:
    """The numbers of a row of the table, by how it begins."""
    [cells] = re.findall(rf"^\| {re.escape(starts)}[^|]*\|(.*)\|$", TEXT, re.MULTILINE)
    return [float(number) for number in re.findall(r"\d+\.\d+", cells)]


def moved(points: float) -> tuple[np.ndarray, float]:
    """The curves with so many points more of retention, and the factor of the odds."""
    shift = shift_to_retention(TODAY, retained(TODAY) + points / 100)
    assert shift is not None
    return shifted(TODAY, np.full((2, 1), shift)), float(np.exp(shift))


def worth(survival: np.ndarray, price: float = 1.0) -> list[float]:
    """CLV of A, of B and of both; at a margin of a half a price adds twice its percent to it."""
    clv = (2 * price - 1) * MARGIN * survival.sum(axis=1)
    return [*clv, clv.sum()]


def test_the_table() -> None:
    """Every row, to the cent."""
    assert row("stay a year") == pytest.approx([*TODAY[:, 11], retained(TODAY)], abs=5e-5)
    assert row("CLV today") == pytest.approx(worth(TODAY), abs=0.005)
    assert row("one point") == pytest.approx(worth(moved(1)[0]), abs=0.005)
    assert row("price +5 %: margin") == pytest.approx(worth(TODAY, 1.05), abs=0.006)
    assert row("price +5 % with") == pytest.approx(worth(moved(-2.5)[0], 1.05), abs=0.005)
    saved = brought_down(TODAY, 91.3125, float((1 - TODAY[:, 2]).mean()), 1.0)
    assert row("the riskier one") == pytest.approx(worth(saved), abs=0.005)


def test_the_sentences() -> None:
    """Factors, hazards and differences that the text names."""
    more, factor = moved(1)
    _, less = moved(-2.5)
    saved = brought_down(TODAY, 91.3125, float((1 - TODAY[:, 2]).mean()), 1.0)
    hazard = 1 - saved[1] / np.r_[1.0, saved[1, :-1]]
    named = [
        f"× {factor:.4f}",
        f"× {less:.4f}",
        f"a hazard of {1 - more[0, 0]:.3%}".replace("%", " %"),
        f"worth {worth(more)[2] - worth(TODAY)[2]:.2f}",
        f"worth {worth(saved)[2] - worth(TODAY)[2]:.2f}",
        *(f"{hazard[month]:.3%}".replace("%", " %") for month in (0, 3, 11)),
    ]
    assert [text for text in named if text not in TEXT] == []
