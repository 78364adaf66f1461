"""Accounts under another system's ids, told as ours.

Comes in: a mapped `account_id` and the table that holds both ids (`account_ids` in the workspace file). Goes out: the
same value as an id of our accounts. An id that nobody here has stays as it came and goes to quarantine by its name;
one that would mean two of our accounts stops the check.
"""

from __future__ import annotations

import duckdb

from revml.config import AccountIds, Expression, MappedColumn
from revml.contract.checks import identifier, typed
from revml.contract.tables import ACCOUNT
from revml.errors import ConfigError, DataError
from revml.sources.source import FILE_COLUMN, Source, first_line, nearest

THEIRS, OURS = identifier("match:theirs"), identifier("match:ours")


def our_account(con: duckdb.DuckDBPyConnection, table: str, spec: AccountIds, match: Source, value: str) -> str:
    """SQL of our account's id for a value that holds another system's.

    Args:
        match: the opened place that holds both ids.
        value: SQL of the other system's id, as text.

    Raises:
        ConfigError: the place has no such column, or the table is accounts itself.
        DataError: an id of the other system stands beside two of our accounts.
    """
    where = f"revml.yaml: tables.{table}.account_ids"
    if table == "accounts":
        raise ConfigError(
            "accounts have our own ids", where=where, got=match.words, do="write account_ids under the other tables"
        )
    theirs, ours = (
        _id(con, asked, match, f"{where}.{key}") for key, asked in (("theirs", spec.theirs), ("ours", spec.ours))
    )
    made = f"account_ids_of_{table}"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE {made} AS
        SELECT {theirs} AS {THEIRS}, min({ours}) AS {OURS}, max({ours}) AS other
        FROM {match.relation}
        WHERE {theirs} IS NOT NULL AND {ours} IN (SELECT id FROM ids_accounts WHERE accepted)
        GROUP BY 1
    """)
    found = con.execute(
        f"SELECT {THEIRS}, {OURS}, other FROM {made} WHERE {OURS} <> other ORDER BY 1 LIMIT 1"
    ).fetchall()
    for twice in found:
        raise DataError(
            f"the id {twice[0]!r} means two of our accounts",
            where=f"{where} ({match.words})",
            wanted="each id of the other system beside one account",
            got=f"{twice[1]} and {twice[2]}",
            do="merge the two accounts, or map a table that tells which one is meant",
        )
    return f"coalesce((SELECT {OURS} FROM {made} WHERE {THEIRS} = {value}), {value})"


def _id(con: duckdb.DuckDBPyConnection, asked: MappedColumn, match: Source, where: str) -> str:
    if isinstance(asked, Expression):
        sql = f"({asked.sql})"
        try:
            kind = str(con.execute(f"DESCRIBE SELECT {sql} AS value FROM {match.relation}").fetchall()[0][1])
        except duckdb.Error as error:
            raise ConfigError(
                "this SQL does not work",
                where=f"{where}.sql",
                wanted=f"SQL over {', '.join(match.columns)}",
                got=first_line(error),
                do="mend the SQL (DuckDB's dialect)",
            ) from None
        return typed(ACCOUNT, sql, kind)
    if asked not in match.columns or asked == FILE_COLUMN:
        raise ConfigError(
            f"the source has no column {asked!r}",
            where=where,
            wanted=f"a column of {match.words}: {', '.join(match.columns)}",
            got=asked,
            do=nearest(asked, match.columns) or "write the column's name as the source spells it",
        )
    return typed(ACCOUNT, identifier(asked), match.columns[asked])
