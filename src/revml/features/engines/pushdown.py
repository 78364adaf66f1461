"""The contract's tables on the server that holds the company's own: mapped, checked and counted there.

Comes in: a workspace whose tables stand on one PostgreSQL server, and an open session on it. Goes out: a temporary
table for every contract table, and `ServerFacts`, which knows what they hold, with the report that `revml check` would
give of the same rows. Small tables from elsewhere (a CSV of accounts) are checked here and uploaded. Rows that break
the contract are counted by reason and left where they are.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from revml.config import Workspace
from revml.contract.checks import identifier
from revml.contract.report import CheckReport, Missing, TableReport
from revml.contract.tables import ONE_OF, REQUIRED, SQL_TYPES, TABLES, Table
from revml.errors import ConfigError, DataError, QuarantineError
from revml.features.engines import verdicts
from revml.features.engines.own_tables import own_table
from revml.features.engines.postgres import PostgresEngine
from revml.progress import Progress, silent
from revml.sources.at_start import changed_and_same, with_start
from revml.sources.facts import connect, literal
from revml.sources.locate import Located, locate
from revml.sources.mapping import Mapping, map_table
from revml.sources.noticing import no_other_currency, one_currency
from revml.sources.postgres import address, driver, without_secrets
from revml.sources.readers import open_source
from revml.sources.relating import REFERENCED
from revml.sources.sifting import sift

# Referenced tables first, so that references are checked against accepted rows.
ORDER = ("accounts", "products", "users")
MAX_UPLOADED_ROWS = 1_000_000
NEVER = datetime(1970, 1, 1)  # noqa: DTZ001 - naive means UTC in revml


@dataclass(frozen=True)
class ServerFacts:
    """What is known of accepted facts that stay on a server.

    Attributes:
        columns: contract columns that hold at least one value, by table; a table without rows is absent.
        extras: the declared static extra columns of `accounts`.
        observed_until: how far the data reaches.
        report: what became of the rows of each table.
    """

    columns: dict[str, frozenset[str]]
    extras: tuple[str, ...]
    observed_until: datetime
    report: CheckReport
    types: dict[str, str]

    def has(self, table: str, *columns: str) -> bool:
        """Whether a table has rows and each of the columns holds some value."""
        return table in self.columns and all(c in self.columns[table] for c in columns)

    def profile_types(self) -> dict[str, str]:
        """DuckDB's types of the columns of `account_profile`."""
        return self.types


@dataclass(frozen=True)
class _Done:
    """One table: its report, the columns that hold values, its newest known row that is not in the future."""

    report: TableReport
    columns: frozenset[str]
    newest: datetime | None


def one_server(workspace: Workspace) -> str:
    """The URL of the server that holds this workspace's tables.

    Raises:
        ConfigError: no table is on a PostgreSQL server, or they are on several.
    """
    urls: dict[str, str] = {name: source.url for name, source in workspace.tables.items() if source.url is not None}
    if not urls:
        raise ConfigError(
            "no table of this workspace is on a PostgreSQL server",
            where="revml.yaml: tables",
            wanted="tables: {usage: {url: postgresql://..., table: ...}}",
            got="files only",
            do="name the tables by their URL, or build with --engine duckdb",
        )
    parse = driver().conninfo.conninfo_to_dict
    places: dict[tuple[str, ...], list[str]] = {}
    for name, url in urls.items():
        said = parse(address(url))
        place = tuple(str(said.get(key) or "") for key in ("host", "port", "dbname", "user"))
        places.setdefault(place, []).append(name)
    if len(places) > 1:
        got = "; ".join(f"{', '.join(names)} on {without_secrets(urls[names[0]])}" for names in places.values())
        raise ConfigError(
            "the tables are on different servers",
            where="revml.yaml: tables",
            wanted="one server, database and user for all tables of a push-down",
            got=got,
            do="bring them to one server, give the small ones as files, or build with --engine duckdb",
        )
    return next(iter(urls.values()))


