"""Short ways to write a subscription or an order by hand, and to read what a question makes of an account."""

from __future__ import annotations

from typing import Any

import pandas as pd

from revml.config import QuestionName, QuestionSpec
from revml.labels import label
from revml.snapshots import population
from revml.sources.facts import Facts
from revml.windows import instant

UNTIL = "2027-01-01"


def term(
    account: str, started: str, ended: str | None = None, *, line: str = "s", mrr: float = 100.0, **more: Any
) -> Any:
    """One row of `subscriptions`; rows of one account share a subscription unless `line` differs."""
    row = {
        "subscription_id": f"{account}-{line}",
        "started_at": started,
        "account_id": account,
        "product": "p",
        "quantity": 1.0,
        "mrr": mrr,
        "ended_at": ended,
    }
    return row | more


def change(account: str, before: dict[str, Any], after: dict[str, Any], at: str = "2026-02-01") -> list[Any]:
    """One subscription whose terms change."""
    return [term(account, "2025-01-01", at, **before), term(account, at, **after)]


def order(account: str, at: str, amount: float = 100.0, quantity: float = 1.0, **more: Any) -> Any:
    """One line of `orders`."""
    row = {"order_id": f"{account}-{at}-{amount}", "line": 1, "ordered_at": at, "account_id": account, "product": "p"}
    return row | {"quantity": quantity, "amount": amount} | more


def machine(account: str, asset: str, installed: str, retired: str | None = None, **more: Any) -> Any:
    """One row of `assets`, of the product `mill` unless told otherwise."""
    row = {"asset_id": asset, "account_id": account, "installed_at": installed, "product": "mill"}
    return row | {"retired_at": retired} | more


def decided(facts: Facts, question: QuestionName, as_of: str, **definition: Any) -> dict[str, int | None]:
    """The label of each account at risk at `as_of`; None where there is none."""
    spec = QuestionSpec(**definition)
    return labels_of(label(facts, question, spec, population(facts, question, spec, [instant(as_of)])))


def labels_of(rows: pd.DataFrame) -> dict[str, int | None]:
    """account -> label of a frame with one snapshot."""
    return {a: None if pd.isna(v) else int(v) for a, v in zip(rows["account_id"], rows["label"], strict=True)}
