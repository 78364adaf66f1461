"""From sources to accepted facts: read, map, check, and stage, table by table.

Comes in: a workspace. Goes out: `staged/` (one Parquet file a contract table, sorted, and `facts.json`),
`quarantine/` (the rows put aside, with reasons) and a `CheckReport`. Both folders are swapped in whole; when too many
rows break the contract, the staged folder of the last good check stays. Every row of a source is counted once:
filtered, accepted, duplicate or quarantined.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from revml.config import Workspace
from revml.contract.report import CheckReport, Missing, OverLimit, TableReport
from revml.contract.tables import ONE_OF, REQUIRED, TABLES
from revml.errors import DataError
from revml.sources.facts import META_FILE, connect, literal, staged_file
from revml.sources.locate import Located, locate
from revml.sources.mapping import map_table
from revml.sources.sifting import Sifted, sift

Progress = Callable[[str, float], None]
# Referenced tables first, so that references are checked against accepted rows.
ORDER = ("accounts", "products", "users")


def stage_workspace(workspace: Workspace, *, progress: Progress | None = None) -> CheckReport:
    """Read, check and stage every table of a workspace.

    Raises:
        ConfigError: the workspace names a column, file or key that is not there.
        DataError: a source cannot be read, or a required table or column is missing.
        OverLimit: too many rows broke the contract; quarantine files are written, staged facts stay as they were.
    """
    report = progress or (lambda what, share: None)
    located = locate(workspace)
    _require_tables(located, workspace)
    workspace.work_dir.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix="staging-", dir=workspace.work_dir))
    try:
        return _stage(workspace, located, room, report)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _stage(workspace: Workspace, located: dict[str, Located], room: Path, progress: Progress) -> CheckReport:
    staged, quarantine = room / "staged", room / "quarantine"
    staged.mkdir()
    quarantine.mkdir()
    con = _scratch(room)
    done: dict[str, Sifted] = {}
    order = [name for name in ORDER if name in located] + [name for name in located if name not in ORDER]
    try:
        for number, name in enumerate(order):
            progress(name, number / len(order))
            mapping = map_table(con, workspace, TABLES[name], located[name], room)
            done[name] = sift(con, mapping, staged=staged_file(staged, name), quarantine=quarantine / f"{name}.parquet")
        progress("staging", 0.97)
        return _finish(workspace, done, staged, quarantine)
    finally:
        con.close()


def _scratch(room: Path) -> duckdb.DuckDBPyConnection:
    """A connection whose tables live on disk, so that memory stays bounded."""
    con = connect()
    con.execute(f"ATTACH {literal(room / 'scratch.duckdb')} AS scratch")
    con.execute("USE scratch")
    con.execute(f"SET temp_directory = {literal(room / 'spill')}")
    con.execute("SET memory_limit = '4GB'")
    return con


def _require_tables(located: dict[str, Located], workspace: Workspace) -> None:
    where = workspace.data or "revml.yaml"
    for name in REQUIRED:
        if name not in located:
            raise DataError(
                f"the table {name} is missing",
                where=where,
                wanted=f"{name}: {TABLES[name].one_row_is} a row",
                got=", ".join(sorted(located)) or "no table at all",
                do=f"put {name}.parquet or {name}.csv there, or map it under tables: {name}: in revml.yaml",
            )
    if not any(name in located for name in ONE_OF):
        raise DataError(
            f"neither of the tables {' and '.join(ONE_OF)} is there",
            where=where,
            wanted="one of them: they say who is a customer and for how much",
            got=", ".join(sorted(located)),
            do="add one of them to the data folder, or map it under tables: in revml.yaml",
        )


def _finish(workspace: Workspace, done: dict[str, Sifted], staged: Path, quarantine: Path) -> CheckReport:
    tables = tuple(
        replace(done[name].report, quarantine_file=_final(done[name].report, workspace))
        for name in TABLES
        if name in done
    )
    observed = workspace.observed_until or _newest(done)
    fingerprint = _fingerprint(staged)
    report = CheckReport(
        tables=tables,
        missing_tables=tuple(Missing(t.name, t.without) for t in TABLES.values() if t.name not in done and t.without),
        observed_until=observed,
        fingerprint=fingerprint,
    )
    _swap(quarantine, workspace.quarantine_dir)
    if report.over_limit:
        raise OverLimit(report)
    meta = {
        "columns": {name: list(done[name].columns) for name in TABLES if name in done and done[name].columns},
        "extras": list(done["accounts"].extras),
        "observed_until": observed.isoformat(),
        "fingerprint": fingerprint,
    }
    (staged / META_FILE).write_text(json.dumps(meta, indent=2), encoding="utf-8")
    _swap(staged, workspace.staged_dir)
    return report


def _final(report: TableReport, workspace: Workspace) -> str | None:
    return str(workspace.quarantine_dir / f"{report.table}.parquet") if report.quarantined else None


def _newest(done: dict[str, Sifted]) -> datetime:
    newest = [sifted.newest for name, sifted in done.items() if sifted.newest and name != "products"]
    if not newest:
        raise DataError(
            "no row was accepted in any table",
            where="the data",
            wanted="at least one fact with a time",
            got=", ".join(f"{name}: {sifted.report.rows_in} rows" for name, sifted in done.items()),
            do="look at the quarantine files for the reasons",
        )
    return max(newest)


def _fingerprint(staged: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(staged.glob("*.parquet")):
        digest.update(file.name.encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def _swap(new: Path, place: Path) -> None:
    """Put a whole folder in the place of another."""
    old = new.with_name(new.name + ".old")
    if place.exists():
        place.replace(old)
    new.replace(place)
