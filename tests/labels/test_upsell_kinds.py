"""Kinds of upsell: more seats, a higher tier, a further product, each with an MRR that is not lower."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from revml.config import UPSELL_KINDS
from revml.labels import answerable
from tests.labels.rows import UNTIL, change, decided, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]
PRODUCTS = [
    {"product": "basic", "family": "suite", "tier": 1},
    {"product": "pro", "family": "suite", "tier": 2},
    {"product": "reports", "family": "modules", "tier": 3},
    {"product": "maps", "family": "modules", "tier": 4},
    {"product": "old", "family": "suite"},
    {"product": "loose", "tier": 9},
]


def _kinds(folder: Path, rows: list[Any], *, products: bool = True, **definition: Any) -> dict[str, str]:
    """Which kinds each account had, by their first letters; `-` for none and `?` where the question does not apply."""
    more = {"products": PRODUCTS} if products else {}
    facts = stage(folder, observed_until=UNTIL, subscriptions=rows, **more)
    found = {kind: decided(facts, kind, AT, **definition) for kind in UPSELL_KINDS}
    accounts = found["upsell_seats"]
    letters = {kind: kind.removeprefix("upsell_")[0] for kind in UPSELL_KINDS}
    told = {a: "".join(letters[k] for k in UPSELL_KINDS if found[k][a] == 1) or "-" for a in accounts}
    return {a: "?" if all(found[k][a] is None for k in UPSELL_KINDS) else told[a] for a in accounts}


def test_more_seats_of_the_same_product(tmp_path: Path) -> None:
    """More seats count unless MRR falls or nothing is paid; fewer seats at a higher price are none."""
    rows = [
        *change("more", {"quantity": 10.0}, {"quantity": 11.0, "mrr": 110.0}),
        *change("discount", {"quantity": 10.0}, {"quantity": 20.0, "mrr": 100.0}),
        *change("cheaper", {"quantity": 10.0}, {"quantity": 20.0, "mrr": 99.0}),
        *change("free", {"quantity": 10.0, "mrr": 0.0}, {"quantity": 20.0, "mrr": 0.0}),
        *change("dearer", {"quantity": 10.0}, {"quantity": 9.0, "mrr": 120.0}),
        *change("same", {"quantity": 10.0}, {"quantity": 10.0, "mrr": 120.0}),
    ]
    expected = {"cheaper": "-", "dearer": "-", "discount": "s", "free": "-", "more": "s", "same": "-"}
    assert _kinds(tmp_path, rows) == expected


def test_seats_are_counted_over_all_subscriptions_of_a_product(tmp_path: Path) -> None:
    """Seats that move between subscriptions are no more seats; a second subscription to the product is more."""
    rows = [
        *change("moved", {"quantity": 10.0}, {"quantity": 6.0, "mrr": 60.0}),
        term("moved", "2026-02-01", line="two", quantity=4.0, mrr=40.0),
        term("second", "2025-01-01", quantity=10.0),
        term("second", "2026-02-01", line="two", quantity=4.0, mrr=40.0),
    ]
    assert _kinds(tmp_path, rows) == {"moved": "-", "second": "s"}


def test_a_higher_tier_of_the_same_family(tmp_path: Path) -> None:
    """The product of the subscription is of a higher tier of its family; a lower one, or a lower MRR, is none."""
    rows = [
        *change("up", {"product": "basic"}, {"product": "pro", "mrr": 150.0}),
        *change("up with fewer seats", {"product": "basic", "quantity": 10.0}, {"product": "pro", "quantity": 5.0}),
        *change("up and smaller", {"product": "basic"}, {"product": "pro", "mrr": 90.0}),
        *change("down", {"product": "pro"}, {"product": "basic", "mrr": 150.0}),
    ]
    expected = {"down": "-", "up": "t", "up and smaller": "-", "up with fewer seats": "t"}
    assert _kinds(tmp_path, rows) == expected


def test_a_product_may_give_way_under_another_subscription(tmp_path: Path) -> None:
    """A source that gives a new plan a new subscription is understood where the old product is gone."""
    rows = [
        term("up", "2025-01-01", "2026-02-01", product="basic"),
        term("up", "2026-02-01", line="new", product="pro", mrr=150.0),
        term("one of two", "2025-01-01", line="a", product="basic"),
        *change("one of two", {"product": "basic"}, {"product": "pro", "mrr": 150.0}),
    ]
    found = _kinds(tmp_path, rows)
    assert found["up"] == "t"
    assert "t" in found["one of two"]


def test_a_higher_tier_beside_the_old_one_is_a_module(tmp_path: Path) -> None:
    """A further product is no move of the old one, whatever tiers both have."""
    rows = [
        term("adds", "2025-01-01", product="reports"),
        term("adds", "2026-02-01", line="two", product="maps", mrr=50.0),
    ]
    assert _kinds(tmp_path, rows) == {"adds": "m"}


@pytest.mark.parametrize("products", [True, False])
def test_where_tiers_do_not_tell_the_price_of_a_seat_does(tmp_path: Path, products: bool) -> None:
    """Another plan of a product, or a product without a tier: up where a seat costs more."""
    rows = [
        *change("plan", {"product": "old", "plan": "a"}, {"product": "old", "plan": "b", "mrr": 130.0}),
        *change("plan named", {"product": "old"}, {"product": "old", "plan": "b", "mrr": 130.0}),
        *change("product", {"product": "old"}, {"product": "pro", "mrr": 130.0}),
        *change("same plan", {"product": "old", "plan": "a"}, {"product": "old", "plan": "a", "mrr": 130.0}),
        *change(
            "more seats",
            {"product": "old", "plan": "a", "quantity": 10.0},
            {"product": "old", "plan": "b", "quantity": 20.0, "mrr": 150.0},
        ),
        *change("no seats", {"product": "old", "plan": "a", "quantity": 0.0}, {"product": "old", "plan": "b"}),
    ]
    expected = {"more seats": "s", "no seats": "s", "plan": "t", "plan named": "t", "product": "t", "same plan": "-"}
    assert _kinds(tmp_path, rows, products=products) == expected


def test_a_further_product_while_the_old_ones_stay(tmp_path: Path) -> None:
    """A product that the account did not have, beside all that it had; one that takes another's place is none."""
    rows = [
        term("adds", "2025-01-01", product="basic"),
        term("adds", "2026-02-01", line="two", product="maps", mrr=20.0),
        term("swaps", "2025-01-01", product="basic"),
        term("swaps", "2025-01-01", "2026-02-01", line="two", product="reports", mrr=20.0),
        term("swaps", "2026-02-01", line="three", product="maps", mrr=20.0),
        term("again", "2025-01-01", product="basic"),
        term("again", "2024-01-01", "2025-06-01", line="two", product="maps", mrr=20.0),
        term("again", "2026-02-01", line="two", product="maps", mrr=20.0),
        term("same product", "2025-01-01", product="basic"),
        term("same product", "2026-02-01", line="two", product="basic", mrr=20.0),
        term("cheaper", "2025-01-01", "2026-02-01", product="basic"),
        term("cheaper", "2026-02-01", product="basic", mrr=70.0),
        term("cheaper", "2026-02-01", line="two", product="maps", mrr=20.0),
    ]
    expected = {"adds": "m", "again": "m", "cheaper": "-", "same product": "s", "swaps": "t"}
    assert _kinds(tmp_path, rows) == expected


