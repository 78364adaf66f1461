"""Trying rows again that were in quarantine: what became of them under today's mapping and today's data.

Comes in: the quarantine files of the check before. Goes out: for each table and former reason, how many rows are in
order now, and which remain and why. The sources are read again and each former row is sought there: by what it holds,
then by its place. A row that no source holds any more is judged by the values that the quarantine kept, and only that
is said of it: nothing is staged from a quarantine file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from revml.config import TableSource, Workspace
from revml.contract.checks import identifier, typed
from revml.contract.retried import Retried, Retry
from revml.contract.tables import TABLES
from revml.errors import RevmlError
from revml.sources.facts import connect, literal
from revml.sources.judging import Connection, count, judge
from revml.sources.locate import Located, locate
from revml.sources.mapping import Mapping as TableMapping
from revml.sources.mapping import map_table
from revml.sources.readers import open_source
from revml.sources.relating import REFERENCED, relate
from revml.sources.sifting import sift
from revml.sources.source import FILE_COLUMN, Source

ROOM = "staging-retry-"
PLACES = ("reason", "source_file", "source_row", "unreadable_line", "unreadable_text")


@contextmanager
def former_quarantine(workspace: Workspace) -> Iterator[dict[str, Path]]:
    """The quarantine files as they are now, kept while a check replaces them, by table."""
    workspace.work_dir.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=ROOM, dir=workspace.work_dir))
    try:
        kept = {}
        for name in TABLES:
            file = workspace.quarantine_dir / f"{name}.parquet"
            if file.exists():
                kept[name] = Path(shutil.copy2(file, room))
        yield kept
    finally:
        shutil.rmtree(room, ignore_errors=True)


def retry(workspace: Workspace, former: Mapping[str, Path]) -> tuple[Retried, ...]:
    """What became of former rows, table by table.

    Args:
        former: quarantine files of the check before, as `former_quarantine` keeps them.

    Raises:
        ConfigError, DataError: as the check does, when a source cannot be read.
    """
    if not former:
        return ()
    located = locate(workspace)
    room = Path(tempfile.mkdtemp(prefix=ROOM, dir=workspace.work_dir))
    con = connect()
    try:
        con.execute(f"ATTACH {literal(room / 'scratch.duckdb')} AS scratch")
        con.execute("USE scratch")
        con.execute(f"SET temp_directory = {literal(room / 'spill')}")
        return tuple(_tables(con, workspace, located, former, room))
    finally:
        con.close()
        shutil.rmtree(room, ignore_errors=True)


def _tables(
    con: Connection, workspace: Workspace, located: dict[str, Located], former: Mapping[str, Path], room: Path
) -> Iterator[Retried]:
    # Referenced tables come first and are judged anyhow: the ids of the others are sought among theirs.
    for name in [*REFERENCED, *(name for name in TABLES if name not in REFERENCED)]:
        if name not in former and (name not in located or name not in REFERENCED):
            continue
        mapping = None
        if name in located:
            con.execute("DROP TABLE IF EXISTS temp.csv_errors")
            con.execute("DROP TABLE IF EXISTS temp.csv_scans")
            source = open_source(con, name, located[name], room)
            mapping = map_table(con, workspace, TABLES[name], located[name].source, source)
            sift(con, mapping, staged=room / f"{name}.parquet", quarantine=room / f"{name}.aside.parquet")
        if name in former:
            con.execute(
                "CREATE OR REPLACE TABLE former AS SELECT row_number() OVER () AS _id, *"
                f" FROM read_parquet({literal(former[name])})"
            )
            con.execute("CREATE OR REPLACE TABLE met (_id BIGINT, _row BIGINT)")
            con.execute("CREATE OR REPLACE TABLE fate (_id BIGINT, fate VARCHAR, reason VARCHAR)")
            if mapping is not None:
                _seek(con, mapping)
                _tell(con, mapping)
            yield _counted(con, workspace, name, located.get(name))


def _seek(con: Connection, mapping: TableMapping) -> None:
    """Pair former rows with rows of today's source: all values alike, else the same place and half of the values."""
    there = {row[0] for row in con.execute("DESCRIBE former").fetchall()}
    names = [name for name in mapping.values if name in there]
    if not names:
        return
    by_name = mapping.table.by_name
    values = {n: typed(by_name[n], f"f.{identifier(n)}", "VARCHAR", timezone=mapping.timezone) for n in names}
    mine = ", ".join(values[name] for name in names)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT _id, hash({mine}) AS h FROM former f "
        "WHERE source_row IS NOT NULL"
    )
    con.execute(f"""
        INSERT INTO met
        SELECT w._id, j._row
        FROM (SELECT _id, h, row_number() OVER (PARTITION BY h ORDER BY _id) AS n FROM wanted) w
        JOIN (SELECT _row, hash({", ".join(names)}) AS h, row_number() OVER (PARTITION BY h ORDER BY _row) AS n
              FROM judged WHERE hash({", ".join(names)}) IN (SELECT h FROM wanted)) j USING (h, n)
    """)
    alike = " + ".join(f"coalesce(({values[name]} = j.{name})::INT, 0)" for name in names)
    given = " + ".join(f"({identifier(name)} IS NOT NULL)::INT" for name in names)
    _place(con, mapping)
    file = (
        "AND (ends_with(p.file, f.source_file) OR ends_with(f.source_file, p.file))" if mapping.source.has_files else ""
    )
    con.execute(f"""
        INSERT INTO met
        SELECT f._id, j._row
        FROM (SELECT *, {given} AS given FROM former) f
        JOIN places p ON f.source_row = p.place {file}
        JOIN judged j ON j._row = p._row
        WHERE f._id NOT IN (SELECT _id FROM met) AND j._row NOT IN (SELECT _row FROM met)
          AND 2 * ({alike}) >= greatest(1, f.given - 1)
    """)


