"""What becomes of each row of a mapped table, as SELECTs that a server can run: the verdicts of `sources.staging`.

Comes in: a `Mapping` whose source is a table or view of the engine. Goes out: SQL in DuckDB's dialect, in the order in
which `pushdown` runs it. The rules of a row are `contract.checks`'; references come next, in the contract's order; then
rows equal in every column count once, and rows that share a key but differ are all put aside.
"""

from __future__ import annotations

from revml.contract.checks import Rule, aware, before, date_only, first_reason, identifier, raw, row_rules, typed
from revml.contract.tables import SQL_TYPES, Table
from revml.sources.facts import literal
from revml.sources.mapping import Mapping

EPOCH = "TIMESTAMP '1970-01-01'"


def extra(mapping: Mapping, name: str) -> str:
    """The identifier under which a static account column travels."""
    return f"extra_{list(mapping.extras).index(name)}"


def content(mapping: Mapping) -> list[str]:
    """The columns that make two rows the same."""
    return [*mapping.values, *(extra(mapping, name) for name in mapping.extras)]


def happened(table: Table) -> str:
    """When a row of a table happened, for what has no time the epoch."""
    return table.happened_at or EPOCH


def text_times(mapping: Mapping) -> list[str]:
    """Times that are written as text and may or may not say their zone."""
    times = [c.name for c in mapping.table.by_name.values() if c.type == "time" and c.name in mapping.values]
    return [] if mapping.mixing else [name for name in times if mapping.values[name].type == "VARCHAR"]


def judged(mapping: Mapping) -> str:
    """Each row that `where` lets through: typed, with the first rule of its own that it breaks in `_reason`."""
    values = mapping.values
    raws = [f"{value.sql} AS {raw(name)}" for name, value in values.items()]
    extras = [f"{value.sql} AS {extra(mapping, name)}" for name, value in mapping.extras.items()]
    columns = [
        f"{typed(mapping.table.by_name[name], raw(name), value.type, timezone=mapping.timezone)} AS {name}"
        for name, value in values.items()
    ]
    zones = [
        f"CASE WHEN {name} IS NOT NULL AND NOT {date_only(raw(name))} THEN {aware(f'trim({raw(name)})')} END"
        f" AS zone_{name}"
        for name in text_times(mapping)
    ]
    where = f" WHERE ({mapping.where})" if mapping.where else ""
    return f"""
SELECT {", ".join([*content(mapping), *zones])}, {first_reason(_rules(mapping))} AS _reason
FROM (SELECT *, {", ".join(columns)}
      FROM (SELECT {", ".join([*raws, *extras])} FROM {mapping.source.relation}{where}) AS came) AS understood
"""


def verdicts(mapping: Mapping, rows: str, known: frozenset[str]) -> str:
    """Those rows with the reason for which each is put aside in `_verdict`, NULL for a row in order so far.

    Args:
        rows: the table that holds the judged rows, or `judged` itself in brackets.
        known: the tables with an `ids_<table>(id, accepted, created_at)`; the table's own ids are those of `rows`.
    """
    table = mapping.table
    cases, joins = [], []
    for column in table.columns:
        target = column.references
        if target is None or column.name not in mapping.values or target not in {*known, table.name}:
            continue
        mine, i = f"t.{column.name}", f"i_{column.name}"
        cases.append(f"WHEN {mine} IS NOT NULL AND {i}.id IS NULL THEN '{column.name} names nothing in {target}'")
        if target == table.name:
            ids = f"(SELECT DISTINCT {table.key[0]} AS id FROM {rows} AS everyone)"
        else:
            ids = f"ids_{target}"
            aside = f"{column.name} names a row of {target} that is itself in quarantine"
            cases.append(f"WHEN {mine} IS NOT NULL AND NOT {i}.accepted THEN '{aside}'")
            if target == "accounts" and column.name == "account_id" and table.happened_at:
                late = before(f"t.{table.happened_at}", f"{i}.created_at")
                cases.append(f"WHEN {late} THEN '{table.happened_at} is before the account was created'")
        joins.append(f"LEFT JOIN {ids} AS {i} ON {i}.id = {mine}")
    verdict = f"CASE WHEN t._reason IS NOT NULL THEN t._reason {' '.join(cases)} END" if cases else "t._reason"
    kept = [*content(mapping), *(f"zone_{name}" for name in text_times(mapping))]
    return f"SELECT {', '.join(f't.{c}' for c in kept)}, {verdict} AS _verdict FROM {rows} AS t {' '.join(joins)}"


