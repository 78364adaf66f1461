"""Facts as they stood: nothing that became known later, nothing that ended later."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.sources.as_known import as_known
from revml.sources.facts import Facts
from revml.windows import instant
from tests.labels.rows import order, term
from tests.literal_facts import stage

AT = instant("2025-06-01")


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """Two contracts, one that ends later and one entered late; an order that was known late."""
    return stage(
        tmp_path,
        observed_until="2026-01-01",
        accounts=[{"account_id": a, "created_at": "2025-01-01"} for a in ("a", "b")],
        subscriptions=[
            term("a", "2025-01-01", "2025-09-01", renews_at="2026-01-01", end_reason="price"),
            term("b", "2025-02-01", "2025-03-01", known_at="2025-07-01"),
        ],
        orders=[order("a", "2025-05-01", known_at="2025-06-02")],
    )


def test_later_rows_and_ends_are_unknown(facts: Facts) -> None:
    """One open contract is left, with its renewal date and without its reason."""
    with as_known(facts, AT) as past:
        found = past.con.execute("SELECT account_id, ended_at, end_reason, renews_at FROM subscriptions").fetchall()
    assert found == [("a", None, None, instant("2026-01-01"))]


def test_tables_and_columns_are_those_of_the_day(facts: Facts) -> None:
    """Orders had no row and no contract had ended."""
    with as_known(facts, AT) as past:
        assert past.present == {"accounts", "subscriptions"}
        assert past.has("subscriptions", "renews_at")
        assert not past.has("subscriptions", "ended_at")
        assert past.observed_until == AT


def test_an_end_at_the_very_instant_is_known(facts: Facts) -> None:
    """`ended_at <= at`, known by then."""
    with as_known(facts, instant("2025-09-01")) as past:
        [(ended,)] = past.con.execute("SELECT ended_at FROM subscriptions WHERE account_id = 'a'").fetchall()
    assert ended == instant("2025-09-01")


def test_the_facts_themselves_stay_whole(facts: Facts) -> None:
    """Inside the block and after it."""
    count = "SELECT count(*), count(ended_at) FROM subscriptions"
    with as_known(facts, AT):
        assert facts.con.execute(count).fetchall() == [(2, 2)]
    assert facts.con.execute(count).fetchall() == [(2, 2)]
    assert facts.con.execute("SELECT count(*) FROM duckdb_schemas() WHERE schema_name LIKE 'known%'").fetchall() == [
        (0,)
    ]
