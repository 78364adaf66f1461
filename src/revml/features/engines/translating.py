"""DuckDB's SQL in the words of another engine, by sqlglot, with what sqlglot leaves as it is put right.

Comes in: a SELECT in DuckDB's dialect. Goes out: the same for PostgreSQL or Spark, meaning the same. A dialect that
cannot say something is an error (`Untranslatable`), never a guess. Snowflake, BigQuery, Databricks and Trino are
translated too, but nothing here ever ran on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import sqlglot
from sqlglot import ErrorLevel, exp

from revml.sources.functions import FUNCTIONS

Dialect = Literal["postgres", "spark", "snowflake", "bigquery", "databricks", "trino"]
# PostgreSQL cuts names off after 63 bytes, silently.
LONGEST_NAME = 63
# What PostgreSQL has no word for: `postgres.FUNCTIONS` makes these for the length of a session.
_TRY = {
    "DOUBLE": "try_double",
    "FLOAT": "try_double",
    "DECIMAL": "try_number",
    "BIGINT": "try_whole",
    "INT": "try_whole",
    "SMALLINT": "try_whole",
    "TINYINT": "try_whole",
    "BOOLEAN": "try_flag",
    "TIMESTAMP": "try_instant",
    "TIMESTAMPTZ": "try_instant",
    "TIMESTAMPNTZ": "try_instant",
    "DATE": "try_instant",
}


class Untranslatable(Exception):
    """A dialect has no words for some part of a statement."""


@lru_cache(maxsize=1024)
def translate(select: str, dialect: Dialect) -> str:
    """A SELECT of DuckDB's in another dialect.

    Raises:
        Untranslatable: that dialect cannot say it.

    >>> translate("SELECT TRY_CAST(t.n AS BIGINT) AS n FROM t", "trino")
    'SELECT TRY_CAST(t.n AS BIGINT) AS n FROM t'
    >>> translate("SELECT TRY_CAST(t.n AS BIGINT) AS n FROM t", "postgres")
    'SELECT CAST(PG_TEMP.TRY_WHOLE(CAST(t.n AS TEXT)) AS BIGINT) AS n FROM t'
    """
    return spoken(parsed(select), dialect)


def parsed(sql: str) -> exp.Expression:
    """A statement or expression of DuckDB's as a tree.

    Raises:
        Untranslatable: sqlglot does not understand it.
    """
    try:
        return sqlglot.parse_one(sql, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise Untranslatable(_first_line(error)) from None


def spoken(tree: exp.Expression, dialect: Dialect) -> str:
    """A tree as text of a dialect.

    Raises:
        Untranslatable: that dialect cannot say it.
    """
    if dialect in _MENDED:
        tree = _mended(tree.copy(), _MENDED[dialect])
    try:
        return str(tree.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE))
    except sqlglot.errors.SqlglotError as error:
        raise Untranslatable(_first_line(error)) from None


def short_name(name: str) -> str:
    """A name that PostgreSQL keeps whole; names that share a long beginning stay apart.

    >>> short_name("static_region")
    'static_region'
    >>> len(short_name("static_" + "x" * 80))
    49
    """
    if len(name.encode()) <= LONGEST_NAME:
        return name
    start = name.encode()[:40].decode(errors="ignore")
    return f"{start}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _mended(tree: Any, mend: Callable[[Any], Any]) -> Any:
    """A tree with each node replaced, the innermost first."""
    for node in reversed(list(tree.walk())):
        better = mend(node)
        if better is not node and node is tree:
            tree = better
        elif better is not node:
            node.replace(better)
    return tree


def _postgres(node: Any) -> Any:
    if isinstance(node, exp.Identifier) and len(node.name.encode()) > LONGEST_NAME:
        return exp.to_identifier(short_name(node.name), quoted=True)
    if isinstance(node, exp.TryCast):
        word = _TRY.get(node.to.this.name)
        if word is None:
            raise Untranslatable(f"TRY_CAST to {node.to.sql(dialect='duckdb')} on PostgreSQL")
        return exp.cast(_own(word, exp.cast(node.this, "TEXT")), node.to)
    if _is_exact(node):
        return exp.Cast(this=_own("exact", node.this), to=node.to)
    if isinstance(node, exp.Contains):
        return exp.GT(this=exp.StrPosition(this=node.this, substr=node.expression), expression=exp.Literal.number(0))
    if isinstance(node, exp.JSONExtract | exp.JSONExtractScalar):
        # JSON travels as text.
        node.set("this", exp.cast(node.this, "JSON"))
    if isinstance(node, exp.RegexpFullMatch):
        return exp.RegexpLike(this=node.this, expression=exp.Literal.string(f"^({node.expression.name})$"))
    if isinstance(node, exp.Anonymous):
        word = node.name.lower()
        if word == "isfinite":
            return _own("is_finite", *node.expressions)
        if word in (*FUNCTIONS, "error"):
            return _own(word, *node.expressions)
        if word == "strlen":
            return exp.Anonymous(this="OCTET_LENGTH", expressions=node.expressions)
    return node


def _spark(node: Any) -> Any:
    if _is_exact(node):
        # A float is rounded as DuckDB rounds it: half away from zero, of the number times 10,000.
        scaled = exp.Mul(this=exp.cast(node.this, "DOUBLE"), expression=_double(10000))
        rounded = exp.Cast(this=exp.Div(this=exp.Round(this=scaled), expression=_double(10000)), to=node.to)
        is_float = exp.EQ(
            this=exp.Anonymous(this="TYPEOF", expressions=[node.this]), expression=exp.Literal.string("double")
        )
        return exp.If(this=is_float, true=rounded, false=node.copy())
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        # Spark would make an instant with a zone of it.
        return exp.cast(node.copy(), exp.DataType.Type.TIMESTAMPNTZ)
    return node


def _is_exact(node: Any) -> bool:
    """Whether this makes a decimal of the four places that `features.sql.exact` gives."""
    if type(node) is not exp.Cast or node.to.this != exp.DataType.Type.DECIMAL:
        return False
    return [str(p) for p in node.to.expressions][1:] == ["4"]


def _double(number: int) -> exp.Expression:
    return exp.cast(exp.Literal.number(number), "DOUBLE")


def _own(word: str, *values: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=f"pg_temp.{word}", expressions=list(values))


_MENDED: dict[str, Callable[[Any], Any]] = {"postgres": _postgres, "spark": _spark, "databricks": _spark}


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
