"""Sorting the rows of one table: accepted, duplicate or quarantined.

Comes in: a `Mapping` and a scratch database that holds the ids accepted so far. Goes out: a Parquet file of accepted
rows in a fixed order, one of quarantined rows with their raw values and reasons, and the counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from revml.contract.checks import before, first_reason, identifier, raw, row_rules, typed
from revml.contract.report import Missing, TableReport
from revml.sources.facts import literal
from revml.sources.mapping import Mapping
from revml.sources.readers import unreadable

PARQUET_OUT = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"


@dataclass(frozen=True)
class Sifted:
    """What became of a table."""

    report: TableReport
    columns: tuple[str, ...]
    extras: tuple[str, ...]
    newest: datetime | None


def sift(con: duckdb.DuckDBPyConnection, mapping: Mapping, *, staged: Path, quarantine: Path) -> Sifted:
    """Check the rows of a table and write them where they belong."""
    rows_in = _load(con, mapping)
    loaded = _one(con, "SELECT count(*) FROM judged")
    con.execute("CREATE OR REPLACE TABLE bad (_row BIGINT, reason VARCHAR)")
    con.execute("CREATE OR REPLACE TABLE twice (_row BIGINT)")
    _references(con, mapping)
    _duplicates(con, mapping)
    _write(con, mapping, staged, quarantine)
    _remember(con, mapping, staged)
    return _count(con, mapping, rows_in, rows_in - loaded, staged, quarantine)


def _load(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> int:
    """Read, type and judge each row by itself; returns the rows of the source."""
    table, names = mapping.table, mapping.values
    where = f" WHERE {mapping.where}" if mapping.where else ""
    raws = ", ".join(f"{value.sql} AS {raw(name)}" for name, value in names.items())
    extras = "".join(f", {value.sql} AS {extra(name)}" for name, value in mapping.extras.items())
    kept = "".join(f", {extra(name)}" for name in mapping.extras)
    columns = ", ".join(
        f"{typed(table.by_name[name], raw(name), value.type, timezone=mapping.timezone)} AS {name}"
        for name, value in names.items()
    )
    known = _known_at(mapping)
    whole = f"hash({', '.join(_content(mapping))})" if not table.key else f"hash({', '.join(table.key)})"
    asis = ", ".join(f"{literal(name)}: CAST({raw(name)} AS VARCHAR)" for name in names)
    try:
        con.execute(f"""
            CREATE OR REPLACE TABLE judged AS
            SELECT _row, {", ".join(names)}{kept}{known}, _reason, {whole} AS _hash,
                   CASE WHEN _reason IS NOT NULL THEN {{{asis}}} END AS _raw
            FROM (SELECT *, {first_reason(row_rules(table, set(names)))} AS _reason
                  FROM (SELECT *, {columns}
                        FROM (SELECT row_number() OVER () AS _row, {raws}{extras}
                              FROM {mapping.source.relation}{where})))
        """)
        return (
            _one(con, f"SELECT count(*) FROM {mapping.source.relation}")
            if mapping.where
            else _one(con, "SELECT count(*) FROM judged")
        )
    except duckdb.Error as error:
        raise unreadable(f"table {table.name} ({mapping.source.words})", error) from None


def extra(name: str) -> str:
    """The identifier under which a static account column travels."""
    return identifier(f"extra:{name}")


def _known_at(mapping: Mapping) -> str:
    if "known_at" in mapping.values:
        return ""
    return f", {mapping.table.happened_at or 'TIMESTAMP ' + literal('1970-01-01')} AS known_at"


def _content(mapping: Mapping) -> list[str]:
    return [*mapping.values, *(extra(name) for name in mapping.extras)]


def _good() -> str:
    return "(SELECT * FROM judged WHERE _reason IS NULL AND _row NOT IN (SELECT _row FROM bad))"


def _references(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Put aside rows that name what does not exist, or that happened before their account."""
    table = mapping.table
    known = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    for column in table.columns:
        target = column.references
        if target is None or column.name not in mapping.values:
            continue
        if target == table.name:
            ids = f"(SELECT DISTINCT {table.key[0]} AS id, true AS accepted FROM judged)"
        elif f"ids_{target}" in known:
            ids = f"ids_{target}"
        else:
            continue
        early = ""
        if target == "accounts" and column.name == "account_id" and table.happened_at and target != table.name:
            late = before(f"t.{table.happened_at}", "i.created_at")
            early = f" WHEN {late} THEN '{table.happened_at} is before the account was created'"
        con.execute(f"""
            INSERT INTO bad
            SELECT _row, reason FROM (
                SELECT t._row, CASE
                    WHEN t.{column.name} IS NULL THEN NULL
                    WHEN i.id IS NULL THEN '{column.name} is not in {target}'
                    WHEN NOT i.accepted THEN '{column.name} is itself in quarantine in {target}'{early} END AS reason
                FROM {_good()} t LEFT JOIN {ids} i ON t.{column.name} = i.id)
            WHERE reason IS NOT NULL
        """)