def push_down(workspace: Workspace, engine: PostgresEngine, *, progress: Progress | None = None) -> ServerFacts:
    """Make the contract's tables on the server and judge their rows there.

    Raises:
        ConfigError: the mapping is wrong, or says what PostgreSQL cannot.
        DataError: a table cannot be read, or a required table or column is missing.
        QuarantineError: more rows break the contract than the workspace allows.
    """
    located = locate(workspace)
    _require(REQUIRED[0] in located and any(name in located for name in ONE_OF), located)
    room = Path(tempfile.mkdtemp(prefix="revml-push-"))
    con = connect()
    try:
        with engine.consistently():
            return _Push(workspace, engine, con, room).run(located, progress or silent)
    finally:
        con.close()
        shutil.rmtree(room, ignore_errors=True)


class _Push:
    """One push-down at work: `known` are the tables whose ids are on the server."""

    def __init__(
        self, workspace: Workspace, engine: PostgresEngine, con: duckdb.DuckDBPyConnection, room: Path
    ) -> None:
        self.workspace, self.engine, self.con, self.room = workspace, engine, con, room
        self.known: set[str] = set()
        self.types: dict[str, str] = {}

    def run(self, located: dict[str, Located], progress: Progress) -> ServerFacts:
        order = [name for name in ORDER if name in located] + [name for name in located if name not in ORDER]
        there = [name for name in order if located[name].source.url is not None]
        # Before anything temporary is made: it would hide the company's own tables of the same names.
        maps = {
            name: own_table(self.con, self.engine, self.workspace, TABLES[name], located[name].source) for name in there
        }
        done: dict[str, _Done] = {}
        for number, name in enumerate(order):
            progress(name, number / len(order))
            if name in maps:
                done[name] = self._here(maps[name])
            else:
                done[name] = self._uploaded(TABLES[name], located[name])
            if name == "accounts":
                self._currency()
        for table in TABLES.values():
            if table.name not in done:
                self.engine.make(table.name, verdicts.empty(table))
        return self._facts(done)

    def _here(self, mapping: Mapping) -> _Done:
        """A table of the server's own."""
        engine, table, name = self.engine, mapping.table, mapping.table.name
        if name != "accounts":
            self._one_currency_in(mapping)
        own = any(c.references == name and c.name in mapping.values for c in table.columns)
        rows = f"({verdicts.judged(mapping)})"
        try:
            if own:
                engine.make(f"judged_{name}", verdicts.judged(mapping))
                rows = f"judged_{name}"
            engine.make(f"verdicts_{name}", verdicts.verdicts(mapping, rows, frozenset(self.known)))
        except DataError as error:
            raise _fails(mapping, error.got) from None
        self._no_mixed_zones(mapping)
        judged = f"verdicts_{name}"
        engine.make(f"distinct_{name}", verdicts.distinct(mapping, judged))
        engine.make(name, verdicts.accepted(mapping, f"distinct_{name}"))
        if name == "accounts":
            select, self.types = verdicts.profile(mapping, f"distinct_{name}")
            engine.make("account_profile", select)
        if name in REFERENCED:
            engine.make(f"ids_{name}", verdicts.identities(mapping, judged))
            self.known.add(name)
        done = self._counted(mapping)
        for made in (f"judged_{name}", judged, f"distinct_{name}"):
            engine.drop(made)
        return done

    def _uploaded(self, table: Table, located: Located) -> _Done:
        """A table from elsewhere: checked here, against the ids on the server, and its accepted rows sent there."""
        con, name = self.con, table.name
        for other in sorted(self.known):
            self._ids_here(other)
        source = open_source(con, name, located, self.room)
        mapping = map_table(con, self.workspace, table, located.source, source)
        if name != "accounts":
            no_other_currency(con, mapping, self.workspace.company.currency)
        file = self.room / f"{name}.parquet"
        sifted = sift(con, mapping, staged=file, quarantine=self.room / f"{name}-quarantine.parquet")
        if sifted.report.accepted > MAX_UPLOADED_ROWS:
            raise DataError(
                f"the table {name} is too large to be uploaded to the server",
                where=located.words,
                wanted=f"at most {MAX_UPLOADED_ROWS:,} rows from outside the server",
                got=f"{sifted.report.accepted:,} rows",
                do="load it into the server, or build with --engine duckdb",
            )
        rows = pq.read_table(file)
        self.engine.put(name, _whole(table, rows))
        if name == "accounts":
            self.engine.put("account_profile", rows.select(["account_id", *sifted.extras]))
            described = con.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(file)})").fetchall()
            self.types = {row[0]: row[1] for row in described if row[0] in sifted.extras}
        if name in REFERENCED:
            self.engine.put(f"ids_{name}", con.sql(f"SELECT * FROM ids_{name}").to_arrow_table())
            self.known.add(name)
        note = f"{sifted.report.accepted:,} rows were uploaded to the server, as a temporary table"
        report = replace(sifted.report, quarantine_file=None, notes=(*sifted.report.notes, note))
        return _Done(report, frozenset(sifted.columns), sifted.newest)

    def _ids_here(self, name: str) -> None:
        """The ids of a table of the server's, for the checks of the tables that come from elsewhere."""
        there = self.con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [f"ids_{name}"]).fetchall()
        if there:
            return
        ids = self.engine.fetch(f"SELECT id, accepted, created_at FROM ids_{name}")
        self.con.register("incoming_ids", ids)
        self.con.execute(f"CREATE TABLE ids_{name} AS SELECT * FROM incoming_ids")
        self.con.unregister("incoming_ids")

    def _currency(self) -> None:
        """All accounts must be in the company's currency, as in `revml check`."""
        file = self.room / "currencies.parquet"
        pq.write_table(self.engine.fetch("SELECT currency FROM accounts"), file)
        if self.con.execute(f"SELECT count(currency) FROM read_parquet({literal(file)})").fetchall() != [(0,)]:
            one_currency(self.con, file, self.workspace.company.currency)

    def _one_currency_in(self, mapping: Mapping) -> None:
        column = next((name for name in mapping.left_out if name.casefold() == "currency"), None)
        if column is None:
            return
        where = f" WHERE ({mapping.where})" if mapping.where else ""
        told = f"SELECT {identifier(column)} AS told FROM {mapping.source.relation}{where}"
        found = self.engine.fetch(f"SELECT told, COUNT(*) AS n FROM ({told}) AS t WHERE told IS NOT NULL GROUP BY told")
        if set(found["told"].to_pylist()) <= {self.workspace.company.currency}:
            return
        self.con.register("incoming_currencies", found)
        self.con.execute(
            f"INSERT INTO {mapping.source.relation} ({identifier(column)})"
            " SELECT told FROM (SELECT told, unnest(range(n)) FROM incoming_currencies)"
        )
        self.con.unregister("incoming_currencies")
        no_other_currency(self.con, replace(mapping, where=None), self.workspace.company.currency)

    def _no_mixed_zones(self, mapping: Mapping) -> None:
        for name in verdicts.text_times(mapping):
            counts = self._row(verdicts.zone_counts(mapping, f"verdicts_{mapping.table.name}", name))
            if counts["said"] and counts["unsaid"]:
                raise DataError(
                    f"the column {name} mixes times with a zone and times without one",
                    where=f"table {mapping.table.name} ({mapping.source.words})",
                    wanted="one way of writing times in a column",
                    got=f"{counts['said']:,} with a zone, {counts['unsaid']:,} without",
                    do=f"say the zone of naive times: tables: {mapping.table.name}: timezone: Europe/Prague (or UTC)",
                )

    def _counted(self, mapping: Mapping) -> _Done:
        table, name = mapping.table, mapping.table.name
        kept = self._count(f"verdicts_{name}")
        total = self._count(mapping.source.relation) if mapping.where else kept
        told = self.engine.fetch(verdicts.count_reasons(f"verdicts_{name}")).to_pylist()
        reasons = {str(row["reason"]): int(row["n"]) for row in told}
        found = self._row(verdicts.tally(mapping, datetime.now(UTC).replace(tzinfo=None).isoformat()))
        different = self._count(f"distinct_{name}")
        duplicates = kept - sum(reasons.values()) - different
        if different > found["n"]:
            reasons[verdicts.conflict(table)] = different - found["n"]
        filled = frozenset(column for column in table.by_name if found[f"filled_{column}"])
        report = TableReport(
            table=name,
            source=mapping.source.words,
            rows_in=total,
            filtered=total - kept,
            accepted=found["n"],
            duplicates=duplicates,
            quarantined=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
            quarantine_file=None,
            limit=mapping.limit,
            first=found["first"],
            last=found["last"],
            missing=tuple(Missing(c.name, c.without) for c in table.columns if c.name not in filled and c.without),
            left_out=tuple(mapping.left_out),
            notes=mapping.source.notes,
        )
        return _Done(report, filled, found["newest"])

    def _facts(self, done: dict[str, _Done]) -> ServerFacts:
        newest = [one.newest for name, one in done.items() if one.newest and name != "products"]
        columns = {name: one.columns for name, one in done.items() if one.report.accepted}
        report = CheckReport(
            tables=tuple(done[name].report for name in TABLES if name in done),
            missing_tables=tuple(
                Missing(t.name, t.without) for t in TABLES.values() if t.without and t.name not in columns
            ),
            observed_until=self.workspace.observed_until or max(newest, default=NEVER),
            fingerprint="",
            notes=("judged on the server; rows put aside stay there, uncopied",),
        )
        if report.over_limit:
            raise _too_many(report)
        _require(all(name in columns for name in REQUIRED) and any(name in columns for name in ONE_OF), columns)
        told = self._row(changed_and_same())
        columns = with_start(columns, told["changed"], told["same"])
        return ServerFacts(columns, tuple(self.types), report.observed_until, report, self.types)

    def _count(self, rows: str) -> int:
        return int(self._row(f"SELECT COUNT(*) AS n FROM {rows}")["n"])

    def _row(self, select: str) -> dict[str, Any]:
        return dict(self.engine.fetch(select).to_pylist()[0])


