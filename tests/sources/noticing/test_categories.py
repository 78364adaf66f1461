"""A value that stops all at once is told; one that fades, rests every year or is used by a single account is not."""

from __future__ import annotations

from datetime import date

import numpy as np

from revml.sources.noticing.categories import changes

FIRST = date(2025, 1, 6)


def told(values: dict[str, np.ndarray], *, shared: bool = True) -> list[str]:
    """The notes on events."""
    return changes("event", FIRST, values, lambda value, start, end: shared)


def counts(rate: float, start: int = 0, end: int = 300) -> np.ndarray:
    """Rows a day at a rate, between two of 300 days."""
    made = np.random.default_rng(int(rate)).poisson(rate, 300)
    made[:start] = made[end:] = 0
    return made


def test_an_event_that_stops_is_told_with_its_day() -> None:
    """The last day is 2025-08-13."""
    (note,) = told({"view": counts(50), "export": counts(20, 0, 220)})
    assert note.startswith("event 'export' stopped on 2025-08-13 (about 1")


def test_a_renamed_event_is_told_once_with_its_new_name() -> None:
    """One ends and another begins as often."""
    (note,) = told({"view": counts(50), "export": counts(40, 0, 220), "export_v2": counts(41, 220)})
    assert "'export_v2' began in its place" in note


def test_a_value_that_appears_en_masse_is_told() -> None:
    """Two thirds of all rows from one day on."""
    (note,) = told({"view": counts(50), "flood": counts(100, 200)})
    assert note.startswith("event 'flood' appears on 2025-07-25 and is 6")


def test_what_fades_away_is_not_told() -> None:
    """Customers leave a feature one by one."""
    fading = np.random.default_rng(3).poisson(30 * np.exp(-np.arange(300) / 40))
    assert told({"view": counts(50), "old": fading}) == []


def test_a_table_that_ends_is_not_told_for_each_of_its_values() -> None:
    """All stop: that is a gap of the table."""
    assert told({"view": counts(50, 0, 220), "export": counts(20, 0, 220)}) == []


def test_a_value_of_few_accounts_is_not_told() -> None:
    """It stops with its account."""
    assert told({"view": counts(50), "export": counts(20, 0, 220)}, shared=False) == []


def test_rare_values_are_not_told() -> None:
    """A row a week now and then says nothing by its silence."""
    assert told({"view": counts(50), "rare": counts(0.1, 0, 220)}) == []
