"""Columns that look like today's value: they know what a row could not know at the time it tells of.

Comes in: the staged tables and the scratch table `account_columns` (the columns of accepted accounts, those left out
included). Goes out: suspects with the figures that say so. Nothing is put aside here: whether a column is true to its
time only the company knows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from revml.contract.checks import identifier
from revml.contract.report import Suspect
from revml.contract.tables import LATER_COLUMNS
from revml.sources.at_start import changed_and_same, starts
from revml.sources.facts import staged_relation
from revml.sources.judging import Connection, count, extra, left, watch
from revml.sources.mapping import Mapping
from revml.sources.relating import GOOD

TELLING_AUC = 0.9
LATE_SHARE = 0.2
MIN_CLASS = 10
MAX_CATEGORIES = 200
ATTRIBUTES = (
    "name",
    "owner",
    "industry",
    "country",
    "region",
    "employees",
    "acquisition_channel",
    "acquisition_cost",
    "parent_account_id",
    "referred_by",
)


def keep_account_columns(con: Connection, mapping: Mapping) -> None:
    """Keep every column of the accepted accounts for a look at the end, when it is known who has ended."""
    names = {name: name for name in ATTRIBUTES if name in mapping.values}
    names |= {extra(name): name for name in mapping.extras} | {left(name): name for name in watch(mapping)}
    picked = "".join(f", {inside} AS {identifier(f'column:{name}')}" for inside, name in names.items())
    con.execute(f"""
        CREATE OR REPLACE TABLE account_columns AS
        SELECT account_id, created_at{picked} FROM {GOOD} WHERE _row NOT IN (SELECT _row FROM twice)
    """)


def suspects(
    con: Connection, accounts: Mapping, columns: dict[str, tuple[str, ...]], staged: Path, observed_until: datetime
) -> dict[str, tuple[Suspect, ...]]:
    """Suspicious columns by table.

    Args:
        accounts: the mapping of accounts, to tell static columns from those left out.
        columns: contract columns that hold values, by table.
    """
    found = {"accounts": _accounts(con, accounts, columns, staged, observed_until)}
    for table, later in LATER_COLUMNS.items():
        there = set(columns.get(table, ()))
        pairs = [(name, time) for name, time in later.items() if name != time and {name, time} <= there]
        found[table] = [s for name, time in pairs if (s := _told_too_soon(con, staged, table, name, time))]
    if {"renews_at", "started_at"} <= set(columns.get("subscriptions", ())):
        found["subscriptions"] += _renewals(con, staged, observed_until)
    return {table: tuple(list_) for table, list_ in found.items() if list_}


def _accounts(
    con: Connection, mapping: Mapping, columns: dict[str, tuple[str, ...]], staged: Path, until: datetime
) -> list[Suspect]:
    found = []
    names = [name for name in ATTRIBUTES if name in mapping.values] + list(mapping.extras) + list(watch(mapping))
    kinds = {row[0]: row[1] for row in con.execute("DESCRIBE account_columns").fetchall()}
    if imported := _imported(con):
        found.append(imported)
    judged = _outcome(con, columns, staged, until)
    for name in names:
        value, kind = identifier(f"column:{name}"), kinds[f"column:{name}"]
        evidence = _later_than_creation(con, value, kind) or (_telling(con, value, kind) if judged else None)
        if evidence:
            found.append(Suspect(name, evidence, used=name not in watch(mapping)))
    if {"employees"} <= set(columns.get("accounts", ())) and {"value"} <= set(columns.get("account_history", ())):
        found += _kept_up(con, staged)
    return found


def _kept_up(con: Connection, staged: Path) -> list[Suspect]:
    """Staff that is kept up to date: most of those that changed hold what their history ends with."""
    there = {name: staged_relation(staged, name) for name in ("accounts", "account_history")}
    changed, same = con.execute(changed_and_same(**there)).fetchall()[0]
    if not changed or starts(changed, same):
        return []
    evidence = f"{same / changed:.0%} of the accounts whose history tells changes hold its newest value: it is today's"
    return [Suspect("employees", evidence, used=True)]


def _imported(con: Connection) -> Suspect | None:
    found = con.execute(
        "SELECT created_at, count(*), (SELECT count(*) FROM account_columns)"
        " FROM account_columns GROUP BY created_at ORDER BY 2 DESC, 1 LIMIT 1"
    ).fetchall()
    row = found[0] if found else None
    if not row or row[2] < 50 or row[1] < 0.3 * row[2]:
        return None
    share = row[1] / row[2]
    return Suspect(
        "created_at", f"{share:.0%} of the accounts bear the same instant {row[0]}: it looks like the day of an import"
    )


def _later_than_creation(con: Connection, value: str, kind: str) -> str | None:
    """A column of times that lie after the account was created was written later."""
    if kind.startswith(("TIMESTAMP", "DATE")):
        time = f"CAST({value} AS TIMESTAMP)"
    elif kind == "VARCHAR":
        time = f"CAST(TRY_CAST({value} AS TIMESTAMPTZ) AS TIMESTAMP)"
    else:
        return None
    [row] = con.execute(f"""
        SELECT count({value}), count(t), count(*) FILTER (t > created_at + INTERVAL 1 DAY), max(t)
        FROM (SELECT {value}, {time} AS t, created_at FROM account_columns)
    """).fetchall()
    if row[1] < 5 or row[1] < 0.95 * row[0] or row[2] < LATE_SHARE * row[1]:
        return None
    return f"{row[2] / row[1]:.0%} of its times lie after the account was created, the last on {row[3]:%Y-%m-%d}"


def _outcome(con: Connection, columns: dict[str, tuple[str, ...]], staged: Path, until: datetime) -> bool:
    """Who has ended by now, in the scratch table `outcome`; false when too few have, or have not."""
    parts = []
    end = f"TIMESTAMP '{until}'"
    if "ended_at" in columns.get("subscriptions", ()):
        parts.append(
            f"SELECT account_id, bool_and(coalesce(ended_at <= {end}, false)) AS gone, 1 AS rank"
            f" FROM {staged_relation(staged, 'subscriptions')} GROUP BY 1"
        )
    if "ordered_at" in columns.get("orders", ()):
        quiet = f"TIMESTAMP '{until - timedelta(days=180)}'"
        parts.append(
            f"SELECT account_id, max(ordered_at) < {quiet} AS gone, 2 AS rank"
            f" FROM {staged_relation(staged, 'orders')} GROUP BY 1"
        )
    if not parts:
        return False
    con.execute(f"""
        CREATE OR REPLACE TABLE outcome AS
        SELECT account_id, arg_min(gone, rank) AS ended FROM ({" UNION ALL ".join(parts)}) GROUP BY 1
    """)
    least = "least(count(*) FILTER (ended), count(*) FILTER (NOT ended))"
    return count(con, f"SELECT {least} FROM outcome") >= MIN_CLASS


def _telling(con: Connection, value: str, kind: str) -> str | None:
    """A single column that ranks those who have ended above the others nearly without fault."""
    rows = f"(SELECT {value} AS v, ended, account_id FROM account_columns JOIN outcome USING (account_id))"
    filled = _auc(con, f"SELECT (v IS NULL)::INT AS x, ended FROM {rows}")
    if filled is not None and max(filled, 1 - filled) > TELLING_AUC:
        [row] = con.execute(
            f"SELECT avg((v IS NOT NULL)::INT) FILTER (ended), avg((v IS NOT NULL)::INT) FILTER (NOT ended) FROM {rows}"
        ).fetchall()
        return f"filled for {row[0]:.0%} of the accounts that have ended and {row[1]:.0%} of the others"
    if kind == "VARCHAR":
        if count(con, f"SELECT count(DISTINCT v) FROM {rows}") > MAX_CATEGORIES:
            return None
        auc = _auc(con, _crossed(rows))
    else:
        number = "epoch(CAST(v AS TIMESTAMP))" if kind.startswith(("TIMESTAMP", "DATE")) else "CAST(v AS DOUBLE)"
        auc = _auc(con, f"SELECT {number} AS x, ended FROM {rows} WHERE v IS NOT NULL")
    if auc is None or max(auc, 1 - auc) <= TELLING_AUC:
        return None
    return f"alone it tells who has ended with an AUC of {max(auc, 1 - auc):.2f} (0.5 is chance, 1 is knowing)"


def _crossed(rows: str) -> str:
    """Each category as the share that ended among the other half of the accounts, so that rare values tell nothing."""
    half = "hash(account_id) % 2"
    return f"""
        WITH r AS (SELECT v, ended, {half} AS half FROM {rows}),
             rates AS (SELECT v, 1 - half AS half, avg(ended::INT) AS rate FROM r GROUP BY 1, 2),
             base AS (SELECT avg(ended::INT) AS rate FROM r)
        SELECT coalesce(rates.rate, base.rate) AS x, r.ended
        FROM r CROSS JOIN base LEFT JOIN rates ON r.v IS NOT DISTINCT FROM rates.v AND r.half = rates.half
    """


def _auc(con: Connection, pairs: str) -> float | None:
    """The probability that one who ended has the larger x (ties count half): Mann and Whitney's U over n1 n0."""
    [row] = con.execute(f"""
        WITH g AS (SELECT x, sum(ended::INT)::DOUBLE AS n1, sum((NOT ended)::INT)::DOUBLE AS n0
                   FROM ({pairs}) GROUP BY x),
             c AS (SELECT n1, n0, coalesce(sum(n0) OVER lower, 0) AS below FROM g
                   WINDOW lower AS (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
        SELECT sum(n1 * (below + n0 / 2)), sum(n1), sum(n0) FROM c
    """).fetchall()
    if not row[1] or min(row[1], row[2]) < MIN_CLASS:
        return None
    return float(row[0] / (row[1] * row[2]))


