"""Whom a list of a given length reaches, on accounts that can be counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from revml.backtesting.lists import Reach, order, reached, together

ROWS = pd.DataFrame(
    {
        "account_id": ["a", "b", "c", "d", "e", "f"],
        "label": pd.array([1, 0, 1, 0, 1, None], dtype="Int8"),
        "money": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0],
        "probability": [0.9, 0.8, 0.7, 0.2, 0.1, 0.6],
        "expected": [9.0, 16.0, 21.0, 8.0, 5.0, 36.0],
        "rule": [0.5, 0.5, 0.5, 0.1, 0.1, 0.1],
        "days_to_renewal": [None, 5.0, 90.0, 10.0, 20.0, 1.0],
    }
)


def test_each_list_reaches_what_can_be_counted_by_hand() -> None:
    """Three calls: a, b, c by likelihood; f, c, b by expected money; c, b, a by the rule, the larger first."""
    assert reached(ROWS, 3) == {
        "model": Reach(3, 2, 40.0),
        "expected": Reach(3, 1, 30.0),
        "rule": Reach(3, 2, 40.0),
        "renewal": Reach(3, 0, 0.0),
        "money": Reach(3, 1, 50.0),
        "random": Reach(3, 1.5, 45.0),
        "perfect": Reach(3, 3, 90.0),
    }


def test_among_equals_the_larger_account_is_called_first() -> None:
    """The rule knows two rates; within each, money decides."""
    assert [ROWS["account_id"][k] for k in order(ROWS, "rule", largest_first=True)] == ["c", "b", "a", "f", "e", "d"]


def test_who_has_no_renewal_date_is_called_last() -> None:
    """An unknown date is not an early one."""
    assert [ROWS["account_id"][k] for k in order(ROWS, "days_to_renewal", largest_first=False)][-1] == "a"


def test_a_perfect_list_takes_the_largest_events() -> None:
    """Two calls reach e and c, worth 80."""
    assert reached(ROWS, 2)["perfect"] == Reach(2, 2, 80.0)


def test_a_team_larger_than_the_company_calls_everybody() -> None:
    """Every list then reaches all three events, and none is longer than the company."""
    everyone = reached(ROWS, 100)
    assert {reach.events for reach in everyone.values()} == {3.0}
    assert {reach.accounts for reach in everyone.values()} == {6}


@pytest.mark.parametrize("column", ["days_to_renewal", "rule"])
def test_a_list_without_its_column_is_left_out(column: str) -> None:
    """No renewal dates, or no rule: nothing is made up."""
    name = {"days_to_renewal": "renewal", "rule": "rule"}[column]
    assert name not in reached(ROWS.drop(columns=column), 3)
    assert name not in reached(ROWS.assign(**{column: float("nan")}), 3)


def test_sums_hold_only_lists_that_every_origin_has() -> None:
    """A list that one origin could not make would be compared with others over fewer calls."""
    first, second = reached(ROWS, 3), reached(ROWS.drop(columns="days_to_renewal"), 3)
    both = together([first, second])
    assert "renewal" not in both
    assert both["model"] == Reach(6, 4, 80.0)
