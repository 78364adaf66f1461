"""Which run a reader means who names a day: the newest that looked from that day, or from an earlier one."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import Connection, select

from revml.errors import NotFound
from revml.store import read
from revml.store.schema import runs
from revml.store.views import RunInfo


class NoSuchDay(NotFound):
    """No run that is kept looked from that day or an earlier one."""


def run_as_of(connection: Connection, current: RunInfo, day: date) -> RunInfo:
    """The newest run up to `current` with an `as_of` not after the end of `day`; withdrawn runs are left out.

    Raises:
        NoSuchDay: there is none; names the nearest days that have one.
    """
    kept = (runs.c.id <= current.id, ~runs.c.withdrawn)
    end = datetime.combine(day, time.max)
    found = connection.execute(
        select(runs.c.id).where(*kept, runs.c.as_of <= end).order_by(runs.c.as_of.desc(), runs.c.id.desc()).limit(1)
    ).scalar()
    run = None if found is None else read.run_info(connection, found)
    if run is not None:
        return run
    nearest = connection.execute(select(runs.c.as_of).distinct().where(*kept).order_by(runs.c.as_of).limit(3))
    raise NoSuchDay(
        "no run looked from that day or from an earlier one",
        where="as_of",
        wanted=", ".join(f"{one:%Y-%m-%d}" for one in nearest.scalars()) + " or later",
        got=day.isoformat(),
        do="name one of these days, or leave as_of out for the newest run",
    )
