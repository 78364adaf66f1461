"""Staging usage: only files that are new or changed are read, and the result is that of reading everything.

Comes in: a `Mapping` of usage, its files, and the staged folder of the last check. Goes out: `usage/` (parts),
`usage_days.parquet` (the ledger), `usage_sources/` (the record of what was read, and the rows put aside), the
quarantine file and the counts over everything. Rows of new files join those of the days they touch; days that a
changed or vanished file held are made again from all files that hold some of them. Whatever else could change how a
row is judged leads to a full reading, with the reason in a note.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from revml import __version__
from revml.contract.report import Missing, TableReport
from revml.errors import DataError
from revml.sources.databases import kind_of
from revml.sources.facts import LEDGER_FILE, literal, staged_file, staged_parts
from revml.sources.judging import Connection, count
from revml.sources.ledger import USAGE, open_ledger, write_ledger
from revml.sources.locate import Located
from revml.sources.mapping import Mapping
from revml.sources.parts import SourceFile, local_file
from revml.sources.relating import known_ids
from revml.sources.sifting import PARQUET_OUT, Sifted
from revml.sources.usage_files import (
    ASIDE,
    FOLDER,
    Plan,
    Record,
    Tally,
    key_of,
    make_plan,
    mixed_zones,
    settled,
    signature,
)
from revml.sources.usage_parts import add, empty_part, relation, remove_days, share
from revml.sources.usage_rows import FileChanged, judged_sql, names, read_rows, references

FORMAT = 2
ATTEMPTS = 3


def stage_usage(
    con: Connection,
    mapping: Mapping,
    located: Located,
    *,
    root: Path,
    room: Path,
    staged: Path,
    quarantine: Path,
    last: Path,
    full: bool = False,
) -> Sifted:
    """Read what is new of usage and stage all of it.

    Args:
        root: the workspace's folder, to which names of files are relative.
        room: a temporary folder on the same disk as the staged folders.
        staged: the folder that is being made.
        quarantine: the file for rows put aside.
        last: the staged folder of the last check, which need not be there.
        full: read everything even so.

    Raises:
        DataError: the source breaks off or changes while it is read, or mixes times with and without a zone.
    """
    for attempt in range(ATTEMPTS):
        here = room / f"usage-{attempt}"
        here.mkdir()
        try:
            return _stage(con, mapping, located, root, here, staged, quarantine, last, full=full)
        except FileChanged:
            shutil.rmtree(staged_parts(staged, USAGE), ignore_errors=True)
            shutil.rmtree(staged / FOLDER, ignore_errors=True)
    raise DataError(
        "a file changes while it is read",
        where=f"table {USAGE} ({mapping.source.words})",
        wanted="files that stay as they are for the time of the check",
        got=f"other rows at the end of the reading than at its start, {ATTEMPTS} times",
        do="write new files under a temporary name and give them their own when they are whole, or check again later",
    )


def _stage(
    con: Connection,
    mapping: Mapping,
    located: Located,
    root: Path,
    room: Path,
    staged: Path,
    quarantine: Path,
    last: Path,
    *,
    full: bool,
) -> Sifted:
    files = {key_of(str(file), root): local_file(file) for file in located.files} if _by_file(mapping, located) else {}
    stands = {key: (file.size, settled(file)) for key, file in files.items()}
    made = _signature(con, mapping)
    parts = staged_parts(staged, USAGE)
    old = room / "last"
    record = _borrow(last, old) if files and not full else None
    plan = _plan(con, mapping, old, record, stands, made)
    if full:
        plan = Plan(full="that was asked for")
    everything = tuple(files) or ("",)
    if plan.full:
        plan = replace(plan, fresh=everything)
    parts.mkdir()
    tallies = {} if plan.full or record is None else {k: t for k, t in record.tallies.items() if k not in plan.gone}
    open_ledger(con, None if plan.full else old / LEDGER_FILE)
    if not plan.full:
        share(staged_parts(old, USAGE), parts)
    if plan.days:
        con.execute("CREATE OR REPLACE TEMP TABLE days_again (day DATE)")
        con.execute("INSERT INTO days_again SELECT DATE '1970-01-01' + CAST(unnest(?) AS INTEGER)", [list(plan.days)])
        remove_days(con, parts, "days_again")
    con.execute("DROP TABLE IF EXISTS aside")
    if plan.fresh or plan.again:
        read = {key: files[key] for key in [*plan.fresh, *plan.again] if key in files}
        fresh, new = read_rows(con, mapping, located, read, room, fresh=plan.fresh, days=plan.days)
        tallies |= fresh
        if not plan.full and mixed_zones(tallies):
            return _stage(con, mapping, located, root, _again(room, parts), staged, quarantine, last, full=True)
        add(con, new, names(mapping), parts)
    for key, (size, version) in stands.items():
        now = _now(files[key])
        if now != (files[key].size, files[key].version) and key in [*plan.fresh, *plan.again]:
            if mapping.source.is_text and key in plan.fresh:
                version = ""
            else:
                raise FileChanged
        tallies[key].size, tallies[key].version = size, version
    if not any(parts.glob("*.parquet")):
        empty_part(con, names(mapping), parts)
    write_ledger(con, staged / LEDGER_FILE)
    (staged / FOLDER).mkdir()
    _write_aside(con, mapping, plan, old, staged / FOLDER / ASIDE)
    if files:
        Record(made, tallies).write(staged)
    _write_quarantine(con, mapping, {key: file.path for key, file in files.items()}, staged, quarantine)
    reading = plan.words() if files and (record is not None or full) else ""
    return _counted(con, mapping, tallies, parts, quarantine, reading)


def _by_file(mapping: Mapping, located: Located) -> bool:
    """Whether rows come from files of this machine that can be read one by one."""
    if located.remote is not None or located.inputs or located.source.query is not None or not located.files:
        return False
    return kind_of(located.files[0]) in ("parquet", "csv")


def _again(room: Path, parts: Path) -> Path:
    shutil.rmtree(parts)
    again = room / "full"
    again.mkdir()
    return again


def _now(file: SourceFile) -> tuple[int, str]:
    try:
        now = local_file(Path(file.path))
    except OSError:
        return (-1, "")
    return (now.size, now.version)


def _signature(con: Connection, mapping: Mapping) -> str:
    return signature(
        FORMAT,
        __version__,
        duckdb.__version__,
        judged_sql(mapping),
        references(con, mapping, "judged"),
        mapping.source.columns,
    )


def _borrow(last: Path, here: Path) -> Record | None:
    """Have the last check's staged usage here, whole, whatever becomes of that folder meanwhile."""
    record = Record.read(last)
    if record is None:
        return None
    try:
        for folder in (USAGE, FOLDER):
            (here / folder).mkdir(parents=True)
            share(last / folder, here / folder)
        for file in (last / LEDGER_FILE, *(staged_file(last, table) for table in ("accounts", "users"))):
            if file.exists():
                shutil.copyfile(file, here / file.name)
        # Another check may have put its folder there since.
        return record if Record.read(last) == record and (here / LEDGER_FILE).exists() else None
    except OSError:
        return None


