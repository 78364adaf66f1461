"""Reading files of usage: each row typed and judged, counted by file and day, and sent where it belongs.

Comes in: a `Mapping` over all files, and those of them that are to be read. Goes out: parts with the rows that no rule
breaks, the scratch table `aside` with the others, and a `Tally` a file. Parquet is read as it is, everything else is
written to the scratch database once, because it is slow to read again. Row numbers count within a file.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from revml.contract.checks import identifier
from revml.sources.facts import literal
from revml.sources.judging import Connection, count, judged_rows, no_mixed_zones, reading, text_times
from revml.sources.ledger import DAY
from revml.sources.locate import Located
from revml.sources.mapping import Mapping
from revml.sources.parts import SourceFile
from revml.sources.readers import open_source
from revml.sources.relating import known_ids, reference_reason
from revml.sources.sifting import unreadable_lines
from revml.sources.source import FILE_COLUMN, Source
from revml.sources.usage_files import Tally
from revml.sources.usage_parts import write_parts

NUMBER = identifier("source:number")
FILE = identifier(FILE_COLUMN)
DAY_NUMBER = f"CASE WHEN isfinite(occurred_at) THEN date_diff('day', DATE '1970-01-01', {DAY}) END"


class FileChanged(Exception):
    """A file changed while it was read."""


def direct(mapping: Mapping) -> bool:
    """Whether the source is read as it is, as often as needed."""
    source = mapping.source
    plain = source.relation.startswith("read_parquet(") and "file_row_number" not in map(str.casefold, source.columns)
    return plain and not text_times(mapping)


def names(mapping: Mapping) -> list[str]:
    """The columns of a part."""
    return [name for name in mapping.table.by_name if name in mapping.values or name == "known_at"]


def judged_sql(mapping: Mapping, rows: str = "source") -> str:
    """SQL for judged rows over a relation with the columns of the source, numbers and files."""
    return judged_rows(mapping, rows, row=NUMBER, file=FILE)


def references(con: Connection, mapping: Mapping, rows: str) -> tuple[str, str]:
    """SQL for the reason that references give, and for rows `t` joined to the ids it needs.

    Args:
        rows: SQL that can stand after FROM.
    """
    reasons, joined = [], f"{rows} t"
    for column in mapping.table.columns:
        target = column.references
        if target is None or column.name not in mapping.values or not known_ids(con, target):
            continue
        alias = f"i_{column.name}"
        reasons.append(reference_reason(mapping.table, column.name, target, alias))
        joined += f" LEFT JOIN ids_{target} {alias} ON t.{column.name} = {alias}.id"
    return f"coalesce({', '.join([*reasons, 'NULL'])})", joined


def read_rows(
    con: Connection,
    mapping: Mapping,
    located: Located,
    files: dict[str, SourceFile],
    room: Path,
    *,
    fresh: Collection[str],
    days: Collection[int],
) -> tuple[dict[str, Tally], list[Path]]:
    """Read files: rows in order go to parts, a month each, the others to `aside`.

    Args:
        files: what to read, by key; one nameless source where there are no files.
        fresh: keys of files that count whole; of the others only some days are wanted.
        days: those days, as days since 1970.

    Returns:
        the tallies of the fresh files, and the parts (rows may repeat).

    Raises:
        DataError: the source breaks off while it is read, or mixes times with and without a zone.
    """
    con.execute("CREATE OR REPLACE TABLE source_files (path VARCHAR, key VARCHAR)")
    for key, file in files.items():
        con.execute("INSERT INTO source_files VALUES (?, ?)", [file.path, key])
    with reading(mapping):
        rows_in = _judge(con, mapping, located, files, room)
        unreadable_lines(con, mapping)
        no_mixed_zones(con, mapping)
        tallies, wanted = _tally(con, mapping, rows_in, fresh, days)
        parts = _split(con, mapping, room, tallies, wanted, fresh, days)
    # The next table makes a table of this name, and cannot put it in the place of a view.
    _forget_judged(con)
    return {key: tally for key, tally in tallies.items() if key in fresh}, parts


def _judge(
    con: Connection, mapping: Mapping, located: Located, files: dict[str, SourceFile], room: Path
) -> dict[str, int]:
    """Make `judged`, a view or a table; returns the rows of each file before `where`."""
    _forget_judged(con)
    chosen = list(files.values())
    if direct(mapping):
        several = mapping.source.has_files and bool(chosen)
        source = open_source(con, mapping.table.name, located.only(chosen), room) if several else mapping.source
        relation = source.relation[:-1] + ", file_row_number = true)"
        file = FILE if several and source.has_files else literal(chosen[0].path if chosen else "")
        shaped = _shaped(mapping.source, source, relation, "file_row_number + 1", file)
        con.execute(f"CREATE VIEW judged AS {judged_sql(mapping, shaped)}")
        return _rows_by_file(con, mapping, shaped)
    sources = {chosen[0].path if chosen else "": mapping.source}
    if mapping.source.has_files and chosen:
        sources = {one.path: open_source(con, mapping.table.name, located.only([one]), room) for one in chosen}
    rows_in: dict[str, int] = {}
    for number, (path, source) in enumerate(sources.items()):
        shaped = _shaped(mapping.source, source, source.relation, "row_number() OVER ()", literal(path))
        start = "INSERT INTO judged" if number else "CREATE TABLE judged AS"
        con.execute(f"{start} {judged_sql(mapping, shaped)}")
        rows_in |= _rows_by_file(con, mapping, shaped)
    return rows_in


def _forget_judged(con: Connection) -> None:
    is_view = count(con, "SELECT count(*) FROM duckdb_views() WHERE view_name = 'judged'") > 0
    con.execute(f"DROP {'VIEW' if is_view else 'TABLE'} IF EXISTS judged")


def _shaped(whole: Source, source: Source, relation: str, number: str, file: str) -> str:
    """Some files with the columns and types that all the files have together."""
    there = {name.casefold(): (name, kind) for name, kind in source.columns.items()}
    picked = []
    for name, kind in whole.columns.items():
        own, had = there.get(name.casefold(), ("", ""))
        value = identifier(own) if own else "NULL"
        picked.append(f"{value if had == kind else f'CAST({value} AS {kind})'} AS {identifier(name)}")
    return f"(SELECT {', '.join(picked)}, {number} AS {NUMBER}, {file} AS {FILE} FROM {relation})"


def _rows_by_file(con: Connection, mapping: Mapping, shaped: str) -> dict[str, int]:
    if not mapping.where:
        return {}
    return dict(con.execute(f"SELECT {FILE}, count(*) FROM {shaped} GROUP BY 1").fetchall())


def _tally(
    con: Connection, mapping: Mapping, rows_in: dict[str, int], fresh: Collection[str], days: Collection[int]
) -> tuple[dict[str, Tally], int]:
    """Count rows by file and day; returns also how many rows are wanted."""
    keys = dict(con.execute("SELECT path, key FROM source_files").fetchall())
    tallies = {key: Tally() for key in keys.values()} or {"": Tally()}
    keys = keys or {"": ""}
    wanted = 0
    for path, day, rows in con.execute(f"SELECT _file, {DAY_NUMBER}, count(*) FROM judged GROUP BY ALL").fetchall():
        key = keys[path]
        tallies[key].judged += rows
        if day is not None:
            tallies[key].days.append(day)
        wanted += rows if key in fresh or day in days else 0
    for path, rows in con.execute("SELECT file, count(*) FROM unread GROUP BY 1").fetchall():
        tallies[keys.get(path, next(iter(tallies)))].unread += rows
    for name in text_times(mapping) if not mapping.mixing else []:
        flag = identifier(f"zone:{name}")
        for path, *flags in con.execute(
            f"SELECT _file, coalesce(bool_or({flag}), false), coalesce(bool_or(NOT {flag}), false)"
            " FROM judged GROUP BY 1"
        ).fetchall():
            tallies[keys[path]].zones[name] = flags
    for path, key in keys.items():
        tally = tallies[key]
        tally.days.sort()
        tally.rows_in = (rows_in.get(path, 0) if mapping.where else tally.judged) + tally.unread
    return tallies, wanted


def _split(
    con: Connection,
    mapping: Mapping,
    room: Path,
    tallies: dict[str, Tally],
    wanted: int,
    fresh: Collection[str],
    days: Collection[int],
) -> list[Path]:
    """Write the rows in order to parts, and the others to `aside`; complete the tallies with reasons."""
    own, joined = references(con, mapping, "judged")
    con.execute("CREATE OR REPLACE TEMP TABLE wanted_days AS SELECT CAST(unnest(?) AS BIGINT) AS day", [list(days)])
    con.execute("CREATE OR REPLACE TEMP TABLE fresh_files AS SELECT CAST(unnest(?) AS VARCHAR) AS key", [list(fresh)])
    chosen = ""
    if any(key not in fresh for key in tallies):
        files = "SELECT path FROM source_files WHERE key IN (SELECT key FROM fresh_files)"
        chosen = f"WHERE t._file IN ({files}) OR {DAY_NUMBER.replace('occurred_at', 't.occurred_at')} IN"
        chosen += " (SELECT day FROM wanted_days)"
    related = f"(SELECT t.*, coalesce(t._reason, {own}) AS _why FROM {joined} {chosen})"
    picked = ["coalesce(known_at, occurred_at) AS known_at" if name == "known_at" else name for name in names(mapping)]
    place = room / "new"
    place.mkdir()
    parts, written = write_parts(con, f"SELECT {', '.join(picked)} FROM {related} WHERE _why IS NULL", place)
    # Where every row was in order, the source is not read again to find that out.
    _put_aside(con, mapping, f"{related} WHERE {'_why IS NOT NULL' if written < wanted else 'false'}")
    aside = count(con, "SELECT count(*) FROM aside WHERE unreadable_line IS NULL")
    if written + aside != wanted:
        raise FileChanged
    con.execute("DELETE FROM aside WHERE source_file NOT IN (SELECT key FROM fresh_files)")
    for key, reason, rows in con.execute("SELECT source_file, reason, count(*) FROM aside GROUP BY ALL").fetchall():
        tallies[key].reasons[reason] = rows
    return parts


def _put_aside(con: Connection, mapping: Mapping, broken: str) -> None:
    """Keep the rows that some rule breaks, and the lines that could not be read."""
    again = ", ".join(f"{literal(name)}: CAST({name} AS VARCHAR)" for name in mapping.values)
    user = "user_id" if "user_id" in mapping.values else "CAST(NULL AS VARCHAR)"
    con.execute(f"""
        CREATE OR REPLACE TABLE aside AS
        SELECT _why AS reason, coalesce(key, '') AS source_file, _row AS source_row,
               CASE WHEN _reason IS NOT NULL THEN _raw ELSE {{{again}}} END AS row,
               CAST(NULL AS BIGINT) AS unreadable_line, CAST(NULL AS VARCHAR) AS unreadable_text,
               _reason IS NOT NULL AS alone, account_id, {user} AS user_id, occurred_at
        FROM (FROM {broken}) LEFT JOIN source_files ON _file = path
    """)
    con.execute("""
        INSERT INTO aside
        SELECT reason, coalesce(key, (SELECT min(key) FROM source_files), ''), NULL, NULL, line, text,
               true, NULL, NULL, NULL
        FROM unread LEFT JOIN source_files ON file = path
    """)