@pytest.mark.parametrize(
    ("at", "kind"),
    [("2026-01-01", "-"), ("2026-01-01T00:00:01", "s"), ("2026-04-01", "s"), ("2026-04-01T00:00:01", "-")],
)
def test_a_change_belongs_to_the_window_that_ends_with_it(tmp_path: Path, at: str, kind: str) -> None:
    """A change at the snapshot is the base; one at the very end of the window counts."""
    rows = change("a", {"quantity": 1.0}, {"quantity": 2.0, "mrr": 200.0}, at=at)
    assert _kinds(tmp_path, rows) == {"a": kind}


def test_what_was_lost_or_lies_in_the_gap_is_none(tmp_path: Path) -> None:
    """Growth of an account that leaves is none; one within the gap is the base; lost in the gap cannot be asked."""
    rows = [
        term("lost", "2025-01-01", "2026-02-01"),
        term("lost", "2026-02-01", "2026-03-01", quantity=9.0, mrr=900.0),
        *change("in gap", {}, {"quantity": 2.0, "mrr": 200.0}, at="2026-01-05"),
        term("lost in gap", "2025-01-01", "2026-01-05"),
    ]
    assert _kinds(tmp_path, rows, gap_days=7) == {"in gap": "-", "lost": "-", "lost in gap": "?"}


def test_a_plan_or_a_tier_is_needed_to_tell_a_move(tmp_path: Path) -> None:
    """Seats and modules need nothing beside subscriptions; a tier needs `products.tier` or `subscriptions.plan`."""
    rows = [term("a", "2025-01-01", "2026-01-01")]
    assert "upsell_tier" not in answerable(stage(tmp_path / "1", subscriptions=rows))
    planned = [row | {"plan": "gold"} for row in rows]
    assert set(UPSELL_KINDS) <= set(answerable(stage(tmp_path / "2", subscriptions=planned)))
    assert set(UPSELL_KINDS) <= set(answerable(stage(tmp_path / "3", subscriptions=rows, products=PRODUCTS)))
