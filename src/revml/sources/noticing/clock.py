"""Clocks that disagree: facts from the future, facts known before they happened, a history known on one day.

Comes in: a table's accepted rows. Goes out: notes with figures. Rows are kept: no snapshot sees a fact before it is
known, and no future fact makes the data look more complete than it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from revml.contract.tables import Table
from revml.sources.judging import Connection
from revml.sources.noticing.settled import Settled

# What is agreed or billed ahead may rightly be known before it happens, or lie in the future.
AHEAD = ("subscriptions", "invoices", "assets", "actions", "account_history", "opportunities", "products", "users")
MANY = 0.01


def notes(
    con: Connection,
    relation: str,
    table: Table,
    columns: frozenset[str],
    now: datetime,
    *,
    counted: Settled | None = None,
) -> list[str]:
    """What the times of a table give away.

    Args:
        columns: the columns of the relation.
        now: this instant.
        counted: of usage, months that were counted before; only the others are read.
    """
    happened = table.happened_at
    if happened is None:
        return []
    at, found = f"TIMESTAMP '{now}'", []
    known = "known_at" in columns
    early = f"count(*) FILTER (known_at < {happened} - INTERVAL 1 DAY)" if known else "0"
    late = f"count(*) FILTER (known_at > {at})" if known else "0"
    apart = f"count(*) FILTER (known_at <> {happened})" if known else "0"
    row: tuple[Any, ...] = (0, 0, None, 0, 0, 0)
    if counted is None or counted.open is not None:
        [row] = con.execute(f"""
            SELECT count(*), count(*) FILTER ({happened} > {at}), max({happened}), {early}, {late}, {apart}
            FROM {relation if counted is None else counted.open}
        """).fetchall()
    rows, future, newest, before, unknown, other = row
    if counted is not None:
        rows, before, other = rows + counted.clock[0], before + counted.clock[1], other + counted.clock[2]
    newest = newest or (counted.newest if counted else None) or now
    if future:
        found.append(_future(table, rows, future, newest, now))
    if table.name not in AHEAD and before > MANY * rows:
        found.append(
            f"{before:,} rows ({before / rows:.1%}) bear a known_at more than a day before {happened}: one of the two"
            " clocks is wrong, or they are mapped the wrong way round; features see a fact from its known_at on"
        )
    if unknown and not future:
        found.append(f"{unknown:,} rows have a known_at in the future: nothing sees them until then")
    if rows >= 200 and other >= 0.5 * rows and (load := _one_day(con, relation, happened, rows)):
        found.append(load)
    return found


def _future(table: Table, rows: int, future: int, newest: datetime, now: datetime) -> str:
    told = f"its newest {table.happened_at} lies in the future: {newest:%Y-%m-%d}; "
    hours = (newest - now).total_seconds() / 3600
    if hours <= 14 and table.name not in AHEAD:
        return told + (
            f"{future:,} rows, by up to {hours:.1f} hours: these look like local times read as UTC,"
            f" name the zone under tables: {table.name}: timezone"
        )
    return told + (
        f"{future:,} of {rows:,} rows, the data counts as reaching to today at most."
        " Look for day and month in the wrong order, or a wrong clock, and leave such rows out with where"
    )


def _one_day(con: Connection, relation: str, happened: str, rows: int) -> str | None:
    """Most of a long history known on a single day: a time of loading, not of knowing."""
    days = con.execute(f"""
        SELECT known_at::DATE, count(*) AS n, date_diff('day', min({happened}), max({happened}))
        FROM {relation} GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1
    """).fetchall()
    row = days[0] if days else None
    if not row or row[1] < 0.5 * rows or row[2] < 90:
        return None
    return (
        f"{row[1] / rows:.0%} of the rows have a known_at on the one day {row[0]} though they happened over"
        f" {row[2]:,} days: it looks like the time of loading, and no snapshot before that day sees them;"
        " leave known_at out of the mapping if the rows were known as they happened"
    )
