"""Reading a mapped table into the scratch database, each row typed and judged by itself.

Comes in: a `Mapping`. Goes out: the scratch table `judged`: `_row` (number in the source), `_file` where there are
several, the contract columns typed, static extras as they came, `_reason` (the first rule a row breaks, or NULL),
`_raw` (the raw values of broken rows only) and `_hash` (of the key, or of everything where a table has no key).
"""

from __future__ import annotations

from typing import TypeAlias

import duckdb

from revml.contract.checks import Rule, aware, date_only, first_reason, identifier, raw, row_rules, typed
from revml.errors import DataError
from revml.sources.facts import literal
from revml.sources.mapping import Mapping, Value
from revml.sources.source import FILE_COLUMN, first_line, unreadable

Connection: TypeAlias = duckdb.DuckDBPyConnection
ROW = identifier("source:row")
EPOCH = "TIMESTAMP '1970-01-01'"


def judge(con: Connection, mapping: Mapping) -> tuple[int, int]:
    """Fill `judged`; returns how many rows the source has and how many of them `where` let through.

    Raises:
        DataError: the source breaks off while it is read, or mixes times with and without a zone.
    """
    try:
        con.execute(_statement(mapping))
        kept = count(con, "SELECT count(*) FROM judged")
        total = count(con, f"SELECT count(*) FROM {mapping.source.relation}") if mapping.where else kept
    except duckdb.ConversionException as error:
        raise DataError(
            "an expression of the mapping fails on some row",
            where=f"table {mapping.table.name} ({mapping.source.words})",
            wanted="SQL that gives NULL where a value cannot be converted",
            got=first_line(error),
            do="write TRY_CAST in place of CAST: such rows then go to quarantine with a reason",
        ) from None
    except duckdb.Error as error:
        raise unreadable(f"table {mapping.table.name} ({mapping.source.words})", error) from None
    _no_mixed_zones(con, mapping)
    return total, kept


def extra(name: str) -> str:
    """The identifier under which a static account column travels."""
    return identifier(f"extra:{name}")


def left(name: str) -> str:
    """The identifier under which an account column that is left out travels, to be looked at and dropped."""
    return identifier(f"left:{name}")


def watch(mapping: Mapping) -> dict[str, Value]:
    """The columns of accounts that are left out."""
    return mapping.left_out if mapping.table.name == "accounts" else {}


def content(mapping: Mapping) -> list[str]:
    """The columns that make two rows the same."""
    return [*mapping.values, *(extra(name) for name in mapping.extras)]


def count(con: Connection, sql: str) -> int:
    """The number that a counting query gives."""
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _statement(mapping: Mapping) -> str:
    table, values = mapping.table, mapping.values
    file = [f"{identifier(FILE_COLUMN)} AS _file"] if mapping.source.has_files else []
    raws = [f"{value.sql} AS {raw(name)}" for name, value in values.items()]
    extras = [f"{value.sql} AS {extra(name)}" for name, value in mapping.extras.items()]
    columns = [
        f"{typed(table.by_name[name], raw(name), value.type, timezone=mapping.timezone)} AS {name}"
        for name, value in values.items()
    ]
    watched = [f"{value.sql} AS {left(name)}" for name, value in watch(mapping).items()]
    known = [] if "known_at" in values else [f"{table.happened_at or EPOCH} AS known_at"]
    kept = ["_row", *(["_file"] if file else []), *values, *(extra(n) for n in mapping.extras), *known]
    kept += [left(name) for name in watch(mapping)]
    as_is = ", ".join(f"{literal(name)}: CAST({raw(name)} AS VARCHAR)" for name in values)
    # Numbered before `where`, so that a number leads to the row in the source.
    numbered = f"(SELECT *, row_number() OVER () AS {ROW} FROM {mapping.source.relation})"
    where = f" WHERE ({mapping.where})" if mapping.where else ""
    read = f"SELECT {', '.join([f'{ROW} AS _row', *file, *raws, *extras, *watched])} FROM {numbered}{where}"
    return f"""
        CREATE OR REPLACE TABLE judged AS
        SELECT {", ".join([*kept, *_zone_flags(mapping)])}, _reason,
               hash({", ".join(table.key or content(mapping))}) AS _hash,
               CASE WHEN _reason IS NOT NULL THEN {{{as_is}}} END AS _raw
        FROM (SELECT *, {first_reason(_rules(mapping))} AS _reason
              FROM (SELECT *, {", ".join(columns)}
                    FROM ({read})))
    """


def _rules(mapping: Mapping) -> list[Rule]:
    rules = row_rules(mapping.table, set(mapping.values))
    for name, value in mapping.extras.items():
        if value.type in ("DOUBLE", "FLOAT"):
            rules.append(Rule(f"{name} is not finite", f"NOT isfinite({extra(name)})"))
    return rules


def _text_times(mapping: Mapping) -> list[str]:
    times = [c.name for c in mapping.table.by_name.values() if c.type == "time" and c.name in mapping.values]
    return [name for name in times if mapping.values[name].type == "VARCHAR"]


def _zone_flags(mapping: Mapping) -> list[str]:
    """Whether a time written as text says its zone (true), leaves it out (false) or is a mere date (NULL)."""
    if mapping.mixing:
        return []
    return [
        f"CASE WHEN {name} IS NOT NULL AND NOT {date_only(raw(name))} THEN {aware(f'trim({raw(name)})')} END"
        f" AS {identifier(f'zone:{name}')}"
        for name in _text_times(mapping)
    ]


def _no_mixed_zones(con: Connection, mapping: Mapping) -> None:
    for name in [] if mapping.mixing else _text_times(mapping):
        flag = identifier(f"zone:{name}")
        row = con.execute(
            f"SELECT min(_row) FILTER ({flag}), min(_row) FILTER (NOT {flag}),"
            f" count(*) FILTER ({flag}), count(*) FILTER (NOT {flag}) FROM judged"
        ).fetchone()
        if row and row[2] and row[3]:
            raise DataError(
                f"the column {name} mixes times with a zone and times without one",
                where=f"table {mapping.table.name} ({mapping.source.words}){_files(con, mapping, row)}",
                wanted="all with a zone (2026-03-01T06:00:00Z), or all without",
                got=f"{row[2]:,} with a zone (first in row {row[0]:,}), {row[3]:,} without (first in row {row[1]:,})",
                do=f"write the column in one way, or name the zone of the others in revml.yaml,"
                f" tables: {mapping.table.name}: timezone: Europe/Prague",
            )


def _files(con: Connection, mapping: Mapping, rows: tuple[int, ...]) -> str:
    if not mapping.source.has_files:
        return ""
    named = con.execute("SELECT DISTINCT _file FROM judged WHERE _row IN (?, ?) ORDER BY 1", list(rows[:2])).fetchall()
    return ": " + " and ".join(str(file).replace("\\", "/").rpartition("/")[2] for (file,) in named)
