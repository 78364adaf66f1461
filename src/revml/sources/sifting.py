"""Sorting the rows of one table: accepted, duplicate or quarantined.

Comes in: a `Mapping` and a scratch database that holds the ids accepted so far. Goes out: a Parquet file of accepted
rows in an order that depends on their content alone, one of quarantined rows with raw values and reasons, and the
counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from revml.contract.checks import identifier
from revml.contract.report import Missing, TableReport
from revml.sources.encodings import NOT_UTF8
from revml.sources.facts import literal
from revml.sources.judging import Connection, count, extra, judge
from revml.sources.mapping import Mapping
from revml.sources.relating import GOOD, relate, remember

PARQUET_OUT = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
UNREAD = {
    "MISSING COLUMNS": "the line has too few values",
    "TOO MANY COLUMNS": "the line has too many values",
    "UNQUOTED VALUE": "the line has a quote that does not close",
    "INVALID ENCODING": NOT_UTF8,
}


@dataclass(frozen=True)
class Sifted:
    """What became of a table.

    Attributes:
        columns: contract columns that hold some value in the accepted rows.
        extras: static account columns that were kept.
        newest: the newest `known_at` of the accepted rows that is not in the future.
    """

    report: TableReport
    columns: tuple[str, ...]
    extras: tuple[str, ...]
    newest: datetime | None


def sift(con: Connection, mapping: Mapping, *, staged: Path, quarantine: Path) -> Sifted:
    """Check the rows of a table and write them where they belong.

    Raises:
        DataError: the source breaks off while it is read, or mixes times with and without a zone.
    """
    total, kept = judge(con, mapping)
    unreadable_lines(con, mapping)
    relate(con, mapping)
    _write_accepted(con, mapping, staged)
    _write_quarantine(con, mapping, quarantine)
    remember(con, mapping.table, str(staged))
    unread = count(con, "SELECT count(*) FROM unread")
    return _counted(con, mapping, total + unread, total - kept, staged, quarantine)


def unreadable_lines(con: Connection, mapping: Mapping) -> None:
    """Lines that the CSV scan set aside, once each however often the file was scanned."""
    con.execute("CREATE OR REPLACE TABLE unread (file VARCHAR, line BIGINT, reason VARCHAR, text VARCHAR)")
    if not mapping.source.sets_aside:
        return
    cases = " ".join(f"WHEN {literal(kind)} THEN {literal(words)}" for kind, words in UNREAD.items())
    con.execute(f"""
        INSERT INTO unread
        SELECT {mapping.source.original("file_path")}, line,
               min(CASE CAST(error_type AS VARCHAR) {cases} ELSE 'the line cannot be read' END), min(csv_line)
        FROM csv_errors JOIN csv_scans USING (scan_id, file_id) GROUP BY 1, 2
    """)


def _write_accepted(con: Connection, mapping: Mapping, staged: Path) -> None:
    table = mapping.table
    names = [name for name in table.by_name if name in mapping.values or name == "known_at"]
    first = [*table.key] or ["account_id", table.happened_at or "known_at"]
    picked = [_filled(name, mapping) for name in names]
    picked += [f"{_profile_value(con, name, mapping)} AS {identifier(name)}" for name in mapping.extras]
    con.execute(f"""
        COPY (SELECT {", ".join(picked)} FROM {GOOD} WHERE _row NOT IN (SELECT _row FROM twice)
              ORDER BY {", ".join(dict.fromkeys([*first, *names]))})
        TO {literal(staged)} {PARQUET_OUT}
    """)


def _filled(name: str, mapping: Mapping) -> str:
    if name == "known_at" and name in mapping.values and mapping.table.happened_at:
        return f"coalesce(known_at, {mapping.table.happened_at}) AS known_at"
    return name


def _profile_value(con: Connection, name: str, mapping: Mapping) -> str:
    """A static column as a number, an instant, true/false or text; text that is all numbers becomes a number."""
    kind, value = mapping.extras[name].type, extra(name)
    if kind in ("BOOLEAN", "VARCHAR") and not mapping.source.is_text:
        return value
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CAST({value} AS TIMESTAMP)"
    if kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or kind.lstrip("U").endswith(("INT", "INTEGER")):
        return f"CAST({value} AS DOUBLE)"
    texts = count(con, f"SELECT count({value}) FROM judged")
    if texts and texts == count(con, f"SELECT count(TRY_CAST({value} AS DOUBLE)) FROM judged"):
        return f"CAST({value} AS DOUBLE)"
    return f"CAST({value} AS VARCHAR)"


def _write_quarantine(con: Connection, mapping: Mapping, quarantine: Path) -> None:
    """All rows that were put aside: reason, place in the source, and the values as they came."""
    if not count(
        con,
        "SELECT (SELECT count(*) FROM judged WHERE _reason IS NOT NULL) + (SELECT count(*) FROM bad)"
        " + (SELECT count(*) FROM unread)",
    ):
        return
    file = "_file" if mapping.source.has_files else "CAST(NULL AS VARCHAR)"
    again = ", ".join(f"{literal(name)}: CAST({name} AS VARCHAR)" for name in mapping.values)
    con.execute(f"""
        COPY (
            SELECT reason, source_file, source_row, unnest(row), unreadable_line, unreadable_text FROM (
                SELECT _reason AS reason, {file} AS source_file, _row AS source_row, _raw AS row,
                       NULL AS unreadable_line, NULL AS unreadable_text
                FROM judged WHERE _reason IS NOT NULL
                UNION ALL
                SELECT bad.reason, {file}, _row, {{{again}}}, NULL, NULL FROM bad JOIN judged USING (_row)
                UNION ALL
                SELECT reason, file, NULL, NULL, line, text FROM unread)
            ORDER BY source_file NULLS FIRST, source_row, unreadable_line)
        TO {literal(quarantine)} {PARQUET_OUT}
    """)


def _counted(con: Connection, mapping: Mapping, rows_in: int, filtered: int, staged: Path, quarantine: Path) -> Sifted:
    table = mapping.table
    present = [column for column in table.by_name.values() if column.name in mapping.values]
    happened = table.happened_at or "CAST(NULL AS TIMESTAMP)"
    accepted, first, last, newest, *filled = _row(
        con,
        # A fact dated after today must not make the data look complete until then: every label window would be closed.
        f"SELECT count(*), min({happened}), max({happened}),"
        " max(known_at) FILTER (known_at <= CAST(now() AS TIMESTAMP)),"
        f" {', '.join(f'count({column.name})' for column in present)} FROM read_parquet({literal(staged)})",
    )
    held = {column.name for column, n in zip(present, filled, strict=True) if n}
    reasons: dict[str, int] = {}
    if quarantine.exists():
        groups = con.execute(
            f"SELECT reason, count(*) FROM read_parquet({literal(quarantine)}) GROUP BY reason ORDER BY 2 DESC, 1"
        ).fetchall()
        reasons = {str(reason): int(n) for reason, n in groups}
    report = TableReport(
        table=table.name,
        source=mapping.source.words,
        rows_in=rows_in,
        filtered=filtered,
        accepted=accepted,
        duplicates=count(con, "SELECT count(*) FROM twice"),
        quarantined=reasons,
        quarantine_file=str(quarantine) if reasons else None,
        limit=mapping.limit,
        first=first,
        last=last,
        missing=tuple(Missing(c.name, c.without) for c in table.columns if c.name not in held and c.without),
        left_out=tuple(mapping.left_out),
        notes=mapping.source.notes,
        columns=tuple(name for name in table.by_name if name in held),
        source_columns=dict(mapping.source.columns),
    )
    columns = tuple(name for name in table.by_name if name in held or (name == "known_at" and accepted))
    return Sifted(report, columns, tuple(mapping.extras), newest)


def _row(con: Connection, sql: str) -> tuple[Any, ...]:
    found = con.execute(sql).fetchall()
    return tuple(found[0]) if found else ()
