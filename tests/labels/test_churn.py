"""Churn: the last active subscription ends in the window and none starts within the grace period."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.labels.rows import UNTIL, decided, term
from tests.literal_facts import stage

# The window of 2026-01-01 with a horizon of 90 days is (2026-01-01, 2026-04-01].
AT = "2026-01-01"


@pytest.mark.parametrize(
    ("ended", "label"),
    [
        ("2026-01-01T00:00:01", 1),
        ("2026-04-01", 1),
        ("2026-04-01T00:00:01", 0),
        (None, 0),
    ],
)
def test_the_window_excludes_its_start_and_includes_its_end(tmp_path: Path, ended: str | None, label: int) -> None:
    """An end counts from just after the snapshot to the last instant of the window."""
    rows = [term("a", "2025-01-01", ended), term("other", "2025-01-01", "2025-02-01")]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": label}


def test_an_account_that_ended_at_the_snapshot_is_not_at_risk(tmp_path: Path) -> None:
    """Who ended exactly at `as_of` is gone already; who starts exactly then is at risk."""
    rows = [term("gone", "2025-01-01", "2026-01-01"), term("new", "2026-01-01")]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"new": 0}


def test_ends_in_the_gap_make_no_label(tmp_path: Path) -> None:
    """Accounts lost within the gap, its last instant included, have no label; the window then moves on by the gap."""
    rows = [
        term("in gap", "2025-01-01", "2026-01-08"),
        term("after gap", "2025-01-01", "2026-01-08T00:00:01"),
        term("at end", "2025-01-01", "2026-04-08"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT, gap_days=7) == {"in gap": None, "after gap": 1, "at end": 1}


def test_ending_one_of_several_subscriptions_is_no_churn(tmp_path: Path) -> None:
    """The account is lost when its last subscription ends, not before."""
    rows = [
        term("a", "2025-01-01", "2026-02-01", line="one"),
        term("a", "2025-01-01", line="two"),
        term("b", "2025-01-01", "2026-02-01", line="one"),
        term("b", "2025-01-01", "2026-03-01", line="two"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 0, "b": 1}


def test_a_subscription_inside_another_does_not_end_the_account(tmp_path: Path) -> None:
    """A short subscription within a long one neither ends the account nor hides its later end."""
    rows = [
        term("a", "2025-01-01", "2026-03-01", line="long"),
        term("a", "2026-01-05", "2026-01-20", line="short"),
        term("b", "2025-01-01", "2026-03-01", line="long"),
        term("b", "2026-01-05", "2026-01-20", line="short"),
        term("b", "2026-02-25", line="next"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 1, "b": 0}
    assert decided(facts, "churn", "2026-01-10", horizon_days=30) == {"a": 0, "b": 0}


@pytest.mark.parametrize(("back", "label"), [("2026-03-03", 0), ("2026-03-03T00:00:01", 1)])
def test_a_return_within_the_grace_period_undoes_the_end(tmp_path: Path, back: str, label: int) -> None:
    """A new subscription within 30 days of the end, the last instant included, is no churn; a later one is."""
    rows = [term("a", "2025-01-01", "2026-02-01", line="one"), term("a", back, line="two")]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": label}


def test_grace_reaches_beyond_the_window(tmp_path: Path) -> None:
    """An end in the window is undone by a return after the window but within the grace period."""
    rows = [term("a", "2025-01-01", "2026-04-01", line="one"), term("a", "2026-04-20", line="two")]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 0}


def test_a_pause_bridged_by_grace_does_not_hide_a_later_end(tmp_path: Path) -> None:
    """Who pauses, returns and then ends for good within the window has churned, at the second end."""
    rows = [
        term("a", "2025-01-01", "2026-01-10", line="one"),
        term("a", "2026-01-20", "2026-03-01", line="two"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 1}
    assert decided(facts, "churn", AT, horizon_days=30) == {"a": 0}


@pytest.mark.parametrize("follows", ["2026-02-01", "2026-02-01T00:00:01", "2026-02-02"])
def test_a_renewal_is_no_churn_even_without_grace(tmp_path: Path, follows: str) -> None:
    """A row of the same subscription that starts at the end, or within a day of it, renews it."""
    rows = [term("a", "2025-02-01", "2026-02-01"), term("a", follows, mrr=120.0)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT, grace_days=0) == {"a": 0}


def test_without_grace_another_subscription_must_follow_at_once(tmp_path: Path) -> None:
    """With no grace, a different subscription continues the account only if it starts by the end."""
    rows = [
        term("at once", "2025-01-01", "2026-02-01", line="one"),
        term("at once", "2026-02-01", line="two"),
        term("a day later", "2025-01-01", "2026-02-01", line="one"),
        term("a day later", "2026-02-02", line="two"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT, grace_days=0) == {"a day later": 1, "at once": 0}


def test_a_reactivated_account_churns_twice(tmp_path: Path) -> None:
    """After a return beyond the grace period the account is at risk again and can be lost again."""
    rows = [
        term("a", "2025-01-01", "2026-02-01", line="one"),
        term("a", "2026-05-01", "2026-07-01", line="two"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 1}
    assert decided(facts, "churn", "2026-03-01") == {}
    assert decided(facts, "churn", "2026-06-01") == {"a": 1}


def test_a_renewal_known_late_still_counts(tmp_path: Path) -> None:
    """A return that was booked late is seen by the label, though nobody knew of it in time."""
    rows = [
        term("a", "2025-01-01", "2026-02-01", line="one"),
        term("a", "2026-02-10", line="two", known_at="2026-11-01"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 0}


def test_a_row_known_after_the_end_of_the_data_does_not_count(tmp_path: Path) -> None:
    """What became known only after `observed_until` is out of sight for labels too."""
    rows = [
        term("a", "2025-01-01", "2026-02-01", line="one"),
        term("a", "2026-02-10", line="two", known_at="2027-02-01"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 1}


@pytest.mark.parametrize(("until", "label"), [("2026-04-30", None), ("2026-05-01", 1)])
def test_the_label_waits_for_window_and_grace(tmp_path: Path, until: str, label: int | None) -> None:
    """90 days of window and 30 of grace must have passed before a churn is final."""
    rows = [term("a", "2025-01-01", "2026-01-15")]
    facts = stage(tmp_path, observed_until=until, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": label}


def test_a_subscription_that_never_ran_is_no_subscription(tmp_path: Path) -> None:
    """A row that ends where it starts neither keeps an account alive nor brings it back."""
    rows = [
        term("a", "2025-01-01", "2026-03-25", line="one"),
        term("a", "2026-04-10", "2026-04-10", line="cancelled"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "churn", AT) == {"a": 1}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_products_that_begin_together_are_one_spell(tmp_path: Path, seed: int) -> None:
    """However rows of one instant happen to be sorted, an account with one or two products has one label."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(400):
        first, day = 2020 + int(rng.integers(0, 4)), f"{rng.integers(1, 13):02}-{rng.integers(1, 28):02}"
        for year in range(first, first + 3):
            for product in range(int(rng.integers(1, 3))):
                rows.append(term(f"a{i:03}", f"{year}-{day}", f"{year + 1}-{day}", line=str(product)))
    rng.shuffle(rows)
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert set(decided(facts, "churn", "2023-01-01").values()) <= {0, 1, None}
