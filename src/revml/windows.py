"""Time: instants, label windows and the split by time.

Everything here is a naive `datetime` that means UTC. A feature sees facts with `known_at <= as_of`; a label looks at
`(as_of + gap, as_of + gap + horizon]` and exists only when that window has fully passed. Nothing here reads data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from revml.errors import ConfigError, NotEnoughData


def instant(value: date | datetime | str) -> datetime:
    """The instant a date, an ISO string or a time with a zone means, as naive UTC.

    A date means 00:00 UTC of that day.

    >>> instant("2026-03-01")
    datetime.datetime(2026, 3, 1, 0, 0)
    >>> instant("2026-03-01T02:00:00+02:00")
    datetime.datetime(2026, 3, 1, 0, 0)
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ConfigError(
                "this is not a date",
                wanted="an ISO date such as 2026-03-01, or an instant such as 2026-03-01T06:00:00Z",
                got=repr(value),
                do="write the date in that form",
            ) from None
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive means UTC in revml


@dataclass(frozen=True)
class LabelWindow:
    """How far ahead a question looks: `(as_of + gap_days, as_of + gap_days + horizon_days]`.

    `settle_days` is what must pass after the window before its label is final (the grace period of a churn).

    >>> w = LabelWindow(horizon_days=90, gap_days=7)
    >>> w.start(instant("2026-01-01")), w.end(instant("2026-01-01"))
    (datetime.datetime(2026, 1, 8, 0, 0), datetime.datetime(2026, 4, 8, 0, 0))
    """

    horizon_days: int
    gap_days: int = 0
    settle_days: int = 0

    @property
    def reach(self) -> timedelta:
        """From `as_of` to the end of the window."""
        return timedelta(days=self.gap_days + self.horizon_days)

    def start(self, as_of: datetime) -> datetime:
        """The exclusive start of the window."""
        return as_of + timedelta(days=self.gap_days)

    def end(self, as_of: datetime) -> datetime:
        """The inclusive end of the window."""
        return as_of + self.reach

    def closed(self, as_of: datetime, observed_until: datetime) -> bool:
        """Whether the label of `as_of` is final in data observed until then."""
        return self.end(as_of) + timedelta(days=self.settle_days) <= observed_until


@dataclass(frozen=True)
class TimeSplit:
    """Snapshots by their use. `valid` is empty when history is too short for a fold of its own."""

    train: tuple[datetime, ...]
    valid: tuple[datetime, ...]
    test: tuple[datetime, ...]


def month_starts(first: datetime, last: datetime) -> list[datetime]:
    """The first instants of the months in `[first, last]`.

    >>> [str(d.date()) for d in month_starts(instant("2026-01-15"), instant("2026-03-01"))]
    ['2026-02-01', '2026-03-01']
    """
    out = []
    year, month = first.year, first.month
    while (at := datetime(year, month, 1)) <= last:  # noqa: DTZ001
        if at >= first:
            out.append(at)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return out


def split_by_time(
    as_ofs: Iterable[datetime],
    window: LabelWindow,
    observed_until: datetime,
    *,
    test_snapshots: int = 1,
    valid_snapshots: int = 3,
    min_train: int = 3,
) -> TimeSplit:
    """Split closed snapshots so that no training label looks into a later fold.

    The newest `test_snapshots` closed snapshots are the test; a fold is kept only from snapshots whose label window
    (with the gap) ended by the first snapshot of the next fold. When fewer than `min_train` snapshots would be left
    before a validation fold, there is none and all go to training (the learner then folds by account).

    Raises:
        NotEnoughData: no window has closed yet, or nothing is left to train on.
    """
    every = sorted(set(as_ofs))
    closed = [at for at in every if window.closed(at, observed_until)]
    if not closed:
        need = timedelta(days=window.settle_days) + window.reach
        raise NotEnoughData(
            "no label window has closed yet, so there is nothing to learn from",
            wanted=f"a snapshot at least {need.days} days before the end of the data",
            got=f"{len(every)} snapshots, data until {observed_until:%Y-%m-%d}",
            do="wait, load more history, or shorten horizon_days in revml.yaml",
        )

    def before(limit: datetime) -> list[datetime]:
        return [at for at in closed if window.end(at) <= limit]

    tests = closed[-test_snapshots:]
    while len(tests) > 1 and len(before(tests[0])) < min_train:
        tests = tests[1:]
    rest = before(tests[0])
    if not rest:
        raise NotEnoughData(
            "history is too short: no label window closed before the test snapshot",
            wanted=f"at least {2 * window.reach.days} days of history with snapshots",
            got=f"{len(closed)} closed snapshots, {closed[0]:%Y-%m-%d} to {closed[-1]:%Y-%m-%d}",
            do="load more history, or shorten horizon_days in revml.yaml",
        )
    valid: Sequence[datetime] = rest[-valid_snapshots:]
    train = before(valid[0])
    if len(train) < min_train:
        return TimeSplit(tuple(rest), (), tuple(tests))
    return TimeSplit(tuple(train), tuple(valid), tuple(tests))
