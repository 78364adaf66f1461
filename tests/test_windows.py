"""Windows: instants, edges of a label window, and a split in which nothing looks ahead."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from revml.errors import ConfigError, NotEnoughData
from revml.windows import LabelWindow, TimeSplit, instant, month_starts, split_by_time

START = instant("2020-01-01")
WINDOWS = st.builds(LabelWindow, st.integers(1, 180), st.integers(0, 60), st.integers(0, 60))
DATES = st.lists(st.integers(0, 1500).map(lambda d: START + timedelta(days=d)), min_size=10, max_size=60)
UNTIL = st.integers(900, 1800).map(lambda d: START + timedelta(days=d))


@pytest.mark.parametrize(
    ("given_", "meant"),
    [
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("2026-03-01T00:30:00+01:00", "2026-02-28T23:30:00"),
        ("2026-03-01T06:00:00Z", "2026-03-01T06:00:00"),
    ],
)
def test_an_instant_is_utc(given_: str, meant: str) -> None:
    """Dates mean midnight UTC, zones are converted, naive times are UTC."""
    assert instant(given_) == datetime.fromisoformat(meant)


def test_a_wrong_date_says_the_form() -> None:
    """What is not a date is refused with the form that would be right."""
    with pytest.raises(ConfigError, match="not a date") as error:
        instant("1. 3. 2026")
    assert "2026-03-01" in error.value.wanted


def test_the_label_is_closed_when_window_and_settling_have_passed() -> None:
    """Closed from the very instant at which gap, horizon and settling time are over."""
    window = LabelWindow(horizon_days=90, gap_days=7, settle_days=30)
    as_of = instant("2026-01-01")
    final = as_of + timedelta(days=127)
    assert window.closed(as_of, final)
    assert not window.closed(as_of, final - timedelta(microseconds=1))


@settings(derandomize=True)
@given(st.dates(), st.integers(0, 800))
def test_month_starts_are_first_days_without_holes(day: object, span: int) -> None:
    """Every month start in the span and nothing else."""
    assume(getattr(day, "year", 0) < 9990)
    first = instant(day)  # type: ignore[arg-type]
    last = first + timedelta(days=span)
    found = month_starts(first, last)
    days = (first + timedelta(days=n) for n in range(span + 1))
    assert found == [d for d in days if d.day == 1]


def _split(dates: list[datetime], window: LabelWindow, until: datetime, tests: int, valids: int) -> TimeSplit:
    try:
        return split_by_time(dates, window, until, test_snapshots=tests, valid_snapshots=valids)
    except NotEnoughData:
        assume(False)
        raise


@settings(derandomize=True)
@given(DATES, WINDOWS, UNTIL, st.integers(1, 4), st.integers(1, 5))
def test_no_label_looks_into_a_later_part(
    dates: list[datetime], window: LabelWindow, until: datetime, tests: int, valids: int
) -> None:
    """Every label window of a part ends by the first snapshot of the next part, and all windows have closed."""
    split = _split(dates, window, until, tests, valids)
    parts = [part for part in (split.train, split.valid, split.test) if part]
    for earlier, later in pairwise(parts):
        assert max(map(window.end, earlier)) <= min(later)
    assert all(window.closed(at, until) for part in parts for at in part)


@settings(derandomize=True)
@given(DATES, WINDOWS, UNTIL, st.integers(1, 4), st.integers(1, 5))
def test_the_test_is_the_newest_and_training_is_never_empty(
    dates: list[datetime], window: LabelWindow, until: datetime, tests: int, valids: int
) -> None:
    """The newest closed snapshots are the test, no more than asked for, and something is left to learn from."""
    split = _split(dates, window, until, tests, valids)
    closed = sorted(at for at in set(dates) if window.closed(at, until))
    assert split.train
    assert list(split.test) == closed[-len(split.test) :]
    assert 1 <= len(split.test) <= tests
    assert len(split.valid) <= valids
    assert not {*split.train} & {*split.valid, *split.test}


@settings(derandomize=True)
@given(DATES, WINDOWS, UNTIL)
def test_training_keeps_all_that_it_may(dates: list[datetime], window: LabelWindow, until: datetime) -> None:
    """No closed snapshot is left out except those whose labels look into the next part."""
    split = _split(dates, window, until, 1, 3)
    after_train = (split.valid or split.test)[0]
    assert list(split.train) == sorted(at for at in set(dates) if window.end(at) <= after_train)


def test_too_early_says_how_much_longer() -> None:
    """With no closed window the message gives the days that are needed and the end of the data."""
    with pytest.raises(NotEnoughData, match="no label window has closed yet") as error:
        split_by_time([START], LabelWindow(90, 7, 30), START + timedelta(days=100))
    assert "127 days" in error.value.wanted
    assert "2020-04-10" in error.value.got


def test_one_closed_snapshot_is_not_enough_to_learn_and_to_measure() -> None:
    """A single closed snapshot cannot be both training and test."""
    with pytest.raises(NotEnoughData, match="history is too short"):
        split_by_time([START, START + timedelta(days=30)], LabelWindow(90), START + timedelta(days=200))


def test_fewer_test_snapshots_rather_than_no_training() -> None:
    """Where history is short, the test gives snapshots back so that training keeps its three."""
    dates = [START + timedelta(days=30 * n) for n in range(7)]
    split = split_by_time(dates, LabelWindow(90), START + timedelta(days=300), test_snapshots=3)
    assert (len(split.train), split.valid, len(split.test)) == (3, (), 2)
