"""Values become the contract's types or NULL, never something else; each rule of a table tells its reason."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revml.contract.checks import ENDS_AFTER, before, first_reason, row_rules, typed
from revml.contract.tables import TABLES, Column, ColumnType
from revml.windows import instant

CON = duckdb.connect()
CON.execute("SET TimeZone = 'UTC'")


def as_type(kind: ColumnType, value: str, source: str = "VARCHAR", *, zone: str | None = None) -> Any:
    """A value of a source type in the contract's type."""
    sql = typed(Column("x", kind), "v", source, timezone=zone)
    row = CON.execute(f"SELECT {sql} FROM (SELECT CAST(? AS {source}) AS v)", [value]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("integer", "12", 12),
        ("integer", " 12.0 ", 12),
        ("integer", "12.6", None),
        ("integer", "1e400", None),
        ("integer", "nan", None),
        ("integer", "", None),
        ("number", "1,5", None),
        ("number", "1_000", None),
        ("number", "-1.5e3", -1500.0),
        ("money", "12 EUR", None),
        ("flag", "yes", True),
        ("flag", "0", False),
        ("flag", "2", None),
        ("time", "31.12.2025", None),
        ("time", "2025-02-30", None),
        ("time", "1700000000", None),
        ("time", "2025-12-31", instant("2025-12-31")),
        ("time", "2025-12-31T10:00:00+02:00", instant("2025-12-31T08:00")),
        ("text", " as it is ", " as it is "),
    ],
)
def test_text_is_taken_for_no_more_than_it_says(kind: ColumnType, text: str, wanted: Any) -> None:
    """What is not clearly a value of the type is none."""
    assert as_type(kind, text) == wanted


@pytest.mark.parametrize(
    ("kind", "source", "value", "wanted"),
    [
        ("id", "DOUBLE", "12345", "12345"),
        ("id", "DOUBLE", "1.5", "1.5"),
        ("id", "BIGINT", "007", "7"),
        ("integer", "DOUBLE", "3.5", None),
        ("integer", "DECIMAL(8, 2)", "3.00", 3),
        ("number", "BOOLEAN", "true", None),
        ("money", "TIMESTAMP", "2025-01-01", None),
        ("flag", "BIGINT", "1", True),
        ("time", "DATE", "2025-01-01", instant("2025-01-01")),
        ("time", "TIMESTAMP_NS", "2025-01-01 00:00:00.5", instant("2025-01-01T00:00:00.5")),
        ("time", "TIMESTAMP WITH TIME ZONE", "2025-01-01 01:00:00+01", instant("2025-01-01")),
    ],
)
def test_types_of_the_source_are_respected(kind: ColumnType, source: str, value: str, wanted: Any) -> None:
    """Parquet's and databases' own types convert where nothing is lost, and not otherwise."""
    assert as_type(kind, value, source) == wanted


def test_a_date_is_midnight_in_utc_whatever_the_zone() -> None:
    """Only times of day are local."""
    assert as_type("time", "2025-07-01", zone="Europe/Prague") == instant("2025-07-01")
    assert as_type("time", "2025-07-01", "DATE", zone="Europe/Prague") == instant("2025-07-01")
    assert as_type("time", "2025-07-01 10:00", zone="Europe/Prague") == instant("2025-07-01T08:00")
    assert as_type("time", "2025-07-01 10:00", "TIMESTAMP", zone="Europe/Prague") == instant("2025-07-01T08:00")
    assert as_type("time", "2025-07-01 10:00Z", zone="Europe/Prague") == instant("2025-07-01T10:00")


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_as_text_comes_back_to_the_last_bit(number: float) -> None:
    """Python's shortest form reads back as the same double."""
    assert as_type("number", repr(number)) == number


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(min_value=instant("1900-01-02"), max_value=instant("2199-12-30")),
    st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_written_with_its_offset_comes_back_in_utc(moment: datetime, minutes: int) -> None:
    """Whatever the offset."""
    there = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert as_type("time", there.isoformat()) == there.astimezone(UTC).replace(tzinfo=None)


def test_midnight_of_the_same_day_is_not_before() -> None:
    """A date has no time of day, so it cannot contradict one."""
    sql = before("CAST(? AS TIMESTAMP)", "TIMESTAMP '2025-01-05 10:00'")
    told = [
        CON.execute(f"SELECT {sql}", [t, t]).fetchall()[0][0] for t in ("2025-01-05", "2025-01-05 09:00", "2025-01-04")
    ]
    assert told == [False, True, True]


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_rule_of_a_table_is_sql_with_a_reason_of_its_own(table: Any) -> None:
    """The rules of each table run, no reason stands twice, and a row in order breaks none."""
    value = {"id": "'x'", "text": "'x'", "time": "TIMESTAMP '2025-01-01'", "integer": "1", "flag": "true"}
    columns = [
        f"{value.get(c.type, str(float(c.minimum or 1)))} AS {c.name}, 'x' AS \"raw:{c.name}\""
        for c in table.by_name.values()
    ]
    rules = row_rules(table, set(table.by_name))
    assert len({rule.reason for rule in rules}) == len(rules)
    assert CON.execute(f"SELECT {first_reason(rules)} FROM (SELECT {', '.join(columns)})").fetchall() == [(None,)]


def test_ends_are_columns_of_the_contract() -> None:
    """Start and end of each pair exist in their table."""
    for table, pair in ENDS_AFTER.items():
        assert set(pair) <= set(TABLES[table].by_name)


def test_not_a_number_is_never_a_number() -> None:
    """NaN passes as a double and is caught by its rule."""
    assert math.isnan(as_type("number", "nan"))
    reasons = [rule.reason for rule in row_rules(TABLES["orders"], {"amount"})]
    assert "amount is not finite" in reasons