def _place(con: Connection, mapping: TableMapping) -> None:
    """Where each row stands, numbered as quarantine numbers it: usage by file, other tables throughout."""
    if not mapping.source.has_files:
        con.execute("CREATE OR REPLACE TABLE places AS SELECT _row, _row AS place, NULL AS file FROM judged")
        return
    by_file = mapping.table.name == "usage"
    column = identifier(FILE_COLUMN)
    numbered = f"SELECT {column} AS file, row_number() OVER () AS n FROM {mapping.source.relation}"
    con.execute(f"""
        CREATE OR REPLACE TABLE places AS
        SELECT _row, _row - {"start" if by_file else "0"} AS place, file
        FROM judged JOIN (SELECT file, min(n) - 1 AS start FROM ({numbered}) GROUP BY 1) ON _file = file
    """)


def _tell(con: Connection, mapping: TableMapping) -> None:
    con.execute("""
        INSERT INTO fate
        SELECT _id, CASE WHEN coalesce(j._reason, b.reason) IS NOT NULL THEN 'aside'
                         WHEN t._row IS NOT NULL THEN 'duplicate' ELSE 'accepted' END,
               coalesce(j._reason, b.reason)
        FROM met JOIN judged j USING (_row)
        LEFT JOIN (SELECT _row, min(reason) AS reason FROM bad GROUP BY 1) b USING (_row)
        LEFT JOIN (SELECT DISTINCT _row FROM twice) t USING (_row)
    """)
    con.execute("""
        INSERT INTO fate
        SELECT f._id, 'aside', u.reason FROM former f
        JOIN unread u ON f.unreadable_line = u.line AND f.source_file IS NOT DISTINCT FROM u.file
    """)
    if mapping.where:
        rows = count(con, f"SELECT count(*) FROM {mapping.source.relation}")
        con.execute(
            f"INSERT INTO fate SELECT _id, 'filtered', NULL FROM former WHERE source_row <= {rows}"
            " AND _id NOT IN (SELECT _id FROM fate)"
        )


def _counted(con: Connection, workspace: Workspace, name: str, located: Located | None) -> Retried:
    passing, note = _kept_values(con, workspace, name, located)
    rows = con.execute(
        "SELECT f.reason, count(*), count(*) FILTER (fate = 'accepted'), count(*) FILTER (fate = 'duplicate'),"
        " count(*) FILTER (fate = 'filtered'), count(*) FILTER (fate IS NULL)"
        " FROM former f LEFT JOIN fate USING (_id) GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    remaining: dict[str, dict[str, int]] = {}
    for reason, now, n in con.execute(
        "SELECT f.reason, fate.reason, count(*) FROM former f JOIN fate USING (_id) WHERE fate = 'aside'"
        " GROUP BY 1, 2 ORDER BY 3 DESC, 2"
    ).fetchall():
        remaining.setdefault(reason, {})[now] = n
    return Retried(
        name,
        tuple(
            Retry(reason, n, good, twice, left, remaining.get(reason, {}), gone, passing.get(reason, 0))
            for reason, n, good, twice, left, gone in rows
        ),
        note,
    )


def _kept_values(
    con: Connection, workspace: Workspace, name: str, located: Located | None
) -> tuple[dict[str, int], str]:
    """Of the rows that no source holds, how many would be accepted by their kept values, by former reason."""
    gone = "FROM former WHERE _id NOT IN (SELECT _id FROM fate)"
    if not count(con, f"SELECT count(*) {gone}"):
        return {}, ""
    con.execute(f"CREATE OR REPLACE TABLE lost AS SELECT * EXCLUDE ({', '.join(PLACES[1:])}) {gone} AND source_row > 0")
    columns = {row[0]: row[1] for row in con.execute("DESCRIBE lost").fetchall() if row[0] not in ("_id", "reason")}
    source = Source("the quarantine", "lost", columns, is_text=True)
    spec = TableSource(path="quarantine", timezone=located.source.timezone if located else None)
    try:
        mapping = map_table(con, workspace, TABLES[name], spec, source)
        judge(con, mapping)
        relate(con, mapping)
    except RevmlError as error:
        return {}, f"rows that the source does not hold any more cannot be judged by their kept values: {error.what}"
    good = con.execute("""
        SELECT reason, count(*) FROM (SELECT *, row_number() OVER () AS _row FROM lost) l JOIN judged j USING (_row)
        WHERE j._reason IS NULL AND _row NOT IN (SELECT _row FROM bad) AND _row NOT IN (SELECT _row FROM twice)
        GROUP BY 1
    """).fetchall()
    return {reason: int(n) for reason, n in good}, (
        "rows that the source does not hold any more are not staged: bring their file back to have them"
    )