def _duplicates(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Count rows equal in every column once; put aside all rows that share a key but not their content."""
    content = ", ".join(_content(mapping))
    con.execute(f"""
        CREATE OR REPLACE TABLE alike AS
        SELECT *, row_number() OVER (PARTITION BY {content} ORDER BY _row) AS _copy
        FROM {_good()} WHERE _hash IN (SELECT _hash FROM {_good()} GROUP BY _hash HAVING count(*) > 1)
    """)
    con.execute("INSERT INTO twice SELECT _row FROM alike WHERE _copy > 1")
    if mapping.table.key:
        key = ", ".join(mapping.table.key)
        con.execute(f"""
            INSERT INTO bad
            SELECT _row, 'another row has the same {" and ".join(mapping.table.key)} but differs'
            FROM (SELECT _row, count(*) OVER (PARTITION BY {key}) AS n FROM alike WHERE _copy = 1) WHERE n > 1
        """)


def _write(con: duckdb.DuckDBPyConnection, mapping: Mapping, staged: Path, quarantine: Path) -> None:
    table = mapping.table
    names = [name for name in table.by_name if name in mapping.values or name == "known_at"]
    picked = ", ".join(
        [_filled(name, mapping) for name in names] + [f"{extra(n)} AS {identifier(n)}" for n in mapping.extras]
    )
    first = [*table.key] or ["account_id", table.happened_at or ""]
    order = ", ".join(dict.fromkeys([*first, *names]))
    con.execute(f"""
        COPY (SELECT {picked} FROM {_good()} WHERE _row NOT IN (SELECT _row FROM twice) ORDER BY {order})
        TO {literal(staged)} {PARQUET_OUT}
    """)
    again = ", ".join(f"{literal(name)}: CAST({name} AS VARCHAR)" for name in mapping.values)
    if _one(con, "SELECT (SELECT count(*) FROM judged WHERE _reason IS NOT NULL) + (SELECT count(*) FROM bad)"):
        con.execute(f"""
            COPY (SELECT reason, _row AS source_row, unnest(row)
                  FROM (SELECT _row, _reason AS reason, _raw AS row FROM judged WHERE _reason IS NOT NULL
                        UNION ALL
                        SELECT _row, bad.reason, {{{again}}} FROM bad JOIN judged USING (_row))
                  ORDER BY _row) TO {literal(quarantine)} {PARQUET_OUT}
        """)


def _filled(name: str, mapping: Mapping) -> str:
    if name == "known_at" and "known_at" in mapping.values and mapping.table.happened_at:
        return f"coalesce(known_at, {mapping.table.happened_at}) AS known_at"
    return name


def _remember(con: duckdb.DuckDBPyConnection, mapping: Mapping, staged: Path) -> None:
    """Keep the ids of a table that others refer to."""
    name = mapping.table.name
    if name not in ("accounts", "users", "products"):
        return
    key = mapping.table.key[0]
    created = "created_at" if name == "accounts" else "NULL"
    con.execute(f"""
        CREATE OR REPLACE TABLE ids_{name} AS
        SELECT {key} AS id, true AS accepted, {created} AS created_at FROM read_parquet({literal(staged)})
    """)
    con.execute(f"""
        INSERT INTO ids_{name}
        SELECT DISTINCT {key}, false, NULL::TIMESTAMP FROM judged
        WHERE {key} IS NOT NULL AND {key} NOT IN (SELECT id FROM ids_{name})
    """)


def _count(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, rows_in: int, filtered: int, staged: Path, quarantine: Path
) -> Sifted:
    table = mapping.table
    file = f"read_parquet({literal(staged)})"
    optional = [column for column in table.by_name.values() if column.name in mapping.values]
    counted = ", ".join(f"count({column.name})" for column in optional)
    happened = table.happened_at or "NULL::TIMESTAMP"
    accepted, first, last, newest, *filled = _row(
        con, f"SELECT count(*), min({happened}), max({happened}), max(known_at), {counted} FROM {file}"
    )
    held = {column.name for column, n in zip(optional, filled, strict=True) if n}
    columns = tuple(name for name in table.by_name if name in held or (name == "known_at" and accepted))
    reasons = {}
    if quarantine.exists():
        rows = con.execute(
            f"SELECT reason, count(*) FROM read_parquet({literal(quarantine)}) GROUP BY reason ORDER BY 2 DESC, 1"
        ).fetchall()
        reasons = {str(reason): int(n) for reason, n in rows}
    report = TableReport(
        table=table.name,
        source=mapping.source.words,
        rows_in=rows_in,
        filtered=filtered,
        accepted=accepted,
        duplicates=_one(con, "SELECT count(*) FROM twice"),
        quarantined=reasons,
        quarantine_file=str(quarantine) if reasons else None,
        limit=mapping.limit,
        first=first,
        last=last,
        missing=tuple(Missing(c.name, c.without) for c in table.columns if c.name not in held and c.without),
        left_out=mapping.left_out,
    )
    return Sifted(report, columns, tuple(mapping.extras), newest)


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(_row(con, sql)[0])


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY always has a row
    return tuple(row)