def distinct(mapping: Mapping, rows: str) -> str:
    """The rows in order, equal ones once; `_alike` tells how many different ones share a row's key."""
    columns = ", ".join(content(mapping))
    key = mapping.table.key
    alike = f"COUNT(*) OVER (PARTITION BY {', '.join(key)})" if key else "1"
    return f"SELECT {columns}, {alike} AS _alike FROM {rows} WHERE _verdict IS NULL GROUP BY {columns}"


def accepted(mapping: Mapping, rows: str) -> str:
    """The contract's table: every column, `known_at` filled, text compared byte by byte."""
    columns = []
    for column in mapping.table.by_name.values():
        value = column.name if column.name in mapping.values else "NULL"
        if column.name == "known_at":
            value = f"COALESCE({value}, {happened(mapping.table)})" if value != "NULL" else happened(mapping.table)
        columns.append(f"{plain(value, SQL_TYPES[column.type])} AS {column.name}")
    return f"SELECT {', '.join(columns)} FROM {rows} AS d WHERE d._alike = 1"


def profile(mapping: Mapping, rows: str) -> tuple[str, dict[str, str]]:
    """The static columns of accounts under their own names, and DuckDB's types of them."""
    types = {name: _profile_type(value.type) for name, value in mapping.extras.items()}
    columns = [f"{plain(extra(mapping, name), kind)} AS {identifier(name)}" for name, kind in types.items()]
    picked = ", ".join([f"{plain('account_id', 'VARCHAR')} AS account_id", *columns])
    return f"SELECT {picked} FROM {rows} AS d WHERE d._alike = 1", types


def identities(mapping: Mapping, rows: str) -> str:
    """The ids of a table that others refer to, those of rows put aside marked."""
    table = mapping.table
    key = table.key[0]
    created = "created_at" if table.name == "accounts" else "CAST(NULL AS TIMESTAMP)"
    return f"""
SELECT {key} AS id, TRUE AS accepted, {created} AS created_at FROM {table.name}
UNION ALL
SELECT DISTINCT v.{key}, FALSE, CAST(NULL AS TIMESTAMP)
FROM {rows} AS v LEFT JOIN {table.name} AS a ON a.{key} = v.{key}
WHERE v.{key} IS NOT NULL AND a.{key} IS NULL
"""


def empty(table: Table) -> str:
    """A contract table that the company does not have."""
    columns = [f"{plain('NULL', SQL_TYPES[c.type])} AS {c.name}" for c in table.by_name.values()]
    return f"SELECT {', '.join(columns)} WHERE FALSE"


def plain(value: str, kind: str) -> str:
    """A value in a type of DuckDB's, text in the order of its bytes."""
    return f"CAST({value} AS {kind})" + (' COLLATE "C"' if kind == "VARCHAR" else "")


def conflict(table: Table) -> str:
    """The reason of rows that share a key and differ."""
    return f"another row has the same {' and '.join(table.key)} but differs"


def _rules(mapping: Mapping) -> list[Rule]:
    rules = row_rules(mapping.table, set(mapping.values))
    for name, value in mapping.extras.items():
        if value.type in ("DOUBLE", "FLOAT"):
            rules.append(Rule(f"{name} is not finite", f"NOT isfinite({extra(mapping, name)})"))
    return rules


def _profile_type(kind: str) -> str:
    if kind in ("BOOLEAN", "VARCHAR"):
        return kind
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "TIMESTAMP"
    numbers = ("DECIMAL", "DOUBLE", "FLOAT")
    return "DOUBLE" if kind.startswith(numbers) or kind.lstrip("U").endswith(("INT", "INTEGER")) else "VARCHAR"


def count_reasons(rows: str) -> str:
    """How many rows are put aside for each reason."""
    return f"SELECT _verdict AS reason, COUNT(*) AS n FROM {rows} WHERE _verdict IS NOT NULL GROUP BY _verdict"


def zone_counts(mapping: Mapping, rows: str, name: str) -> str:
    """How many times of a column say their zone, and how many do not."""
    said = f"COUNT(CASE WHEN zone_{name} THEN 1 END) AS said"
    return f"SELECT {said}, COUNT(CASE WHEN NOT zone_{name} THEN 1 END) AS unsaid FROM {rows}"


def tally(mapping: Mapping, now: str) -> str:
    """Counts over a contract's table: rows, span, the newest row not in the future, and each column's values."""
    table = mapping.table
    time = table.happened_at or "CAST(NULL AS TIMESTAMP)"
    filled = ", ".join(f"COUNT({name}) AS filled_{name}" for name in table.by_name)
    newest = f"MAX(CASE WHEN known_at <= TIMESTAMP {literal(now)} THEN known_at END)"
    return (
        f"SELECT COUNT(*) AS n, MIN({time}) AS first, MAX({time}) AS last, {newest} AS newest, {filled}"
        f" FROM {table.name}"
    )
