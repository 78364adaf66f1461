"""Customers who left: counted by hand, and a known rate of return is found."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revml.clv.contracts.returns import Returns, returns, said
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, line
from tests.literal_facts import stage

DAY = timedelta(days=1)


def staged(folder: Path, rows: list[dict[str, Any]]) -> Facts:
    """A company of these contracts."""
    return stage(folder, observed_until=AS_OF.isoformat(), accounts=accounts_of(rows), subscriptions=rows)


def test_who_left_and_who_came_back(tmp_path: Path) -> None:
    """`a` left a year ago; `b` left, came back after ten months for half, and is there; `c` never left."""
    rows = [
        line("a", 100.0, "2023-01-01", "2025-01-01"),
        line("b", 80.0, "2022-01-01", "2023-01-01"),
        line("b", 40.0, "2023-11-01"),
        line("c", 10.0, "2021-01-01"),
    ]
    made = returns(staged(tmp_path, rows), AS_OF, margin=0.5)
    assert made.account_id.tolist() == ["a"]
    assert made.months_gone[0] == pytest.approx(12, abs=0.05)
    assert (made.mrr[0], made.margin[0]) == (100.0, 50.0)
    assert (made.seen, made.left) == (1, 2)
    assert 0.9 < made.kept < 1


def test_a_gap_within_grace_is_no_leaving(tmp_path: Path) -> None:
    """A renewal a fortnight late, and a second contract that goes on, are no endings."""
    rows = [
        line("a", 100.0, "2023-01-01", "2024-01-01"),
        line("a", 100.0, "2024-01-14"),
        line("b", 10.0, "2023-01-01", "2024-01-01"),
        line("b", 10.0, "2022-01-01", subscription_id="other"),
    ]
    made = returns(staged(tmp_path, rows), AS_OF, margin=0.5)
    assert (made.seen, made.left, len(made.account_id)) == (0, 0, 0)
    assert said(made, 36, 0.1) == []


def test_what_is_known_later_does_not_count(tmp_path: Path) -> None:
    """An end and a return after `as_of` are not seen."""
    rows = [line("a", 100.0, "2023-01-01", "2026-02-01"), line("b", 9.0, "2022-01-01", "2024-01-01")]
    more = [*rows, line("b", 9.0, "2026-02-01")]
    one, two = (returns(staged(tmp_path / n, r), AS_OF, margin=0.5) for n, r in (("1", rows), ("2", more)))
    assert one.account_id.tolist() == two.account_id.tolist() == ["b"]
    assert one.rate.tobytes() == two.rate.tobytes()


def test_a_known_rate_of_return_is_found(tmp_path: Path) -> None:
    """Two thousand who left two years ago and come back at 2 % a month: the rate within a fifth of each busy band."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(2_000):
        rows.append(line(f"a{i:04}", 10.0, "2022-01-01", "2024-01-01"))
        back = AS_OF - 731 * DAY + float(rng.exponential(50)) * 30.4375 * DAY
        if back - (AS_OF - 731 * DAY) > 61 * DAY and back < AS_OF:
            rows.append(line(f"a{i:04}", 10.0, back.isoformat(), subscription_id=f"t{i}"))
    made = returns(staged(tmp_path, rows), AS_OF, margin=0.5)
    assert made.rate[1:4] == pytest.approx(0.02, rel=0.2)
    assert made.kept == pytest.approx(1.0)


def test_worth_by_hand() -> None:
    """A chance of 1/10 in each of two months, of 100 a month that stays: 10 twice and 9 once, undiscounted."""
    made = Returns(
        account_id=np.array(["a"], dtype=object),
        months_gone=np.array([0.0]),
        mrr=np.array([100.0]),
        margin=np.array([100.0]),
        rate=np.full(6, 0.1),
        kept=1.0,
        loss=0.0,
        seen=1,
        left=1,
    )
    assert made.chance(2)[0] == pytest.approx([0.1, 0.09])
    assert made.worth(2, 0.0)[0] == pytest.approx(2 * 10 + 9)
    assert made.worth(2, 0.1)[0] < 29
    assert "worth nothing here" in said(made, 24, 0.1)[0]
