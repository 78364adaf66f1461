"""The audit: who exported, promoted, went back, changed keys or was refused; rows are added and never changed.

What was refused is counted, one row for many of a kind, so that nobody can fill the disk by knocking; such rows are
kept for a quarter of a year, all others for good.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, or_, select

from revml.store.database import Database
from revml.store.keys import now_utc
from revml.store.schema import audit

REFUSED = "refused"
KEEP_REFUSALS = timedelta(days=90)
LONGEST = 300
KEEP_ROWS = 100_000  # of refusals, however many come
_KEY = re.compile(r"revml_\w+_[\w-]+")  # a key that stands where it does not belong


@dataclass(frozen=True)
class Deed:
    """What was done: who, what, on what, and how it ended. `who` is a key's id, `cli`, or `nobody`."""

    who: str
    action: str
    target: str
    outcome: str
    at: datetime
    times: int = 1
    request_id: str | None = None


def deed(who: str, action: str, target: str, outcome: str, *, times: int = 1, request_id: str | None = None) -> Deed:
    """A deed of now, its texts cut to what a row may hold and freed of control characters."""
    said = [_KEY.sub("revml_…", _line(text))[:LONGEST] for text in (who, target, outcome)]
    known = None if request_id is None else _line(request_id)[:64]
    return Deed(said[0], action[:64], said[1], said[2], now_utc(), times, known)


def record(database: Database, deeds: Sequence[Deed]) -> None:
    """Write deeds down.

    Raises:
        StoreError: the database is away.
    """
    with database.writing() as connection:
        connection.execute(insert(audit), [asdict(one) for one in deeds])
        if any(one.action == REFUSED for one in deeds):
            refusals = select(audit.c.id).where(audit.c.action == REFUSED).order_by(audit.c.id.desc())
            last = connection.execute(refusals.offset(KEEP_ROWS).limit(1)).scalar()
            old = or_(audit.c.at < now_utc() - KEEP_REFUSALS, audit.c.id <= (last or 0))
            connection.execute(delete(audit).where(audit.c.action == REFUSED, old))


def deeds_since(database: Database, since: datetime | None = None, *, limit: int | None = None) -> tuple[Deed, ...]:
    """The deeds since an instant (or all), newest first."""
    asked = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
    if since is not None:
        asked = asked.where(audit.c.at >= since)
    with database.reading() as connection:
        rows = connection.execute(asked).all()
    return tuple(Deed(**{name: value for name, value in row._mapping.items() if name != "id"}) for row in rows)


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)
