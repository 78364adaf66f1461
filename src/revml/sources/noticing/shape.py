"""A table's accepted rows counted by day and month: one pass over the rows, everything else from the counts.

Comes in: the staged rows of a table. Goes out: `Shape`, from which gaps, fillings, categories and the profile are
made. Usage is counted by day and event, however many rows it has; its digests come from its ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revml.contract.profile import Month
from revml.contract.tables import LATER_COLUMNS, Table
from revml.sources.facts import staged_relation
from revml.sources.judging import Connection
from revml.sources.noticing.settled import Settled

LONGEST_DAYS = 20_000
MOST_VALUES = 200
# Columns whose values are few and mean the same from month to month.
CATEGORIES = {
    "subscriptions": ("plan",),
    "usage": ("event",),
    "tickets": ("priority", "category"),
    "touches": ("channel", "kind"),
    "feedback": ("kind",),
    "users": ("role",),
}
# Tables whose rows say what happened once and for all, so that the past should not change.
SETTLED = ("orders", "usage", "feedback", "touches", "account_history")
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """Counts of a table with times.

    Attributes:
        first: the first day; counts run from it without holes.
        by_day: rows a day.
        months: rows and digest by month.
        filled: for each optional column its filled rows by month, in order.
    """

    first: date
    by_day: Counts
    months: dict[str, Month]
    filled: dict[str, list[tuple[str, int, int]]]
    values: dict[str, dict[str, Counts]]


def columns_of(con: Connection, relation: str) -> frozenset[str]:
    """The columns of a relation."""
    return frozenset(row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall())


def optional_columns(table: Table, columns: frozenset[str]) -> list[str]:
    """The columns whose filled rows are counted: those that may be empty, and not because their time is to come."""
    later = set(LATER_COLUMNS.get(table.name, {}))
    return [c.name for c in table.columns if not c.required and c.name in columns and c.name not in later]


def shape(
    con: Connection,
    staged: Path,
    table: Table,
    columns: frozenset[str],
    until: datetime,
    *,
    counted: Settled | None = None,
) -> Shape | None:
    """Count a table; None where rows have no time. Rows after `until` (the future) and absurd spans are left out.

    Args:
        counted: of usage, months that were counted before; only the others are read.
    """
    if table.happened_at is None:
        return None
    relation, event = staged_relation(staged, table.name), table.name == "usage"
    optional = optional_columns(table, columns)
    filled = "".join(f", count({name})::BIGINT AS {name}" for name in optional)
    digest = ", 0::HUGEINT AS digest"
    if table.name in SETTLED and not event:
        kept = ", ".join(sorted(columns & set(table.by_name)))
        digest = f", sum(hash({kept})::HUGEINT) AS digest"
    count = f"""
        SELECT {table.happened_at}::DATE AS day{", event" if event else ""}, count(*)::BIGINT AS n{filled}{digest}
        FROM {{}} WHERE {table.happened_at} <= TIMESTAMP '{until}' GROUP BY ALL
    """
    rows = count.format(relation)
    if counted is not None:
        names = "".join(f", {name}" for name in optional)
        rows = f"SELECT day, event, n{names}, 0::HUGEINT AS digest FROM {counted.days}"
        rows += f" UNION ALL {count.format(counted.open)}" if counted.open else ""
    con.execute(f"CREATE OR REPLACE TEMP TABLE shape_days AS {rows}")
    days = con.execute("SELECT day, sum(n)::BIGINT FROM shape_days GROUP BY 1 ORDER BY 1").fetchall()
    if not days:
        return None
    days = [(day, n) for day, n in days if (days[-1][0] - day).days < LONGEST_DAYS]
    first, length = days[0][0], (days[-1][0] - days[0][0]).days + 1
    return Shape(
        first=first,
        by_day=_dense(days, first, length),
        months=_months(con, staged, event),
        filled=_filled(con, optional),
        values={
            name: _values(con, relation, table, name, first, length, until)
            for name in CATEGORIES.get(table.name, ())
            if name in columns
        },
    )


def shared(con: Connection, relation: str, happened: str, column: str) -> Callable[[str, date, date], bool]:
    """Whether a value comes from several accounts, none of them with most of it, between two days."""

    def ask(value: str, start: date, end: date) -> bool:
        [row] = con.execute(
            f"SELECT count(*), max(n), sum(n) FROM (SELECT count(*) AS n FROM {relation} WHERE {column} = ?"
            f" AND {happened} >= ? AND {happened} < CAST(? AS DATE) + 1 GROUP BY account_id)",
            [value, start, end],
        ).fetchall()
        return bool(row[0] >= 5 and row[1] <= 0.5 * row[2])

    return ask


def _dense(days: list[tuple[date, int]], first: date, length: int) -> Counts:
    counts = np.zeros(length, dtype=np.int64)
    for day, n in days:
        if 0 <= (day - first).days < length:
            counts[(day - first).days] = n
    return counts


def _months(con: Connection, staged: Path, event: bool) -> dict[str, Month]:
    months = con.execute(
        "SELECT strftime(day, '%Y-%m'), sum(n)::BIGINT, sum(digest) FROM shape_days GROUP BY 1 ORDER BY 1"
    ).fetchall()
    digests = {month: f"{digest:x}" if digest else "" for month, _, digest in months}
    ledger = staged / "usage_days.parquet"
    if event and ledger.exists():
        digests |= dict(
            con.execute(
                "SELECT strftime(day, '%Y-%m'), md5(string_agg(digest, ' ' ORDER BY day))"
                f" FROM read_parquet('{str(ledger).replace(chr(39), chr(39) * 2)}') GROUP BY 1"
            ).fetchall()
        )
    return {month: Month(int(n), digests.get(month) or "") for month, n, _ in months}


def _filled(con: Connection, columns: list[str]) -> dict[str, list[tuple[str, int, int]]]:
    if not columns:
        return {}
    sums = ", ".join(f"sum({name})::BIGINT" for name in columns)
    rows = con.execute(
        f"SELECT strftime(day, '%Y-%m'), sum(n)::BIGINT, {sums} FROM shape_days GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {name: [(row[0], row[1], row[2 + number]) for row in rows] for number, name in enumerate(columns)}


def _values(
    con: Connection, relation: str, table: Table, column: str, first: date, length: int, until: datetime
) -> dict[str, Counts]:
    rows = "(SELECT day, event AS value, sum(n)::BIGINT AS n FROM shape_days GROUP BY 1, 2)"
    if table.name != "usage":
        rows = (
            f"(SELECT {table.happened_at}::DATE AS day, {column} AS value, count(*) AS n FROM {relation}"
            f" WHERE {column} IS NOT NULL AND {table.happened_at} <= TIMESTAMP '{until}' GROUP BY 1, 2)"
        )
    found: dict[str, list[tuple[date, int]]] = {}
    # Of very many values only the frequent ones can stop for everybody at once.
    for value, day, n in con.execute(
        f"WITH r AS {rows}, often AS (SELECT value FROM r GROUP BY 1 ORDER BY sum(n) DESC, 1 LIMIT {MOST_VALUES})"
        " SELECT value, day, n FROM r JOIN often USING (value)"
    ).fetchall():
        found.setdefault(value, []).append((day, n))
    return {value: _dense(days, first, length) for value, days in found.items()}
