"""The features of an account and a thing that it does not have (`item`): what is declared; `pairs` makes them."""

from __future__ import annotations

from revml.features.spec import Feature

PAIR_FEATURES: tuple[Feature, ...] = (
    Feature("item_share", "share", "demand", "good"),
    Feature("item_start_rate_84d", "share", "demand", "good", window_days=84),
    Feature("item_last_start_days", "days", "demand", "bad"),
    Feature("item_peer_share", "share", "fit", "good"),
    Feature("item_affinity", "share", "fit", "good"),
    Feature("item_lift", "ratio", "fit", "good"),
    Feature("item_goes_with", "count", "fit", "good"),
    Feature("item_complement", "flag", "fit", "good", zero=True, needs=(("products", "complements"),)),
    Feature("item_had_before", "flag", "breadth", "good", zero=True),
    Feature("item_left_days", "days", "breadth", "bad"),
    Feature("families_owned", "count", "breadth", "good"),
    Feature("item_money", "money", "price"),
    Feature("item_price_to_usual", "ratio", "price", "bad"),
)
# The same for all accounts, so that comparing an account with similar ones says nothing.
OF_ITEM = frozenset({"item_share", "item_start_rate_84d", "item_last_start_days", "item_money"})