def _plan(
    con: Connection,
    mapping: Mapping,
    old: Path,
    record: Record | None,
    stands: dict[str, tuple[int, str]],
    made: str,
) -> Plan:
    plan = make_plan(record, stands, made, ())
    if plan.full:
        return plan
    for table, key in (("accounts", "account_id"), ("users", "user_id")):
        file = staged_file(old, table)
        if not file.exists() or not known_ids(con, table):
            continue
        moved = "OR i.created_at IS DISTINCT FROM o.created_at" if table == "accounts" else ""
        if count(
            con,
            f"SELECT count(*) FROM read_parquet({literal(file)}) o"
            f" LEFT JOIN ids_{table} i ON o.{key} = i.id AND i.accepted WHERE i.id IS NULL {moved}",
        ):
            return Plan(full=f"{table} vanished" + (" or were created at another time" if moved else ""))
    reason, joined = references(con, mapping, f"read_parquet({literal(old / FOLDER / ASIDE)})")
    otherwise = con.execute(
        f"SELECT DISTINCT source_file FROM {joined} WHERE NOT alone AND reason IS DISTINCT FROM {reason}"
    ).fetchall()
    return make_plan(record, stands, made, [row[0] for row in otherwise])


def _write_aside(con: Connection, mapping: Mapping, plan: Plan, old: Path, file: Path) -> None:
    """The rows put aside now, and those of files that were not read again."""
    kept = []
    if not plan.full:
        con.execute("CREATE OR REPLACE TEMP TABLE gone_files AS SELECT CAST(unnest(?) AS VARCHAR) AS key", [plan.gone])
        rows = f"read_parquet({literal(old / FOLDER / ASIDE)})"
        kept.append(f"SELECT * FROM {rows} WHERE source_file NOT IN (SELECT key FROM gone_files)")
    if plan.fresh or plan.again:
        kept.append("SELECT * FROM aside")
    con.execute(f"COPY ({' UNION ALL '.join(kept)}) TO {literal(file)} {PARQUET_OUT}")


