"""What each day of usage holds: how many rows, and a digest that tells whether they are still the same rows.

Comes in: accepted rows of usage. Goes out: the ledger (day, rows, digest), from which the daily store sees what
changed, and the fingerprint of the facts is made. A digest depends on a day's rows as a set, over every column of the
contract: not on their order, nor on the parts they stand in, nor on whether an empty column is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

import duckdb

from revml.contract.tables import SQL_TYPES, TABLES
from revml.sources.facts import LEDGER, literal

USAGE = "usage"
# Two sums over the hashes of a day's rows, which rows that come or go change without a look at the others.
LEDGER_LINE = "day, CAST(count(*) AS BIGINT) AS rows, bit_xor(hash) AS mixed, sum(CAST(hash AS HUGEINT)) AS total"
# An event at midnight belongs to the day that ends there, as windows are open at their start and closed at their end.
DAY = "CAST(occurred_at - INTERVAL 1 MICROSECOND AS DATE)"


def row_hash(columns: Collection[str]) -> str:
    """SQL for the hash of a row of usage, the same whether an empty column is there or not.

    Args:
        columns: the contract columns that the rows have.
    """
    typed = {column.name: SQL_TYPES[column.type] for column in TABLES[USAGE].by_name.values()}
    # Minus nought equals nought, and rows that are equal must have equal hashes.
    values = [
        (f"{name} + 0.0" if kind == "DOUBLE" else name) if name in columns else f"CAST(NULL AS {kind})"
        for name, kind in typed.items()
    ]
    return f"hash({', '.join(values)})"


def sums_of(rows: str, columns: Collection[str]) -> str:
    """SQL for the ledger's sums over a relation without two equal rows: day, rows, mixed, total.

    Args:
        rows: SQL that can stand after FROM.
        columns: the contract columns that the rows have.
    """
    hashed = f"SELECT {DAY} AS day, {row_hash(columns)} AS hash FROM {rows}"
    return f"SELECT {LEDGER_LINE} FROM ({hashed}) GROUP BY day"


def open_ledger(con: duckdb.DuckDBPyConnection, file: Path | None) -> None:
    """Make the temporary table `ledger`: empty, or as a file has it."""
    con.execute("CREATE OR REPLACE TEMP TABLE ledger (day DATE, rows BIGINT, mixed UBIGINT, total HUGEINT)")
    if file is not None:
        sums = ", ".join(
            f"CAST(split_part(digest, '-', {place}) AS {kind})" for place, kind in ((1, "UBIGINT"), (2, "HUGEINT"))
        )
        con.execute(f"INSERT INTO ledger SELECT day, rows, {sums} FROM read_parquet({literal(file)})")


def write_ledger(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Write the temporary table `ledger` in the order of its days."""
    con.execute(f"""
        COPY (SELECT day, rows, concat(mixed, '-', total) AS digest FROM ledger ORDER BY day)
        TO {literal(file)} (FORMAT parquet)
    """)


def ledger_digest(con: duckdb.DuckDBPyConnection, file: Path) -> bytes:
    """SHA-256 over a ledger's lines: equal facts give equal bytes."""
    digest = hashlib.sha256()
    found = con.execute(f"SELECT {', '.join(LEDGER)} FROM read_parquet({literal(file)}) ORDER BY day")
    while lines := found.fetchmany(10_000):
        digest.update("".join(f"{day} {rows} {told}\n" for day, rows, told in lines).encode())
    return digest.digest()
