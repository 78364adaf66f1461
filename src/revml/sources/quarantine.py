"""Looking into the rows that were put aside.

Comes in: the quarantine folder of a workspace. Goes out: a few rows of each reason as text, for people to read.
"""

from __future__ import annotations

from pathlib import Path

from revml.contract.checks import identifier
from revml.contract.page import Examples
from revml.contract.report import CheckReport
from revml.sources.facts import connect, literal
from revml.sources.judging import Connection


def quarantine_file(folder: Path, table: str) -> Path:
    """Where a table's quarantined rows stand, if it has any."""
    return folder / f"{table}.parquet"


def examples(folder: Path, report: CheckReport, *, each: int = 5) -> dict[str, dict[str, Examples]]:
    """Some rows of each reason, by table and reason; columns that hold nothing in them are left out.

    Args:
        each: how many rows a reason.
    """
    con = connect()
    try:
        return {
            table.table: {
                reason: _some(con, quarantine_file(folder, table.table), reason, each) for reason in table.quarantined
            }
            for table in report.tables
            if table.quarantined and quarantine_file(folder, table.table).exists()
        }
    finally:
        con.close()


def _some(con: Connection, file: Path, reason: str, each: int) -> Examples:
    rows = f"read_parquet({literal(file)})"
    names = [row[0] for row in con.execute(f"DESCRIBE SELECT * EXCLUDE (reason) FROM {rows}").fetchall()]
    texts = ", ".join(f"CAST({identifier(name)} AS VARCHAR)" for name in names)
    found = con.execute(f"SELECT {texts} FROM {rows} WHERE reason = ? LIMIT {each}", [reason]).fetchall()
    held = [n for n, name in enumerate(names) if any(row[n] is not None for row in found) or name in _named(reason)]
    return Examples(
        tuple(names[n] for n in held),
        tuple(tuple("" if row[n] is None else str(row[n]) for n in held) for row in found),
    )


def _named(reason: str) -> list[str]:
    return reason.split()