def _write_quarantine(con: Connection, mapping: Mapping, paths: dict[str, str], staged: Path, file: Path) -> None:
    rows = f"read_parquet({literal(staged / FOLDER / ASIDE)})"
    if not count(con, f"SELECT count(*) FROM {rows}"):
        return
    con.execute("CREATE OR REPLACE TEMP TABLE file_paths (key VARCHAR, path VARCHAR)")
    for key, path in paths.items() if mapping.source.has_files else ():
        con.execute("INSERT INTO file_paths VALUES (?, ?)", [key, path])
    con.execute(f"""
        COPY (SELECT reason, path AS source_file, source_row, unnest(row), unreadable_line, unreadable_text
              FROM {rows} LEFT JOIN file_paths ON source_file = key
              ORDER BY path NULLS FIRST, source_row, unreadable_line)
        TO {literal(file)} {PARQUET_OUT}
    """)


def _counted(
    con: Connection,
    mapping: Mapping,
    tallies: dict[str, Tally],
    parts: Path,
    quarantine: Path,
    reading: str,
) -> Sifted:
    table = mapping.table
    reasons: dict[str, int] = {}
    for tally in tallies.values():
        for reason, rows in tally.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + rows
    accepted = count(con, "SELECT coalesce(sum(rows), 0) FROM ledger")
    held, first, last, newest = _held(con, parts)
    report = TableReport(
        table=table.name,
        source=mapping.source.words,
        rows_in=sum(tally.rows_in for tally in tallies.values()),
        filtered=sum(tally.rows_in - tally.unread - tally.judged for tally in tallies.values()),
        accepted=accepted,
        duplicates=sum(tally.good for tally in tallies.values()) - accepted,
        quarantined=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        quarantine_file=str(quarantine) if reasons else None,
        limit=mapping.limit,
        first=first,
        last=last,
        missing=tuple(Missing(c.name, c.without) for c in table.columns if c.name not in held and c.without),
        left_out=tuple(mapping.left_out),
        notes=mapping.source.notes,
        reading=reading,
        columns=tuple(name for name in table.by_name if name in held and name in mapping.values),
        source_columns=dict(mapping.source.columns),
    )
    columns = tuple(name for name in table.by_name if name in held or (name == "known_at" and accepted))
    return Sifted(report, columns, (), newest)


def _held(con: Connection, parts: Path) -> tuple[set[str], datetime | None, datetime | None, datetime | None]:
    """Columns with some value, the first and last time, and the newest `known_at` until now, by the parts' footers."""
    listed = f"[{', '.join(literal(part) for part in sorted(parts.glob('*.parquet')))}]"
    held = {
        row[0]
        for row in con.execute(f"""
            SELECT path_in_schema FROM parquet_metadata({listed})
            GROUP BY 1 HAVING sum(num_values - stats_null_count) > 0
        """).fetchall()
    }
    bounds = f"""
        SELECT min(CAST(stats_min_value AS TIMESTAMP)), max(CAST(stats_max_value AS TIMESTAMP))
        FROM parquet_metadata({listed}) WHERE path_in_schema = ? AND num_values > 0
    """
    first, last = con.execute(bounds, ["occurred_at"]).fetchall()[0]
    newest = con.execute(bounds, ["known_at"]).fetchall()[0][1]
    # A fact dated after today must not make the data look complete until then: every label window would be closed.
    if newest is not None and newest > datetime.now(UTC).replace(tzinfo=None):
        rows = relation(list(parts.glob("*.parquet")))
        newest = con.execute(f"SELECT max(known_at) FROM {rows} WHERE known_at <= CAST(now() AS TIMESTAMP)").fetchall()
        newest = newest[0][0]
    return held, first, last, newest
