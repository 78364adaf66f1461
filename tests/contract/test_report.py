"""What a check found, as data."""

from __future__ import annotations

import json

from revml.contract.report import CheckReport, OverLimit, TableReport
from revml.windows import instant

ORDERS = TableReport(
    table="orders",
    source="orders.csv",
    rows_in=110,
    filtered=10,
    accepted=90,
    duplicates=4,
    quarantined={"amount is missing": 5, "line is missing": 1},
    quarantine_file="quarantine/orders.parquet",
    limit=0.05,
    first=instant("2025-01-01"),
    last=None,
)
REPORT = CheckReport((ORDERS,), (), instant("2025-02-01"), "f" * 64)


def test_the_share_is_of_the_rows_that_were_judged() -> None:
    """Filtered rows are no part of it."""
    assert ORDERS.quarantined_share == 0.06
    assert REPORT.over_limit == (ORDERS,)


def test_a_table_without_rows_has_no_share() -> None:
    """Nothing of nothing is nothing."""
    empty = TableReport("usage", "usage.csv", 3, 3, 0, 0, {}, None, 0.0, None, None)
    assert empty.quarantined_share == 0
    assert not empty.over_limit


def test_the_report_is_plain_data() -> None:
    """It goes through JSON unchanged."""
    plain = REPORT.to_dict()
    assert json.loads(json.dumps(plain)) == json.loads(json.dumps(plain, default=str))
    assert plain["tables"][0]["first"] == "2025-01-01T00:00:00"
    assert plain["over_limit"] == ["orders"]


def test_the_error_names_the_table_the_reason_and_the_file() -> None:
    """And both ways out: mend, or allow more."""
    text = str(OverLimit(REPORT))
    for words in (
        "table orders",
        "6 of 100 rows",
        "amount is missing",
        "quarantine/orders.parquet",
        "quarantine_limit",
    ):
        assert words in text
