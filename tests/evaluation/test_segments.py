"""Segments: which there are, where their edges lie, and how they are judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from revml.evaluation.expected import Uncertainty
from revml.evaluation.figures import Figures, measure
from revml.evaluation.segments import Band, segments_of

INF = float("inf")


def _frame(n: int = 90) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "plan": ["team", "enterprise", None] * (n // 3),
            "industry": ["steel"] * n,
            "employees": np.arange(n, dtype="float32"),
            "contract_age_days": np.linspace(0, 1500, n).astype("float32"),
            "label": ([1] + [0] * 9) * (n // 10),
        }
    )


def test_plan_size_and_tenure_are_segments() -> None:
    """A category with several values, thirds of a size, years of a tenure; a column that says one thing is none."""
    found = segments_of(_frame(), _frame(), ["plan", "industry"])
    assert list(found) == ["plan", "employees", "contract_age_days"]
    assert found["plan"][:3] == ["team", "enterprise", None]
    assert set(found["contract_age_days"]) == {Band(-INF, 365.0), Band(365.0, 1095.0), Band(1095.0, INF)}
    assert [sum(v == band for v in found["employees"]) for band in sorted(set(found["employees"]))] == [30, 30, 30]


def test_edges_come_from_the_rows_learned_from() -> None:
    """A test of large accounts only lies in the highest band, and what is not known in none."""
    test = _frame().assign(employees=np.float32(1e6))
    test.loc[0, "employees"] = np.nan
    found = segments_of(_frame(), test, [])["employees"]
    assert found[0] is None
    assert {band.low for band in found[1:] if isinstance(band, Band)} == {59.3}


def test_the_tenure_is_the_one_known_for_most() -> None:
    """Where half of the accounts have no contract, time is counted from the first order, which all have."""
    frame = _frame().assign(order_age_days=np.linspace(0, 900, 90).astype("float32"))
    frame.loc[::3, "contract_age_days"] = np.nan
    assert list(segments_of(frame, frame, [])) == ["employees", "order_age_days"]


def test_own_columns_are_those_that_tell_most() -> None:
    """Of a ready table: categories of few values, the most telling first; names of revml mean nothing there."""
    frame = _frame().assign(
        contract=["month" if one else "year" for one in _frame()["label"]], serial=[f"s{i}" for i in range(90)]
    )
    found = segments_of(frame, frame, ["plan", "contract", "serial"], own=True)
    assert list(found) == ["contract", "plan"]


def _measured(probability: list[float], **more: Any) -> Figures:
    label = ([1] * 5 + [0] * 45) * 4
    rows = pd.DataFrame(
        {
            "account_id": [f"a{i:03d}" for i in range(200)],
            "as_of": pd.Timestamp("2026-01-01"),
            "label": label,
            "money": 1.0,
            "probability": probability,
        }
    )
    of = ["a"] * 50 + ["b"] * 50 + ["c"] * 100
    return measure(rows, constant=0.1, capacity=5, seed=1, rounds=50, segments={"plan": of}, **more)


def test_segments_tell_expected_beside_observed() -> None:
    """Counts add up to the whole, the largest segment comes first, and a ranking needs ten events."""
    figures = _measured([0.12, *[0.1] * 199])
    assert [s["value"] for s in figures.segments] == ["c", "a", "b"]
    assert sum(s["events"] for s in figures.segments) == figures.expected.observed == 20
    assert abs(sum(s["expected"] for s in figures.segments) - figures.expected.events) < 1e-9
    assert [s["roc_auc"] is None for s in figures.segments] == [False, True, True]
    assert all(s["calibrated"] == "yes" for s in figures.segments)


def test_a_segment_that_is_off_is_named() -> None:
    """Five events where one in two hundred was expected is no chance; the others stay calibrated."""
    figures = _measured([0.005] * 50 + [0.1] * 150)
    assert {s["value"]: s["calibrated"] for s in figures.segments} == {"a": "no", "b": "yes", "c": "yes"}


def test_an_unsure_level_excuses_a_segment() -> None:
    """With a level that is not known, the same counts lie within what was allowed for."""
    sure, unsure = (_measured([0.04] * 200, uncertainty=u) for u in (Uncertainty(), Uncertainty(level=0.7)))
    assert not sure.expected.inside
    assert unsure.expected.inside


def test_each_tenth_has_its_interval() -> None:
    """Every point of the reliability lies within the interval of its own predicted share."""
    rng = np.random.default_rng(0)
    rows = _measured(rng.uniform(0.02, 0.3, 200).tolist()).reliability
    assert all(row["low"] <= row["predicted"] <= row["high"] for row in rows)
