"""Reading a mapped table into the scratch database, each row typed and judged by itself.

Comes in: a `Mapping`. Goes out: the scratch table `judged`: `_row` (number in the source), `_file` where there are
several, the contract columns typed, static extras as they came, `_reason` (the first rule a row breaks, or NULL),
`_raw` (the raw values of broken rows only) and `_hash` (of the key, or of everything where a table has no key).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    with reading(mapping):
        con.execute(_statement(mapping))
        kept = count(con, "SELECT count(*) FROM judged")
        total = count(con, f"SELECT count(*) FROM {mapping.source.relation}") if mapping.where else kept
    no_mixed_zones(con, mapping)
    return total, kept


@contextmanager
def reading(mapping: Mapping) -> Iterator[None]:
    """Say in the user's words what went wrong while a source was read.

    Raises:
        DataError: it breaks off, or an expression of the mapping fails on some row.
    """
    try:
        yield
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
    [(number,)] = con.execute(sql).fetchall()
    return int(number)


def _statement(mapping: Mapping) -> str:
    # Numbered before `where`, so that a number leads to the row in the source.
    numbered = f"(SELECT *, row_number() OVER () AS {ROW} FROM {mapping.source.relation})"
    file = identifier(FILE_COLUMN) if mapping.source.has_files else None
    key = f"hash({', '.join(mapping.table.key or content(mapping))}) AS _hash"
    return f"CREATE OR REPLACE TABLE judged AS {judged_rows(mapping, numbered, row=ROW, file=file, more=(key,))}"


def judged_rows(mapping: Mapping, rows: str, *, row: str, file: str | None, more: Sequence[str] = ()) -> str:
    """SQL for typed rows, each with the first rule it breaks.

    Args:
        rows: SQL that can stand after FROM, with the source's columns.
        row, file: SQL for a row's number and its file.
        more: further columns over the typed ones.
    """
    table, values = mapping.table, mapping.values
    place = [f"{row} AS _row", *([f"{file} AS _file"] if file else [])]
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
    where = f" WHERE ({mapping.where})" if mapping.where else ""
    read = f"SELECT {', '.join([*place, *raws, *extras, *watched])} FROM {rows}{where}"
    return f"""
        SELECT {", ".join([*kept, *_zone_flags(mapping), *more])}, _reason,
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


def text_times(mapping: Mapping) -> list[str]:
    """The columns whose times are written as text."""
    times = [c.name for c in mapping.table.by_name.values() if c.type == "time" and c.name in mapping.values]
    return [name for name in times if mapping.values[name].type == "VARCHAR"]


def _zone_flags(mapping: Mapping) -> list[str]:
    """Whether a time written as text says its zone (true), leaves it out (false) or is a mere date (NULL)."""
    if mapping.mixing:
        return []
    return [
        f"CASE WHEN {name} IS NOT NULL AND NOT {date_only(raw(name))} THEN {aware(f'trim({raw(name)})')} END"
        f" AS {identifier(f'zone:{name}')}"
        for name in text_times(mapping)
    ]


def no_mixed_zones(con: Connection, mapping: Mapping) -> None:
    """Hold that the times of a column are written in one way.

    Raises:
        DataError: some say their zone and some do not, and nothing says what the latter mean.
    """
    for name in [] if mapping.mixing else text_times(mapping):
        flag = identifier(f"zone:{name}")
        ways = (flag, f"NOT {flag}") if mapping.source.has_files else ()
        places = "".join(f", arg_min(_file, _row) FILTER ({way})" for way in ways)
        [row] = con.execute(
            f"SELECT min(_row) FILTER ({flag}), min(_row) FILTER (NOT {flag}),"
            f" count(*) FILTER ({flag}), count(*) FILTER (NOT {flag}){places} FROM judged"
        ).fetchall()
        if row[2] and row[3]:
            raise DataError(
                f"the column {name} mixes times with a zone and times without one",
                where=f"table {mapping.table.name} ({mapping.source.words}){_files(row[4:])}",
                wanted="all with a zone (2026-03-01T06:00:00Z), or all without",
                got=f"{row[2]:,} with a zone (first in row {row[0]:,}), {row[3]:,} without (first in row {row[1]:,})",
                do=f"write the column in one way, or name the zone of the others in revml.yaml,"
                f" tables: {mapping.table.name}: timezone: Europe/Prague",
            )


def _files(paths: Sequence[str]) -> str:
    named = sorted({path.replace("\\", "/").rpartition("/")[2] for path in paths})
    return f": {' and '.join(named)}" if named else ""
