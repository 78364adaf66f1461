"""What is worth saying about accepted tables though no row breaks the contract.

Comes in: the reports of the tables and the staged files. Goes out: notes in words on holes, early ends and the
future. Mixed currencies are the one thing here that stops a check, for adding them up would be silently wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from revml.contract.checks import identifier
from revml.contract.report import TableReport
from revml.contract.tables import TABLES
from revml.errors import DataError
from revml.sources.facts import literal, staged_relation
from revml.sources.judging import Connection
from revml.sources.mapping import Mapping

# Tables to which rows come all the time, so that silence is worth a word.
STEADY = ("usage", "orders", "invoices", "tickets")
MANY_ALIKE = 0.01


def one_currency(con: Connection, staged: Path, company: str) -> None:
    """Hold that all accounts are in the company's currency.

    Raises:
        DataError: they are not; revml has no rate table and converts nothing in silence.
    """
    rows = con.execute(
        f"SELECT coalesce(currency, ?), count(*) FROM read_parquet({literal(staged)}) GROUP BY 1 ORDER BY 2 DESC, 1",
        [company],
    ).fetchall()
    if [code for code, _ in rows] in ([], [company]):
        return
    told = ", ".join(f"{code} ({n:,} accounts)" for code, n in rows[:6])
    if len(rows) == 1:
        raise DataError(
            "the accounts are in another currency than the company",
            where="table accounts, column currency",
            wanted=f"company: currency: {company}",
            got=told,
            do=f"write company: {{currency: {rows[0][0]}}} in revml.yaml",
        )
    raise DataError(
        "the accounts are in several currencies",
        where="table accounts, column currency",
        wanted=f"all money in {company}, the company's currency",
        got=told,
        do="convert the amounts in the source or in the mapping ({sql: ...}) and leave currency out of it",
    )


def no_other_currency(con: Connection, mapping: Mapping, company: str) -> None:
    """Hold that a table that tells its currency in a column of its own tells the company's.

    Money that the mapping computes (`{sql: ...}`) is taken to be converted there.

    Raises:
        DataError: some rows are in another currency; adding them up would be silently wrong.
    """
    money = [
        name for name, column in mapping.table.by_name.items() if column.type == "money" and name in mapping.values
    ]
    column = next((name for name in mapping.left_out if name.casefold() == "currency"), None)
    plain = {identifier(name) for name in mapping.source.columns}
    if column is None or not any(mapping.values[name].sql in plain for name in money):
        return
    rows = con.execute(
        f"SELECT CAST({identifier(column)} AS VARCHAR), count(*) FROM {mapping.source.relation}"
        f" WHERE coalesce({mapping.where or 'true'}, false) AND {identifier(column)} IS NOT NULL"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    if all(code == company for code, _ in rows):
        return
    raise DataError(
        "not all amounts are in the company's currency",
        where=f"table {mapping.table.name}, column {column}",
        wanted=f"{company} in every row; revml converts nothing",
        got=", ".join(f"{code} ({n:,} rows)" for code, n in rows[:6]),
        do=f"convert in the mapping ({money[0]}: {{sql: ...}} over amount and {column}), leave rows out with where,"
        " or correct company: currency in revml.yaml",
    )


def notes_on(con: Connection, report: TableReport, staged: Path, observed_until: datetime) -> tuple[str, ...]:
    """Notes on one table."""
    table = TABLES[report.table]
    notes = list(report.notes)
    if not report.accepted:
        notes.append(f"no row was accepted, so it counts as missing: {table.without or 'it is needed'}")
        return tuple(notes)
    if not table.key and report.duplicates > MANY_ALIKE * report.rows_in:
        notes.append(
            f"{report.duplicates:,} rows equal another in every column and were counted once;"
            " if each is an event of its own, give them a finer time or a quantity"
        )
    if report.last and report.last > datetime.now(UTC).replace(tzinfo=None):
        notes.append(
            f"its newest {table.happened_at} lies in the future: {report.last:%Y-%m-%d};"
            " the data counts as reaching to today at most"
        )
    if report.table == "subscriptions":
        notes += _late_ends(con, staged, observed_until)
    if report.table in STEADY:
        notes += _silences(con, report, staged, observed_until)
    return tuple(notes)


def _late_ends(con: Connection, staged: Path, until: datetime) -> list[str]:
    """Ends after the newest fact look like notices given; in data whose newest fact is old they are the past."""
    rows_of = staged_relation(staged, "subscriptions")
    if not con.execute(f"SELECT 1 FROM (DESCRIBE SELECT * FROM {rows_of}) WHERE column_name = 'ended_at'").fetchall():
        return []
    today = datetime.now(UTC).replace(tzinfo=None)
    rows, newest = con.execute(
        f"SELECT count(*), max(ended_at) FROM {rows_of} WHERE ended_at > ? AND ended_at <= ?", [until, today]
    ).fetchall()[0]
    if not rows:
        return []
    return [
        f"{rows:,} subscriptions end after the newest fact ({until:%Y-%m-%d}) and count as not ended yet,"
        f" the last one on {newest:%Y-%m-%d}: if your data reach that far, say observed_until: in revml.yaml"
    ]


def _silences(con: Connection, report: TableReport, staged: Path, until: datetime) -> list[str]:
    happened = TABLES[report.table].happened_at
    days = con.execute(f"""
        SELECT day, lead(day) OVER (ORDER BY day) AS next
        FROM (SELECT DISTINCT CAST({happened} AS DATE) AS day
              FROM {staged_relation(staged, report.table)})
        ORDER BY day
    """).fetchall()
    steps = sorted((after - day).days for day, after in days if after is not None)
    if len(steps) < 30:
        return []
    usual = steps[len(steps) // 2]
    worth = max(7, 10 * usual)
    notes = []
    longest, day, after = max(((b - a).days, a, b) for a, b in days if b is not None)
    if longest > worth:
        notes.append(
            f"no row between {day} and {after} ({longest} days; usually {usual} between rows): is a part missing?"
        )
    if report.last and until - report.last > timedelta(days=max(14, worth)):
        gap = (until - report.last).days
        notes.append(
            f"it ends on {report.last:%Y-%m-%d}, {gap} days before the newest fact: is the newest part missing?"
        )
    return notes
