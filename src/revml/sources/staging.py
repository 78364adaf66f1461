"""From sources to accepted facts: read, map, check, and stage, table by table.

Comes in: a workspace. Goes out: `staged/` (one Parquet file a contract table, sorted; usage in parts; `facts.json`),
`quarantine/` (the rows put aside, with reasons) and a `CheckReport`. Both folders are swapped in whole; when too many
rows break the contract, the staged folder of the last good check stays. Every row of a source is counted once:
filtered, accepted, duplicate or quarantined.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from revml import __version__
from revml.config import Workspace
from revml.contract.comparing import SUMMARY_FILE, Changed, compare, read_summary, summary
from revml.contract.report import CheckReport, Missing, OverLimit
from revml.contract.tables import ONE_OF, REQUIRED, TABLES
from revml.errors import DataError
from revml.progress import Progress, silent
from revml.sources.facts import LEDGER_FILE, META_FILE, connect, literal, staged_file
from revml.sources.hindsight import keep_account_columns, suspects
from revml.sources.ledger import USAGE, ledger_digest
from revml.sources.locate import Located, locate, strangers
from revml.sources.mapping import Mapping, map_table
from revml.sources.noticing import no_other_currency, noticed, one_currency
from revml.sources.readers import open_source
from revml.sources.sifting import Sifted, sift
from revml.sources.swapping import recover, swap
from revml.sources.usage import stage_usage

# Referenced tables first, so that references are checked against accepted rows.
ORDER = ("accounts", "products", "users")
ROOM = "staging-"
NEVER = datetime(1970, 1, 1)  # noqa: DTZ001 - naive means UTC in revml


def stage_workspace(
    workspace: Workspace, *, progress: Progress | None = None, accept_changes: bool = False, full: bool = False
) -> CheckReport:
    """Read, check and stage every table of a workspace.

    Args:
        accept_changes: stage even where something is gone that the last check had.
        full: read all files of usage, even those that the last check read.

    Raises:
        ConfigError: the workspace names a column, file or key that is not there.
        DataError: a source cannot be read, or a required table or column is missing.
        OverLimit: too many rows broke the contract; quarantine files are written, staged facts stay as they were.
        Changed: something is gone that features were made of at the last check; staged facts stay as they were.
    """
    report = progress or silent
    located = locate(workspace)
    _require_tables(located, workspace)
    workspace.work_dir.mkdir(parents=True, exist_ok=True)
    _clear(workspace.work_dir)
    room = Path(tempfile.mkdtemp(prefix=ROOM, dir=workspace.work_dir))
    try:
        return _stage(workspace, located, room, report, accept_changes=accept_changes, full=full)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _stage(
    workspace: Workspace,
    located: dict[str, Located],
    room: Path,
    progress: Progress,
    *,
    accept_changes: bool,
    full: bool,
) -> CheckReport:
    staged, quarantine = room / "staged", room / "quarantine"
    staged.mkdir()
    quarantine.mkdir()
    con = _scratch(room)
    done: dict[str, Sifted] = {}
    order = [name for name in ORDER if name in located] + [name for name in located if name not in ORDER]
    try:
        for number, name in enumerate(order):
            progress(name, number / len(order))
            _forget_errors(con)
            source = open_source(con, name, located[name], room)
            mapping = map_table(con, workspace, TABLES[name], located[name].source, source)
            if name != "accounts":
                no_other_currency(con, mapping, workspace.company.currency)
            aside = quarantine / f"{name}.parquet"
            if name == USAGE:
                done[name] = stage_usage(
                    con,
                    mapping,
                    located[name],
                    root=workspace.root,
                    room=room,
                    staged=staged,
                    quarantine=aside,
                    last=workspace.staged_dir,
                    full=full,
                )
            else:
                done[name] = sift(con, mapping, staged=staged_file(staged, name), quarantine=aside)
            if name == "accounts":
                accounts = mapping
                keep_account_columns(con, mapping)
                if "currency" in mapping.values:
                    one_currency(con, staged_file(staged, name), workspace.company.currency)
        progress("last look", 0.97)
        report = _report(con, workspace, accounts, done, staged)
    finally:
        con.close()
    told = summary(
        report,
        currency=workspace.company.currency,
        engine=f"revml {__version__}, duckdb {duckdb.__version__}",
        now=datetime.now(UTC),
    )
    before = read_summary(workspace.staged_dir)
    report = replace(report, since=compare(before, told) if before else None)
    swap(quarantine, workspace.quarantine_dir)
    if report.over_limit:
        raise OverLimit(report)
    _require_rows(report)
    if report.since and report.since.stopping and not accept_changes:
        raise Changed(report, report.since)
    (staged / SUMMARY_FILE).write_text(json.dumps(told, indent=1), encoding="utf-8")
    (staged / META_FILE).write_text(_facts(report, done), encoding="utf-8")
    swap(staged, workspace.staged_dir)
    return report


def _scratch(room: Path) -> duckdb.DuckDBPyConnection:
    """A connection whose tables live on disk, so that memory stays bounded."""
    con = connect()
    con.execute(f"ATTACH {literal(room / 'scratch.duckdb')} AS scratch")
    con.execute("USE scratch")
    con.execute(f"SET temp_directory = {literal(room / 'spill')}")
    con.execute("SET memory_limit = '2GB'")
    return con


def _forget_errors(con: duckdb.DuckDBPyConnection) -> None:
    """Each table starts with no unreadable lines on record."""
    con.execute("DROP TABLE IF EXISTS temp.csv_errors")
    con.execute("DROP TABLE IF EXISTS temp.csv_scans")


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


def _report(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, accounts: Mapping, done: dict[str, Sifted], staged: Path
) -> CheckReport:
    facts = [sifted.newest for name, sifted in done.items() if sifted.newest and name != "products"]
    observed = workspace.observed_until or max(facts, default=NEVER)
    columns = {name: sifted.columns for name, sifted in done.items()}
    found = suspects(con, accounts, columns, staged, observed)
    tables = []
    for name in TABLES:
        if name in done:
            report = done[name].report
            tables.append(
                replace(
                    noticed(
                        con,
                        report,
                        staged,
                        observed,
                        quarantine=staged.with_name("quarantine"),
                        kept=workspace.work_dir / "counted",
                    ),
                    quarantine_file=str(workspace.quarantine_dir / f"{name}.parquet") if report.quarantined else None,
                    suspects=found.get(name, ()),
                )
            )
    return CheckReport(
        tables=tuple(tables),
        missing_tables=tuple(
            Missing(table.name, table.without)
            for table in TABLES.values()
            if table.without and not columns.get(table.name)
        ),
        observed_until=observed,
        fingerprint=_fingerprint(con, staged),
        notes=tuple(strangers(workspace)),
    )


def _require_rows(report: CheckReport) -> None:
    """Accounts, and one of the tables that say who is a customer, must have accepted rows."""
    accepted = {table.table: table.accepted for table in report.tables}
    for names in (REQUIRED, ONE_OF):
        if not any(accepted.get(name) for name in names):
            raise DataError(
                f"there is no accepted row in {' or '.join(names)}",
                where="the data",
                wanted="at least one row",
                got=", ".join(f"{table.table}: {table.rows_in:,} rows in" for table in report.tables),
                do="look whether the file is empty or the mapping's `where` leaves everything out",
            )


def _facts(report: CheckReport, done: dict[str, Sifted]) -> str:
    """The text of facts.json, which `Facts.open` reads."""
    meta = {
        "columns": {name: list(done[name].columns) for name in TABLES if name in done and done[name].columns},
        "extras": list(done["accounts"].extras),
        "observed_until": report.observed_until.isoformat(),
        "fingerprint": report.fingerprint,
    }
    return json.dumps(meta, indent=2)


def _fingerprint(con: duckdb.DuckDBPyConnection, staged: Path) -> str:
    """SHA-256 over the staged files; usage counts by its ledger, whatever parts it stands in."""
    digest = hashlib.sha256()
    for file in sorted(staged.glob("*.parquet")):
        digest.update(file.name.encode())
        if file.name == LEDGER_FILE:
            digest.update(ledger_digest(con, file))
            continue
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def _clear(work: Path) -> None:
    """Remove what checks that were killed left behind; one of the last day may still be running."""
    rooms = sorted(work.glob(f"{ROOM}*"))
    for name in ("staged", "quarantine"):
        recover(rooms, name, work / name)
    for room in rooms:
        if time.time() - room.stat().st_mtime > 24 * 3600:
            shutil.rmtree(room, ignore_errors=True)
