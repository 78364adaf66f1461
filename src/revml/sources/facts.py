"""The accepted facts of a workspace, as SQL views.

Comes in: the `staged` folder that `sources.staging` wrote (one Parquet file a contract table, a folder of parts for
usage with its ledger, and `facts.json`). Goes out: a DuckDB connection in which **every** contract table is a view
with **every** contract column and a filled `known_at`: tables and columns that the company does not have are there,
empty, so that SQL needs no special cases; and `usage_ledger`, what each day of usage holds. `present` and `columns`
say what is really there. Nothing is ever written to the staged folder from here.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from revml.contract.tables import SQL_TYPES, TABLES, Table
from revml.errors import DataError, NotFound
from revml.sources.at_start import changed_and_same, with_start

META_FILE = "facts.json"
# Beyond this, sorts and hash tables go to a temporary folder.
MEMORY_LIMIT = "3GB"
LEDGER_FILE = "usage_days.parquet"
LEDGER = {"day": "DATE", "rows": "BIGINT", "digest": "VARCHAR"}


@dataclass(frozen=True)
class Facts:
    """Accepted facts, opened for reading.

    Attributes:
        con: an in-memory DuckDB connection with one view a contract table (times are naive UTC TIMESTAMPs), and the
            view `usage_ledger` (day, rows, digest): equal digests mean the same rows on that day; empty where the
            folder has no ledger.
        columns: contract columns that hold at least one value, by table; a table without rows is absent. With them
            `at_start.EMPLOYEES`, where the staff that accounts tell is that of their start.
        extras: the declared static extra columns of `accounts` (read through the view `account_profile`).
        observed_until: how far the data reaches.
        fingerprint: SHA-256 over the staged files, for the record of what a model saw.
    """

    con: duckdb.DuckDBPyConnection
    columns: dict[str, frozenset[str]]
    extras: tuple[str, ...]
    observed_until: datetime
    fingerprint: str
    folder: Path

    @property
    def present(self) -> frozenset[str]:
        """Tables that have rows."""
        return frozenset(self.columns)

    def has(self, table: str, *columns: str) -> bool:
        """Whether a table has rows and each of the columns holds some value."""
        return table in self.columns and all(c in self.columns[table] for c in columns)

    def profile_types(self) -> dict[str, str]:
        """DuckDB's types of the columns of `account_profile`."""
        described = self.con.cursor().execute("DESCRIBE account_profile").fetchall()
        return {str(row[0]): str(row[1]) for row in described}

    @classmethod
    def open(cls, folder: Path) -> Facts:
        """Open a staged folder.

        Raises:
            NotFound: nothing was staged there.
            DataError: what was staged is damaged.
        """
        try:
            meta = json.loads((folder / META_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(
                "no checked data yet",
                where=str(folder),
                wanted="the tables that passed the check",
                got="an empty place",
                do="run `revml check` first",
            ) from None
        except ValueError as error:
            raise _damaged(folder / META_FILE, error) from None
        con = connect()
        try:
            for table in TABLES.values():
                con.execute(_view(table, folder, set(meta["columns"].get(table.name, ()))))
            con.execute(_ledger(folder))
            con.execute(_profile(folder, tuple(meta["extras"]), "accounts" in meta["columns"]))
            [(changed, same)] = con.execute(changed_and_same()).fetchall()
        except duckdb.Error as error:
            raise _damaged(folder, error) from None
        return cls(
            con=con,
            columns=with_start({name: frozenset(cols) for name, cols in meta["columns"].items()}, changed, same),
            extras=tuple(meta["extras"]),
            observed_until=datetime.fromisoformat(meta["observed_until"]),
            fingerprint=meta["fingerprint"],
            folder=folder,
        )


def _damaged(place: Path, error: Exception) -> DataError:
    return DataError(
        "the checked data is damaged",
        where=str(place),
        wanted="what `revml check` wrote",
        got=str(error).splitlines()[0],
        do="run `revml check` again",
    )


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that never mistakes a Python variable for a table and never calls out."""
    con = duckdb.connect(":memory:")
    con.execute("SET python_enable_replacements = false")
    con.execute("SET autoinstall_known_extensions = false")
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    # Made when it is needed, and gone with the connection; by default it would be made where the user stands.
    con.execute(f"SET temp_directory = {literal(Path(tempfile.gettempdir()) / f'revml-{uuid.uuid4().hex}')}")
    return con


def staged_file(folder: Path, table: str) -> Path:
    """Where a table's accepted rows stand, if it stands in one file."""
    return folder / f"{table}.parquet"


def staged_parts(folder: Path, table: str) -> Path:
    """The folder where a table's accepted rows stand, if it stands in parts."""
    return folder / table


def staged_relation(folder: Path, table: str) -> str:
    """SQL that can stand after FROM: the accepted rows of a table, in one file or in parts."""
    if staged_file(folder, table).exists() or not staged_parts(folder, table).is_dir():
        return f"read_parquet({literal(staged_file(folder, table))})"
    parts = sorted(staged_parts(folder, table).glob("*.parquet"))
    return f"read_parquet([{', '.join(literal(part) for part in parts)}])"


def literal(text: object) -> str:
    """A SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def _view(table: Table, folder: Path, there: set[str]) -> str:
    if not there:
        nulls = ", ".join(f"CAST(NULL AS {SQL_TYPES[c.type]}) AS {c.name}" for c in table.by_name.values())
        return f"CREATE VIEW {table.name} AS SELECT {nulls} WHERE false"
    picked = ", ".join(
        c.name if c.name in there else f"CAST(NULL AS {SQL_TYPES[c.type]}) AS {c.name}" for c in table.by_name.values()
    )
    return f"CREATE VIEW {table.name} AS SELECT {picked} FROM {staged_relation(folder, table.name)}"


def _ledger(folder: Path) -> str:
    if not (folder / LEDGER_FILE).exists():
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {identifier}" for identifier, kind in LEDGER.items())
        return f"CREATE VIEW usage_ledger AS SELECT {empty} WHERE false"
    return f"CREATE VIEW usage_ledger AS SELECT {', '.join(LEDGER)} FROM read_parquet({literal(folder / LEDGER_FILE)})"


def _profile(folder: Path, extras: tuple[str, ...], accounts: bool) -> str:
    if not accounts:
        return "CREATE VIEW account_profile AS SELECT CAST(NULL AS VARCHAR) AS account_id WHERE false"
    quoted = "".join(f', "{name.replace(chr(34), chr(34) * 2)}"' for name in extras)
    source = literal(staged_file(folder, "accounts"))
    return f"CREATE VIEW account_profile AS SELECT account_id{quoted} FROM read_parquet({source})"
