"""Contract features on literal rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.one_account import features_of

FIRST = {
    "subscription_id": "s1",
    "product": "crm",
    "plan": "basic",
    "quantity": 10.0,
    "mrr": 100.0,
    "started_at": "2025-01-01",
    "ended_at": "2025-06-01",
    "renews_at": "2026-01-01",
    "notice_days": 60,
    "billing_months": 12,
    "auto_renew": True,
}
SECOND = FIRST | {"started_at": "2025-06-01", "ended_at": None, "quantity": 12.0, "mrr": 150.0, "plan": "pro"}
MODULE = FIRST | {"subscription_id": "s2", "product": "bi", "mrr": 50.0, "quantity": 1.0, "ended_at": "2025-10-01"}


def test_mrr_adds_up_what_is_active(tmp_path: Path) -> None:
    """MRR and seats are those of the periods that run at as_of."""
    found = features_of(tmp_path, "2025-09-01", subscriptions=[FIRST, SECOND, MODULE])
    assert (found["mrr"], found["seats"], found["subscriptions_active"], found["products_active"]) == (200, 13, 2, 2)
    assert found["largest_subscription_share"] == pytest.approx(0.75)


def test_a_subscription_ends_at_its_end(tmp_path: Path) -> None:
    """At the instant of its end a subscription is no longer active, a microsecond before it still is."""
    rows = [FIRST, SECOND, MODULE]
    assert features_of(tmp_path / "at", "2025-10-01", subscriptions=rows)["mrr"] == 150
    before = features_of(tmp_path / "before", "2025-09-30T23:59:59.999999", subscriptions=rows)
    assert (before["mrr"], before["subscriptions_ended_364d"]) == (200, 0)


def test_trends_compare_with_the_own_past(tmp_path: Path) -> None:
    """MRR, seats and price per seat stand against what they were 84 and 182 days before."""
    found = features_of(tmp_path, "2025-08-01", subscriptions=[FIRST, SECOND])
    assert found["mrr_trend_84d"] == pytest.approx(1.5)
    assert found["seats_trend_84d"] == pytest.approx(1.2)
    assert found["price_trend_84d"] == pytest.approx((150 / 12) / (100 / 10))
    assert found["mrr_trend_364d"] is None


def test_changes_of_terms_are_counted_by_kind(tmp_path: Path) -> None:
    """A step up is an expansion, more seats and a dearer seat; a new subscription and an ended one are told apart."""
    found = features_of(tmp_path, "2025-11-01", subscriptions=[FIRST, SECOND, MODULE])
    counts = {k: found[f"{k}_364d"] for k in ("expansions", "contractions", "price_increases", "seat_increases")}
    assert counts == {"expansions": 1, "contractions": 0, "price_increases": 1, "seat_increases": 1}
    assert (found["subscriptions_started_364d"], found["subscriptions_ended_364d"]) == (2, 1)
    assert found["expansions_84d"] == 0


def test_the_renewal_calendar(tmp_path: Path) -> None:
    """Days to the next renewal, and whether notice may no longer be given in time."""
    far = features_of(tmp_path / "far", "2025-11-01", subscriptions=[SECOND])
    assert (far["days_to_renewal"], far["in_notice_period"], far["mrr_renewing_share_84d"]) == (61, 0, 1.0)
    near = features_of(tmp_path / "near", "2025-11-02", subscriptions=[SECOND])
    assert (near["days_to_renewal"], near["in_notice_period"], near["notice_days"]) == (60, 1, 60)


def test_a_renewal_that_passed_is_not_the_next_one(tmp_path: Path) -> None:
    """Without a known renewal ahead the days to it are unknown."""
    assert features_of(tmp_path, "2026-02-01", subscriptions=[SECOND])["days_to_renewal"] is None


def test_the_largest_subscription_speaks_for_the_terms(tmp_path: Path) -> None:
    """Plan, billing rhythm and automatic renewal are those of the subscription that pays most."""
    found = features_of(tmp_path, "2025-09-01", subscriptions=[SECOND, MODULE | {"plan": "addon", "billing_months": 1}])
    assert (found["plan"], found["main_product"], found["billing_months"], found["auto_renew"]) == ("pro", "crm", 12, 1)
    assert found["contract_age_days"] == 243


def test_the_highest_tier_counts(tmp_path: Path) -> None:
    """Tier is the highest among active products."""
    products = [{"product": "crm", "tier": 3}, {"product": "bi", "tier": 1}]
    assert features_of(tmp_path, "2025-09-01", subscriptions=[SECOND, MODULE], products=products)["tier"] == 3


def test_before_the_first_subscription_there_is_no_revenue(tmp_path: Path) -> None:
    """Sums and counts are 0, ratios and terms unknown, the flag says no."""
    found = features_of(tmp_path, "2024-12-31", subscriptions=[FIRST])
    assert (found["mrr"], found["subscriptions_active"], found["has_contract"]) == (0, 0, 0)
    assert (found["price_per_seat"], found["plan"], found["contract_age_days"]) == (None, None, None)


def test_a_period_known_late_is_compared_once_it_is_known(tmp_path: Path) -> None:
    """A step between two known periods is no step until it is known."""
    step = FIRST | {"started_at": "2025-03-01", "mrr": 500.0, "known_at": "2025-09-15"}
    rows = [FIRST | {"ended_at": "2025-03-01"}, step, SECOND]
    early = features_of(tmp_path / "early", "2025-09-14", subscriptions=rows)
    late = features_of(tmp_path / "late", "2025-09-15", subscriptions=rows)
    assert (early["contractions_364d"], late["contractions_364d"]) == (0, 1)
