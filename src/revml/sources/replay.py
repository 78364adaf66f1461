"""Tables whose past cannot be replayed: their rows were all known on one day, as a load leaves them.

Comes in: checked facts. Goes out: such tables with their figures. No snapshot sees a fact before it is known, so that
the features of such a table are empty up to that day and filled from then on: a model learns nothing from them, and
may be misled by the newest snapshots.
"""

from __future__ import annotations

from dataclasses import dataclass

from revml.contract.tables import TABLES
from revml.sources.facts import Facts

LEAST_ROWS = 200
MOST_ON_ONE_DAY = 0.90
HISTORY_DAYS = 180
LARGE = frozenset({"usage"})  # its days are looked at when it is checked


@dataclass(frozen=True)
class KnownAtOnce:
    """A table of `rows`, `share` of which were known on one day, though they happened over `days`."""

    table: str
    rows: int
    share: float
    days: float


def known_at_once(facts: Facts) -> tuple[KnownAtOnce, ...]:
    """The tables whose rows were nearly all known on one day, long after most of them happened."""
    found = []
    for table in TABLES.values():
        if table.name in LARGE or table.happened_at is None or not facts.has(table.name, "known_at"):
            continue
        [row] = facts.con.execute(f"""
            SELECT sum(n)::BIGINT, max(n)::BIGINT,
                   date_diff('day', min(first), max(last)), arg_max(late, n)::BIGINT
            FROM (SELECT CAST(known_at AS DATE) AS day, count(*) AS n, min({table.happened_at}) AS first,
                         max({table.happened_at}) AS last,
                         count(*) FILTER (known_at > {table.happened_at} + INTERVAL 30 DAY) AS late
                  FROM {table.name} GROUP BY day)
        """).fetchall()
        rows, most, days, late = row
        if rows and rows >= LEAST_ROWS and most >= MOST_ON_ONE_DAY * rows and late > most / 2 and days >= HISTORY_DAYS:
            found.append(KnownAtOnce(table.name, int(rows), most / rows, float(days)))
    return tuple(found)