def _told_too_soon(con: Connection, staged: Path, table: str, column: str, time: str) -> Suspect | None:
    """What is known only at a later time should be empty until then."""
    file = staged_relation(staged, table)
    soon = count(con, f"SELECT count(*) FROM {file} WHERE {column} IS NOT NULL AND {time} IS NULL")
    if not soon:
        return None
    return Suspect(column, f"filled in {soon:,} rows whose {time} is empty, so it is not told by {time}")


def _renewals(con: Connection, staged: Path, until: datetime) -> list[Suspect]:
    """A renewal date is that of the row's own time; one that moves on every year is today's."""
    file = staged_relation(staged, "subscriptions")
    end = f"TIMESTAMP '{until}'"
    term = "date_diff('day', started_at, renews_at)"
    usual = count(
        con,
        f"SELECT coalesce(median({term}), 0)::BIGINT FROM {file} WHERE started_at > {end} - INTERVAL 400 DAY"
        " AND renews_at IS NOT NULL",
    )
    old = f"started_at < {end} - INTERVAL 760 DAY AND renews_at IS NOT NULL"
    rows = count(con, f"SELECT count(*) FROM {file} WHERE {old}")
    moved = count(
        con, f"SELECT count(*) FROM {file} WHERE {old} AND renews_at > {end} AND {term} > {max(760, 2 * usual)}"
    )
    if moved < 5 or moved < LATE_SHARE * rows:
        return []
    evidence = (
        f"{moved:,} of {rows:,} periods that began over two years ago renew after the end of the data:"
        " it looks like the next renewal as of today"
    )
    return [Suspect("renews_at", evidence)]
