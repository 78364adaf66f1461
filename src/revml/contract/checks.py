"""The checks of the contract as SQL for DuckDB, driven by `contract.tables`.

Comes in: a contract column and an expression with the raw value. Goes out: an expression with the typed value, NULL
where the value cannot be converted, and rules: a reason in words with the condition under which a row breaks it.
Nothing here reads data. Text is never taken for more than it says: `12.6` is no whole number, `nan` is no amount.
"""

from __future__ import annotations

from dataclasses import dataclass

from revml.contract.tables import MAX_ID_LENGTH, SQL_TYPES, Column, Table

WORDS = {
    "time": "a time",
    "integer": "a whole number",
    "number": "a number",
    "money": "an amount of money",
    "flag": "true or false",
    "id": "text",
    "text": "text",
}
# A row that ends must not end before it starts. Payment before the invoice is a prepayment and allowed.
ENDS_AFTER: dict[str, tuple[str, str]] = {
    "users": ("created_at", "deactivated_at"),
    "subscriptions": ("started_at", "ended_at"),
    "assets": ("installed_at", "retired_at"),
    "tickets": ("opened_at", "closed_at"),
    "opportunities": ("entered_at", "left_at"),
    "actions": ("assigned_at", "done_at"),
}
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
AWARE = r"\d:\d\d.*(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$"
DATE_ONLY = r"^\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}\s*$"


@dataclass(frozen=True)
class Rule:
    """A reason, and the SQL condition under which a row is put aside for it."""

    reason: str
    broken: str


def identifier(name: str) -> str:
    """A quoted SQL identifier.

    >>> print(identifier("the plan"))
    "the plan"
    """
    return '"' + name.replace('"', '""') + '"'


def raw(name: str) -> str:
    """The identifier under which the untyped value of a column travels."""
    return identifier(f"raw:{name}")


def typed(column: Column, value: str, source_type: str, *, timezone: str | None = None) -> str:
    """SQL for the value of a column in the contract's type, NULL where it cannot be converted.

    Args:
        value: SQL expression of the raw value.
        source_type: DuckDB type of that expression.
        timezone: IANA zone of naive times; a date without a time of day means 00:00 UTC all the same.
    """
    if column.type == "time":
        return _time(value, source_type, timezone)
    if column.type in ("id", "text"):
        return _text(value, source_type)
    if column.type == "flag":
        return value if source_type == "BOOLEAN" else f"TRY_CAST(trim({_text(value, source_type)}) AS BOOLEAN)"
    number = _number(value, source_type)
    if column.type != "integer":
        return number
    if source_type in WHOLE:
        return f"TRY_CAST({value} AS BIGINT)"
    return f"CASE WHEN {number} = round({number}) THEN TRY_CAST({number} AS BIGINT) END"


def _number(value: str, source_type: str) -> str:
    if source_type in ("DOUBLE", "FLOAT") or source_type in WHOLE or source_type.startswith("DECIMAL"):
        return f"CAST({value} AS DOUBLE)"
    text = f"trim({_text(value, source_type)})"
    # DuckDB would read 1_000 as a thousand.
    return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"


def _text(value: str, source_type: str) -> str:
    if source_type == "VARCHAR":
        return value
    if source_type in ("DOUBLE", "FLOAT"):
        # Ids that passed through a float column (12345.0) are whole numbers, and other tables write them so.
        whole = f"{value} = round({value}) AND abs({value}) < 1e15"
        return f"CASE WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({value} AS VARCHAR) END"
    return f"CAST({value} AS VARCHAR)"


def _time(value: str, source_type: str, timezone: str | None) -> str:
    if source_type == "DATE":
        return f"CAST({value} AS TIMESTAMP)"
    if source_type == "TIMESTAMP WITH TIME ZONE":
        return f"CAST({value} AS TIMESTAMP)"
    if source_type.startswith("TIMESTAMP"):
        return _in_zone(f"CAST({value} AS TIMESTAMP)", timezone)
    text = f"trim({_text(value, source_type)})"
    if timezone is None:
        # The connection's zone is UTC, so this reads naive text as UTC and respects an offset where there is one.
        return f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"
    naive = f"TRY_CAST({text} AS TIMESTAMP)"
    return (
        f"CASE WHEN {aware(text)} THEN CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"
        f" WHEN {date_only(text)} THEN {naive} ELSE {_in_zone(naive, timezone)} END"
    )


def _in_zone(naive: str, timezone: str | None) -> str:
    return naive if timezone is None else f"CAST(timezone('{timezone}', {naive}) AS TIMESTAMP)"


def aware(text: str) -> str:
    """SQL: whether a time written as text says its zone."""
    return f"regexp_matches({text}, '{AWARE}')"


def date_only(text: str) -> str:
    """SQL: whether a time written as text is a mere date."""
    return f"regexp_matches({text}, '{DATE_ONLY}')"


def row_rules(table: Table, there: frozenset[str] | set[str]) -> list[Rule]:
    """What a single row of a table must keep, in the order in which reasons are told.

    Raw values are read from `raw(name)`, typed values from the column's own name.

    Args:
        there: contract columns that the source has.
    """
    rules = [rule for column in table.by_name.values() if column.name in there for rule in _column_rules(column)]
    start, end = ENDS_AFTER.get(table.name, ("", ""))
    if start in there and end in there:
        rules.append(Rule(f"{end} is before {start}", before(end, start)))
    return rules


def before(event: str, limit: str) -> str:
    """SQL: an instant lies before another; midnight of the same day is a mere date and does not.

    Args:
        event, limit: SQL expressions of instants.
    """
    return f"({event} < {limit} AND {event} <> date_trunc('day', {limit}))"


def _column_rules(column: Column) -> list[Rule]:
    name, value, untyped = column.name, column.name, raw(column.name)
    rules = []
    if column.required:
        rules.append(Rule(f"{name} is missing", f"{untyped} IS NULL"))
    if column.type == "id":
        rules.append(Rule(f"{name} is empty", f"trim({value}) = ''"))
        rules.append(Rule(f"{name} is longer than {MAX_ID_LENGTH} characters", f"length({value}) > {MAX_ID_LENGTH}"))
    if SQL_TYPES[column.type] != "VARCHAR":
        rules.append(Rule(f"{name} is not {WORDS[column.type]}", f"{value} IS NULL AND {untyped} IS NOT NULL"))
    if column.type in ("number", "money"):
        rules.append(Rule(f"{name} is not finite", f"NOT isfinite({value})"))
    if column.type == "time":
        rules.append(Rule(f"{name} is not finite", f"NOT isfinite({value})"))
    if column.minimum is not None:
        rules.append(Rule(f"{name} is below {column.minimum:g}", f"{value} < {column.minimum}"))
    if column.maximum is not None:
        rules.append(Rule(f"{name} is above {column.maximum:g}", f"{value} > {column.maximum}"))
    return rules


def first_reason(rules: list[Rule]) -> str:
    """SQL for the first reason that a row breaks, NULL for a row in order."""
    if not rules:
        return "CAST(NULL AS VARCHAR)"
    cases = " ".join(f"WHEN {rule.broken} THEN {_quoted(rule.reason)}" for rule in rules)
    return f"CASE {cases} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
