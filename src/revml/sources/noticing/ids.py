"""Ids of one thing in two spellings, and one account with most of the rows.

Comes in: accepted and quarantined rows. Goes out: notes. Nothing is joined by guess: `ACME` and `acme` stay two ids
until the mapping says otherwise.
"""

from __future__ import annotations

from pathlib import Path

from revml.contract.tables import TABLES, Table
from revml.sources.facts import literal, staged_relation
from revml.sources.judging import Connection
from revml.sources.noticing.settled import Settled

DOMINANT = 0.25
LEAST_ROWS, LEAST_ACCOUNTS = 1000, 20


def folded(column: str) -> str:
    """SQL: an id without what spellings differ in: case, spaces round it, zeros before it, `.0` behind it."""
    return f"ltrim(regexp_replace(lower(trim({column})), '\\.0$', ''), '0')"


def twins(con: Connection, relation: str, table: Table) -> list[str]:
    """Ids of a table that differ in spelling only."""
    if len(table.key) != 1 or table.happened_at is None:
        return []
    key = table.key[0]
    [row] = con.execute(f"""
        SELECT count(*), any_value(few) FROM (
            SELECT list(DISTINCT {key} ORDER BY {key})[:2] AS few
            FROM {relation} GROUP BY {folded(key)} HAVING count(DISTINCT {key}) > 1)
    """).fetchall()
    if not row[0]:
        return []
    return [
        f"{row[0]:,} {key} stand in several spellings, e.g. {row[1][0]!r} and {row[1][1]!r}: if each is one, bring them"
        f" to one spelling in the mapping of every table ({key}: {{sql: ...}})"
    ]


def strangers(con: Connection, staged: Path, quarantine: Path, table: Table) -> list[str]:
    """Quarantined rows that name something which is there in another spelling."""
    found = []
    for column in table.columns:
        target = column.references
        if target is None or target == table.name or not (key := _key(staged, target)):
            continue
        reason = f"{column.name} names nothing in {target}"
        aside = f"read_parquet({literal(quarantine)}) WHERE reason = {literal(reason)}"
        if con.execute(f"SELECT count(*) FROM {aside}").fetchall() == [(0,)]:
            continue
        [row] = con.execute(f"""
            SELECT count(*), count(DISTINCT q.id), min(q.id), arg_min(t.id, q.id)
            FROM (SELECT {column.name} AS id FROM {aside}) q
            JOIN (SELECT {folded(key)} AS same, min({key}) AS id FROM {staged_relation(staged, target)} GROUP BY 1) t
              ON {folded("q.id")} = t.same
        """).fetchall()
        if row[0]:
            found.append(
                f"{row[0]:,} quarantined rows name {row[1]:,} {target} that are there in another spelling, e.g."
                f" {row[2]!r} for {row[3]!r}: bring both to one spelling in the mapping"
                f" ({column.name}: {{sql: ...}}), then `revml check --retry`"
            )
    return found


def _key(staged: Path, table: str) -> str:
    return TABLES[table].key[0] if (staged / f"{table}.parquet").exists() else ""


def dominant(con: Connection, relation: str, rows: int, *, counted: Settled | None = None) -> list[str]:
    """One account with a large part of all rows."""
    if rows < LEAST_ROWS:
        return []
    each = f"SELECT account_id, count(*) AS n FROM {relation} GROUP BY 1"
    if counted is not None:
        each = f"SELECT * FROM {counted.accounts}"
        each += f" UNION ALL SELECT account_id, count(*) FROM {counted.open} GROUP BY 1" if counted.open else ""
        each = f"SELECT account_id, sum(n)::BIGINT AS n FROM ({each}) GROUP BY 1"
    [row] = con.execute(f"SELECT arg_max(account_id, n), max(n), count(*) FROM ({each})").fetchall()
    if row[2] < LEAST_ACCOUNTS or row[1] < DOMINANT * rows:
        return []
    return [
        f"the account {row[0]!r} has {row[1] / rows:.0%} of all rows ({row[1]:,}; {row[2]:,} accounts have some):"
        " is it a collecting account, a test or the company itself?"
    ]
