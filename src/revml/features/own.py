"""The company's own static columns of `accounts`: true since the account was created, so they are features as they are.

Texts become categories, flags flags, numbers numbers, dates the days since. Names are made safe (`static_<name>`); the
company's own spelling stays the label.
"""

from __future__ import annotations

import re

from revml.features.spec import Feature, FeatureKind, Subject
from revml.features.sql import full_days_since, identifier, lines, visible
from revml.sources.known import Known

PREFIX = "static_"
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UTINYINT", "UINTEGER")


def own_columns(facts: Known) -> Subject | None:
    """The subject of the static columns these facts have, or None where there are none."""
    if not facts.extras:
        return None
    types = facts.profile_types()
    features, selects = [], []
    taken: set[str] = set()
    for column in facts.extras:
        name = _free(PREFIX + (re.sub(r"\W+", "_", column.lower()).strip("_") or "column"), taken)
        kind, value = _value(f"p.{identifier(column)}", types[column])
        features.append(Feature(name, kind, "profile", words="own_column", label=column))
        selects.append(f"{value} AS {identifier(name)}")
    select = f"""
SELECT s.snapshot,
    {lines(selects)}
FROM snapshots AS s
JOIN accounts AS a ON a.account_id = s.account_id AND {visible("a", "created_at")}
JOIN account_profile AS p ON p.account_id = s.account_id
"""
    return Subject("own", ("accounts",), (("features_own", select),), tuple(features))


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free


def _value(column: str, sql_type: str) -> tuple[FeatureKind, str]:
    if sql_type == "BOOLEAN":
        return "flag", f"CAST({column} AS INTEGER)"
    if sql_type.startswith(_NUMBERS):
        # NaN and infinities are unknown, as is what 32 bits cannot hold.
        return "number", f"CASE WHEN ABS(CAST({column} AS DOUBLE)) < 3.0e38 THEN CAST({column} AS DOUBLE) END"
    if sql_type.startswith(("TIMESTAMP", "DATE")):
        when = f"CAST({column} AS TIMESTAMP)"
        return "days", f"CASE WHEN {when} <= s.as_of THEN {full_days_since(when)} END"
    return "category", f"CAST({column} AS VARCHAR)"
