"""Checks that need more than one row: references, order in time against the account, duplicates, conflicts of keys.

Comes in: the scratch table `judged`, and the ids accepted so far in `ids_<table>`. Goes out: `bad` (_row, reason) and
`twice` (_row of exact duplicates). A row counts under the first reason found: references first, then keys.
"""

from __future__ import annotations

from revml.contract.checks import before
from revml.contract.tables import Table
from revml.sources.facts import literal
from revml.sources.judging import Connection, content, count
from revml.sources.mapping import Mapping

REFERENCED = ("accounts", "users", "products")
GOOD = "(SELECT * FROM judged WHERE _reason IS NULL AND _row NOT IN (SELECT _row FROM bad))"


def relate(con: Connection, mapping: Mapping) -> None:
    """Fill `bad` and `twice` for the table in `judged`."""
    con.execute("CREATE OR REPLACE TABLE bad (_row BIGINT, reason VARCHAR)")
    con.execute("CREATE OR REPLACE TABLE twice (_row BIGINT)")
    for column in mapping.table.columns:
        if column.references is not None and column.name in mapping.values:
            _reference(con, mapping.table, column.name, column.references)
    _alike(con, mapping)


def remember(con: Connection, table: Table, staged: str) -> None:
    """Keep the ids of a table that others refer to, the quarantined ones marked.

    Args:
        staged: the Parquet file of accepted rows.
    """
    if table.name not in REFERENCED:
        return
    key = table.key[0]
    created = "created_at" if table.name == "accounts" else "CAST(NULL AS TIMESTAMP)"
    con.execute(f"""
        CREATE OR REPLACE TABLE ids_{table.name} AS
        SELECT {key} AS id, true AS accepted, {created} AS created_at FROM read_parquet({literal(staged)})
    """)
    con.execute(f"""
        INSERT INTO ids_{table.name}
        SELECT DISTINCT {key}, false, CAST(NULL AS TIMESTAMP) FROM judged
        WHERE {key} IS NOT NULL AND {key} NOT IN (SELECT id FROM ids_{table.name})
    """)


def _reference(con: Connection, table: Table, column: str, target: str) -> None:
    own = target == table.name
    if not own and not known_ids(con, target):
        return
    # A parent that is itself in quarantine is still a known parent: only ids that nobody has are put aside.
    ids = f"(SELECT DISTINCT {table.key[0]} AS id, true AS accepted FROM judged)" if own else f"ids_{target}"
    con.execute(f"""
        INSERT INTO bad
        SELECT _row, reason FROM (
            SELECT t._row, {reference_reason(table, column, target, "i")} AS reason
            FROM {GOOD} t LEFT JOIN {ids} i ON t.{column} = i.id)
        WHERE reason IS NOT NULL
    """)


def known_ids(con: Connection, target: str) -> bool:
    """Whether a table that others refer to was read."""
    return count(con, f"SELECT count(*) FROM duckdb_tables() WHERE table_name = 'ids_{target}'") > 0


def reference_reason(table: Table, column: str, target: str, ids: str) -> str:
    """SQL for what is wrong with a reference of a row `t`, NULL where nothing is.

    Args:
        ids: the alias under which the target's ids are joined.
    """
    early = ""
    if target == "accounts" and column == "account_id" and table.happened_at:
        late = before(f"t.{table.happened_at}", f"{ids}.created_at")
        early = f" WHEN {late} THEN '{table.happened_at} is before the account was created'"
    return f"""CASE
        WHEN t.{column} IS NULL THEN NULL
        WHEN {ids}.id IS NULL THEN '{column} names nothing in {target}'
        WHEN NOT {ids}.accepted THEN '{column} names a row of {target} that is itself in quarantine'{early}
    END"""


def _alike(con: Connection, mapping: Mapping) -> None:
    """Count rows equal in every column once; put aside all rows that share a key but not their content."""
    con.execute(f"CREATE OR REPLACE TABLE again AS SELECT _hash FROM {GOOD} GROUP BY _hash HAVING count(*) > 1")
    if not count(con, "SELECT count(*) FROM again"):
        return
    con.execute(f"""
        CREATE OR REPLACE TABLE alike AS
        SELECT *, row_number() OVER (PARTITION BY {", ".join(content(mapping))} ORDER BY _row) AS _copy
        FROM {GOOD} WHERE _hash IN (SELECT _hash FROM again)
    """)
    con.execute("INSERT INTO twice SELECT _row FROM alike WHERE _copy > 1")
    if mapping.table.key:
        reason = f"another row has the same {' and '.join(mapping.table.key)} but differs"
        con.execute(f"""
            INSERT INTO bad
            SELECT _row, {literal(reason)}
            FROM (SELECT _row, count(*) OVER (PARTITION BY {", ".join(mapping.table.key)}) AS n
                  FROM alike WHERE _copy = 1)
            WHERE n > 1
        """)
    con.execute("DROP TABLE alike")