def _whole(table: Table, rows: pa.Table) -> pa.Table:
    """Accepted rows with every column of the contract."""
    kinds = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}
    columns = {}
    for name, column in table.by_name.items():
        kind = kinds.get(SQL_TYPES[column.type], pa.bool_())
        columns[name] = rows[name].cast(kind) if name in rows.column_names else pa.nulls(rows.num_rows, kind)
    return pa.table(columns)


def _require(there: bool, tables: Any) -> None:
    if not there:
        raise DataError(
            "a required table is missing or has no accepted row",
            where="revml.yaml: tables",
            wanted=f"{REQUIRED[0]}, and {' or '.join(ONE_OF)}",
            got=", ".join(sorted(tables)) or "no table at all",
            do="map it under tables:, or look whether its `where` leaves everything out",
        )


def _fails(mapping: Mapping, got: str) -> DataError:
    return DataError(
        "an expression of the mapping fails on some row",
        where=f"table {mapping.table.name} ({mapping.source.words})",
        wanted="SQL that gives NULL where a value cannot be converted",
        got=got,
        do="write TRY_CAST in place of CAST: such rows then go to quarantine with a reason",
    )


def _too_many(report: CheckReport) -> QuarantineError:
    worst = max(report.over_limit, key=lambda table: table.quarantined_share)
    reason, rows = max(worst.quarantined.items(), key=lambda item: item[1])
    return QuarantineError(
        f"{worst.quarantined_rows:,} of {worst.rows_in - worst.filtered:,} rows broke the contract"
        f" (most often: {reason}, {rows:,} rows)",
        where=f"table {worst.table}",
        wanted=f"at most {worst.limit:.1%} of the rows in quarantine",
        got=f"{worst.quarantined_share:.1%}",
        do="mend the source or its mapping (`revml check` shows the rows), or allow more with quarantine_limit",
    )
