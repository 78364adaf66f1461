"""Usage as it is staged: Parquet parts, each within one month, without two equal rows.

Comes in: SQL for accepted rows that may repeat. Goes out: parts, and in the temporary table `ledger` what their days
hold. A part that is there is never written again: its rows go on in a new one, so that a staged folder may share parts
with the one before. Equal rows happened at the same time, so they are looked for month by month, in bounded memory.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from revml.contract.tables import SQL_TYPES, TABLES
from revml.sources.facts import literal
from revml.sources.judging import Connection, count
from revml.sources.ledger import DAY, LEDGER_LINE, USAGE, row_hash, sums_of

PART = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2"
# Rows that a thread keeps in memory before it writes them to the months they belong to.
KEPT_ROWS = 130_000
MANY_PARTS = 8
SMALL_ROWS = 500_000


def relation(parts: Collection[Path]) -> str:
    """SQL that can stand after FROM: the rows of some parts."""
    return f"read_parquet([{', '.join(literal(part) for part in sorted(parts))}])"


def write_parts(con: Connection, rows: str, room: Path) -> tuple[list[Path], int]:
    """Write rows as they come, a part a month; returns the parts and the number of rows.

    Args:
        rows: SQL that gives the columns of a part.
        room: an empty place for them.
    """
    con.execute(f"SET partitioned_write_flush_threshold = {KEPT_ROWS}")
    dated = f"SELECT *, {_month(DAY)} AS month FROM ({rows})"
    written = count(con, f"COPY ({dated}) TO {literal(room)} ({PART}, PARTITION_BY (month))")
    made = sorted(room.glob("month=*/*.parquet"))
    return [file.replace(room / _name(file.parent.name.removeprefix("month="))) for file in made], written


def empty_part(con: Connection, columns: Sequence[str], folder: Path) -> None:
    """A part without rows, for a table without accepted rows has columns all the same."""
    kinds = {column.name: SQL_TYPES[column.type] for column in TABLES[USAGE].by_name.values()}
    nothing = ", ".join(f"CAST(NULL AS {kinds[name]}) AS {name}" for name in columns)
    con.execute(f"COPY (SELECT {nothing} WHERE false) TO {literal(folder / _name('none'))} ({PART})")


def months(parts: Iterable[Path]) -> dict[str, list[Path]]:
    """The parts of each month, told by their names."""
    found: dict[str, list[Path]] = {}
    for part in sorted(parts):
        found.setdefault(part.name.rpartition("_")[0], []).append(part)
    return found


def add(con: Connection, made: Collection[Path], columns: Sequence[str], folder: Path) -> None:
    """Move parts into a folder of parts, without rows that are there already, and enter their days in `ledger`.

    Args:
        columns: the columns of a part.
    """
    there = months(folder.glob("*.parquet"))
    for month, parts in months(made).items():
        new, old = relation(parts), there.get(month, [])
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE month_days AS
            SELECT {LEDGER_LINE}, CAST(sum(times) AS BIGINT) AS times
            FROM (SELECT {DAY} AS day, {row_hash(columns)} AS hash, count(*) AS times FROM {new} GROUP BY 1, 2)
            GROUP BY day
        """)
        repeated = count(con, "SELECT count(*) FROM month_days WHERE times > rows") > 0
        if repeated or (old and _met(con, new, old, columns)):
            kept = folder / _name(month)
            _write_unmet(con, new, old, columns, kept)
            parts = [kept]
            if not count(con, f"SELECT count(*) FROM {relation(parts)}"):
                kept.unlink()
                continue
            con.execute(f"CREATE OR REPLACE TEMP TABLE month_days AS {sums_of(relation(parts), columns)}")
        con.execute("INSERT INTO ledger SELECT day, rows, mixed, total FROM month_days")
        for part in parts:
            if part.parent != folder:
                part.replace(folder / part.name)
        _merge([*old, *parts], month, con, folder)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE ledger AS
        SELECT day, CAST(sum(rows) AS BIGINT) AS rows, bit_xor(mixed) AS mixed, sum(total) AS total
        FROM ledger GROUP BY day HAVING sum(rows) > 0
    """)


def share(old: Path, new: Path) -> None:
    """Have the parts of one folder in another too, without copying them where the disk can do that.

    Raises:
        OSError: the old folder went away meanwhile.
    """
    for part in old.glob("*.parquet"):
        try:
            os.link(part, new / part.name)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(part, new / part.name)


def remove_days(con: Connection, folder: Path, days: str) -> None:
    """Take days out of a folder of parts and out of `ledger`.

    Args:
        days: a scratch table with the column day.
    """
    touched = {str(row[0]) for row in con.execute(f"SELECT DISTINCT {_month('day')} FROM {days}").fetchall()}
    for month, parts in months(folder.glob("*.parquet")).items():
        for part in parts if month in touched else []:
            rows = relation([part])
            gone = count(con, f"SELECT count(*) FROM {rows} WHERE {DAY} IN (SELECT day FROM {days})")
            if gone and gone < count(con, f"SELECT count(*) FROM {rows}"):
                kept = f"SELECT * FROM {rows} WHERE {DAY} NOT IN (SELECT day FROM {days})"
                con.execute(f"COPY ({kept}) TO {literal(folder / _name(month))} ({PART})")
            if gone:
                part.unlink()
    con.execute(f"DELETE FROM ledger WHERE day IN (SELECT day FROM {days})")


def _month(day: str) -> str:
    """SQL for the month of a day as one number, 202401."""
    return f"(100 * year({day}) + month({day}))"


def _name(month: str) -> str:
    return f"{month}_{secrets.token_hex(6)}.parquet"


def _near(con: Connection, new: str, old: Sequence[Path]) -> str:
    """The old rows from the time that the new rows span."""
    first, last = con.execute(f"SELECT min(occurred_at), max(occurred_at) FROM {new}").fetchall()[0]
    return f"(FROM {relation(old)} WHERE occurred_at BETWEEN TIMESTAMP '{first}' AND TIMESTAMP '{last}')"


def _met(con: Connection, new: str, old: Sequence[Path], columns: Sequence[str]) -> bool:
    """Whether some new row may be there already."""
    same = row_hash(columns)
    return bool(
        con.execute(
            f"SELECT 1 FROM {_near(con, new, old)} WHERE {same} IN (SELECT {same} FROM {new}) LIMIT 1"
        ).fetchall()
    )


def _write_unmet(con: Connection, new: str, old: Sequence[Path], columns: Sequence[str], file: Path) -> None:
    """Write each row once, and none that is among the old ones."""
    same = row_hash(columns)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE again AS SELECT {same} AS hash FROM {new} GROUP BY 1 HAVING count(*) > 1"
    )
    once = f"""(
        SELECT * FROM {new} WHERE {same} NOT IN (SELECT hash FROM again)
        UNION ALL
        SELECT DISTINCT * FROM {new} WHERE {same} IN (SELECT hash FROM again))
    """
    if old:
        equal = " AND ".join(f"n.{name} IS NOT DISTINCT FROM o.{name}" for name in columns)
        once = f"(SELECT n.* FROM {once} n ANTI JOIN {_near(con, new, old)} o ON {equal})"
    con.execute(f"COPY (FROM {once}) TO {literal(file)} ({PART})")


def _merge(parts: Sequence[Path], month: str, con: Connection, folder: Path) -> None:
    """Make one part of many small ones."""
    here = [folder / part.name for part in parts]
    if len(here) <= MANY_PARTS:
        return
    sizes = con.execute(
        f"SELECT file_name, num_rows FROM parquet_file_metadata([{', '.join(map(literal, here))}])"
    ).fetchall()
    small = [Path(file) for file, rows in sizes if rows < SMALL_ROWS]
    if len(small) > 1:
        con.execute(f"COPY (FROM {relation(small)}) TO {literal(folder / _name(month))} ({PART})")
        for part in small:
            part.unlink()
