"""Snapshots: dates, and who is at risk as far as was known then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revml.config import QUESTIONS, QuestionSpec, SnapshotSpec
from revml.labels import question_named
from revml.snapshots import first_snapshot, population, renewal_snapshots, snapshot_dates
from revml.sources.facts import Facts
from revml.windows import instant
from tests.features.test_nothing_after_as_of import AS_OFS, COMPANY, EXTRAS, HAPPENED, MUTATIONS
from tests.labels.rows import UNTIL, machine, order, term
from tests.literal_facts import stage

AT = instant("2026-01-01")


def _at_risk(facts: Facts, question: str, **definition: int) -> list[str]:
    rows = population(facts, question, QuestionSpec(**definition), [AT])  # type: ignore[arg-type]
    return list(rows["account_id"])


def _days(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [(a, str(at.date())) for a, at in zip(rows["account_id"], rows["as_of"], strict=True)]


def test_months_weeks_and_chosen_dates() -> None:
    """Month starts, or Mondays, and chosen dates beside them, once each and in order."""
    first, last = instant("2026-01-01"), instant("2026-02-02")
    monthly = snapshot_dates(SnapshotSpec(dates=("2026-01-15", "2026-02-01")), first, last)
    assert [str(d.date()) for d in monthly] == ["2026-01-01", "2026-01-15", "2026-02-01"]
    weekly = snapshot_dates(SnapshotSpec(every="week"), first, last)
    assert [str(d.date()) for d in weekly] == ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02"]
    chosen = snapshot_dates(SnapshotSpec(every="none", dates=("2026-01-15",)), first, last)
    assert [str(d.date()) for d in chosen] == ["2026-01-15"]


def test_the_workspace_narrows_the_span() -> None:
    """`first` and `last` of the workspace bound all dates; chosen dates never pass the end of the data."""
    spec = SnapshotSpec(first="2026-02-01", last="2026-03-15", dates=("2026-01-10", "2026-02-10", "2026-04-10"))
    dates = snapshot_dates(spec, instant("2020-01-01"), instant("2026-12-31"))
    assert [str(d.date()) for d in dates] == ["2026-02-01", "2026-02-10", "2026-03-01"]


def test_a_week_starts_at_midnight_after_an_odd_instant() -> None:
    """A first instant within a Monday begins with the next one."""
    dates = snapshot_dates(SnapshotSpec(every="week"), instant("2026-01-05T10:00:00"), instant("2026-01-12"))
    assert dates == [instant("2026-01-12")]


@pytest.mark.parametrize("question", ["churn", "contraction", "upsell", "upsell_seats"])
def test_contract_questions_ask_accounts_with_an_active_subscription(tmp_path: Path, question: str) -> None:
    """Active: started by the snapshot and not ended by it; an end that lies ahead is not known yet."""
    rows = [
        term("active", "2025-01-01"),
        term("ends later", "2025-01-01", "2026-01-02"),
        term("ended at the snapshot", "2025-01-01", "2026-01-01"),
        term("starts at the snapshot", "2026-01-01"),
        term("starts later", "2026-01-01T00:00:01"),
        term("known later", "2025-01-01", known_at="2026-01-01T00:00:01"),
        term("known at the snapshot", "2025-01-01", known_at="2026-01-01"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    expected = ["active", "ends later", "known at the snapshot", "starts at the snapshot"]
    assert _at_risk(facts, question) == expected


def test_lapse_asks_accounts_that_ordered_within_the_look_back(tmp_path: Path) -> None:
    """A positive order in `(as_of - lookback, as_of]`, known by then."""
    rows = [
        order("at the snapshot", "2026-01-01"),
        order("just within", "2025-10-03T00:00:01"),
        order("just without", "2025-10-03"),
        order("later", "2026-01-01T00:00:01"),
        order("known later", "2025-12-01", known_at="2026-01-02"),
        order("return", "2025-12-01", -10.0, -1.0),
        order("free", "2025-12-01", 0.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert _at_risk(facts, "lapse", lookback_days=90) == ["at the snapshot", "just within"]


def test_growth_also_asks_for_something_to_grow_from(tmp_path: Path) -> None:
    """Beside the look-back, the net amount of the horizon's length before must be positive."""
    rows = [
        order("recent", "2025-12-01"),
        order("old", "2025-09-01"),
        order("netted", "2025-12-01", 0.1),
        order("netted", "2025-12-02", 0.2),
        order("netted", "2025-12-03", -0.3, -1.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert _at_risk(facts, "growth") == ["recent"]
    assert _at_risk(facts, "lapse") == ["netted", "old", "recent"]


def test_money_is_a_year_of_the_relation(tmp_path: Path) -> None:
    """12 × MRR of what is active, or the net order amount of 365 days, never below zero."""
    facts = stage(
        tmp_path,
        observed_until=UNTIL,
        subscriptions=[
            term("a", "2025-01-01", mrr=100.0),
            term("a", "2025-06-01", line="two", mrr=50.0),
            term("a", "2024-01-01", "2025-01-01", line="old", mrr=999.0),
        ],
        orders=[
            order("b", "2025-01-01", 1000.0),
            order("b", "2025-01-01T00:00:01", 10.0),
            order("b", "2025-12-01", 5.5),
            order("b", "2025-12-02", -1.5, -1.0),
            order("c", "2025-12-01", 10.0),
            order("c", "2025-12-02", -30.0, -1.0),
        ],
    )
    contract = population(facts, "churn", QuestionSpec(), [AT])
    assert dict(zip(contract["account_id"], contract["money"], strict=True)) == {"a": 1800.0}
    orders = population(facts, "lapse", QuestionSpec(lookback_days=400), [AT])
    assert dict(zip(orders["account_id"], orders["money"], strict=True)) == {"b": 14.0, "c": 0.0}


def test_population_is_sorted_and_has_each_pair_once(tmp_path: Path) -> None:
    """One row an account and instant, by time and then by account, whatever order the instants came in."""
    rows = [term("b", "2025-01-01"), term("b", "2025-01-01", line="two"), term("a", "2025-01-01")]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    later = instant("2026-02-01")
    found = population(facts, "churn", QuestionSpec(), [later, AT, AT])
    assert _days(found) == [("a", "2026-01-01"), ("b", "2026-01-01"), ("a", "2026-02-01"), ("b", "2026-02-01")]
    assert str(found["as_of"].dtype) == "datetime64[us]"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.__name__)
def test_the_future_moves_nobody_at_risk(tmp_path: Path, mutation: Any) -> None:
    """Every table mutated at once beyond the snapshot leaves everyone at risk of every question, and their money."""
    for n, as_of in enumerate(AS_OFS):
        mutated = {name: mutation(rows, name, as_of) if name in HAPPENED else rows for name, rows in COMPANY.items()}
        before = stage(tmp_path / f"{n}before", extras=EXTRAS, **COMPANY)
        after = stage(tmp_path / f"{n}after", extras=EXTRAS, **mutated)
        for question in map(question_named, QUESTIONS):
            found = population(before, question, QuestionSpec(), [as_of])
            assert len(found), question
            pd.testing.assert_frame_equal(found, population(after, question, QuestionSpec(), [as_of]))


def test_assets_are_looked_at_from_when_anything_else_is_recorded(tmp_path: Path) -> None:
    """Machines of long ago do not begin the history: attach waits for contracts, replacement for any other relation."""
    facts = stage(
        tmp_path,
        observed_until=UNTIL,
        assets=[machine("a", "1", "2018-01-01")],
        orders=[order("a", "2024-01-01")],
        subscriptions=[term("a", "2025-01-01")],
    )
    assert first_snapshot(facts, "attach", QuestionSpec()) == instant("2025-03-26")
    assert first_snapshot(facts, "replacement", QuestionSpec()) == instant("2024-03-25")
    alone = stage(tmp_path / "2", observed_until=UNTIL, assets=[machine("a", "1", "2024-01-01")])
    assert first_snapshot(alone, "replacement", QuestionSpec()) == instant("2024-03-25")


def test_snapshots_before_a_renewal(tmp_path: Path) -> None:
    """Fixed days before each renewal at midnight, if the contract was active and its renewal known by then."""
    rows = [
        term("a", "2025-03-01", renews_at="2026-03-01T15:00:00"),
        term("ended before", "2025-03-01", "2025-12-01", renews_at="2026-03-01"),
        term("started after", "2026-02-20", renews_at="2026-03-01"),
        term("known after", "2025-03-01", renews_at="2026-03-01", known_at="2026-01-15"),
        term("no date", "2025-03-01"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    spec = SnapshotSpec(before_renewal_days=(30, 60))
    found = renewal_snapshots(facts, spec, instant("2025-01-01"), instant(UNTIL))
    assert _days(found) == [("a", "2025-12-31"), ("a", "2026-01-30"), ("known after", "2026-01-30")]
    assert list(found["money"]) == [1200.0] * 3
    assert _days(renewal_snapshots(facts, spec, instant("2026-01-30"), instant(UNTIL))) == _days(found)[1:]


def test_two_renewals_on_a_day_are_one_snapshot(tmp_path: Path) -> None:
    """An account with two contracts that renew on the same day is looked at once, with the money of both."""
    rows = [term("a", "2025-03-01", line=n, renews_at="2026-03-01") for n in ("one", "two")]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    found = renewal_snapshots(facts, SnapshotSpec(before_renewal_days=(30,)), instant("2025-01-01"), instant(UNTIL))
    assert (_days(found), list(found["money"])) == ([("a", "2026-01-30")], [2400.0])


def test_snapshots_begin_84_days_after_the_first_fact(tmp_path: Path) -> None:
    """Trailing windows need their past; the relation's own table counts."""
    facts = stage(
        tmp_path,
        observed_until=UNTIL,
        subscriptions=[term("a", "2024-01-01")],
        orders=[order("a", "2025-01-01")],
    )
    assert first_snapshot(facts, "churn", QuestionSpec()) == instant("2024-03-25")
    assert first_snapshot(facts, "lapse", QuestionSpec()) == instant("2025-03-26")


def test_snapshots_wait_for_usage_where_there_is_room(tmp_path: Path) -> None:
    """Time before usage was recorded is left out, unless too little would be left to learn from."""
    subscriptions = [term("a", "2023-01-01")]
    for name, first_use, expected in (("1", "2025-01-01", "2025-03-26"), ("2", "2026-06-01", "2023-03-26")):
        usage = [{"account_id": "a", "occurred_at": first_use, "event": "open"}]
        facts = stage(tmp_path / name, observed_until=UNTIL, subscriptions=subscriptions, usage=usage)
        assert first_snapshot(facts, "churn", QuestionSpec()) == instant(expected)


def test_five_years_are_looked_at(tmp_path: Path) -> None:
    """A first fact decades ago does not make decades of snapshots."""
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=[term("a", "1990-01-01")])
    assert first_snapshot(facts, "churn", QuestionSpec()) == instant("2022-01-02")
