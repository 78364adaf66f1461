"""Contacts, opportunities and actions on literal rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.one_account import features_of


def test_contacts_by_side_and_kind(tmp_path: Path) -> None:
    """Who contacted whom, how often, and how long ago."""
    touches = [
        {"occurred_at": "2025-03-20", "channel": "email", "direction": "outbound"},
        {"occurred_at": "2025-03-10", "channel": "call", "direction": "Inbound"},
        {"occurred_at": "2024-12-20", "channel": "email", "direction": "inbound"},
    ]
    found = features_of(tmp_path, "2025-04-01", touches=touches)
    assert (found["touches_28d"], found["inbound_touches_84d"], found["outbound_touches_84d"]) == (2, 1, 1)
    assert (found["meetings_84d"], found["days_since_touch"], found["days_since_inbound_touch"]) == (1, 12, 22)
    assert found["touches_trend_84d"] == pytest.approx(2)
    assert found["inbound_share_364d"] == pytest.approx(2 / 3)


DEAL = {"opportunity_id": "d", "stage": "offer", "entered_at": "2025-03-01", "left_at": "2025-04-15", "amount": 900.0}


def test_a_deal_is_open_until_its_outcome_is_known(tmp_path: Path) -> None:
    """The stage it stands in, since when, and for how much."""
    first = DEAL | {"stage": "qualified", "entered_at": "2025-02-01", "left_at": "2025-03-01"}
    won = DEAL | {"stage": "Closed won", "entered_at": "2025-04-15", "left_at": None}
    found = features_of(tmp_path / "open", "2025-04-01", opportunities=[first, DEAL, won])
    assert (found["deals_open"], found["deal_amount_open"], found["days_in_stage"]) == (1, 900, 31)
    assert (found["deal_age_days"], found["deals_begun_84d"], found["deals_won_364d"]) == (59, 1, 0)
    done = features_of(tmp_path / "won", "2025-05-01", opportunities=[first, DEAL, won])
    assert (done["deals_open"], done["deals_won_364d"], done["deal_amount_won_364d"]) == (0, 1, 900)
    assert done["days_since_deal_won"] == 16


def test_a_deal_that_left_its_stage_for_none_is_not_open(tmp_path: Path) -> None:
    """A deal that was dropped without a word is no deal in progress."""
    assert features_of(tmp_path, "2025-05-01", opportunities=[DEAL])["deals_open"] == 0


LINE = {"subscription_id": "s", "product": "p", "quantity": 5.0, "mrr": 100.0, "started_at": "2024-06-01"}


def test_a_renewal_on_offer_is_no_deal_for_more(tmp_path: Path) -> None:
    """Its quote stands against a year of today's price, a deal for more by itself; both end with their outcome."""
    renewal = {"opportunity_id": "r", "stage": "Renewal", "entered_at": "2025-03-10", "left_at": "2025-04-20"}
    renewed = renewal | {"stage": "won", "entered_at": "2025-04-20", "left_at": None}
    rows = [renewal | {"amount": 1260.0}, renewed | {"amount": 1260.0}, DEAL | {"amount": 300.0}]
    found = features_of(tmp_path / "open", "2025-04-01", opportunities=rows, subscriptions=[LINE])
    assert (found["deals_open"], found["growth_deals_open"], found["renewals_offered"]) == (2, 1, 1)
    assert found["renewal_quote_ratio"] == pytest.approx(1.05)
    assert found["growth_deal_ratio"] == pytest.approx(0.25)
    assert (found["renewal_offer_age_days"], found["growth_deal_age_days"]) == (22, 31)
    done = features_of(tmp_path / "done", "2025-05-01", opportunities=rows, subscriptions=[LINE])
    assert (done["renewals_offered"], done["renewal_quote_ratio"], done["growth_deal_ratio"]) == (0, None, None)
    assert (done["days_since_deal_won"], done["days_since_growth_deal_won"]) == (11, None)


def test_hold_outs_do_not_count_as_plays(tmp_path: Path) -> None:
    """What was not done to the account is no feature, nor is the flag."""
    play = {"action_id": "1", "assigned_at": "2025-03-20", "play": "call", "holdout": False, "done_at": "2025-04-10"}
    kept_out = play | {"action_id": "2", "holdout": True}
    found = features_of(tmp_path, "2025-04-01", actions=[play, kept_out])
    assert (found["plays_28d"], found["plays_open"], found["plays_done_364d"]) == (1, 1, 0)
    assert not any("holdout" in name for name in found)
