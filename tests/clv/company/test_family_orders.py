"""Orders by product family."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revml.clv.company.family_orders import family_history, family_orders
from revml.clv.company.family_trials import FamilyTrial, families_of, series_weight
from revml.clv.flows import RelationFlows
from revml.clv.relations import Relation
from revml.clv.value import MONTH_SECONDS
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, order
from tests.literal_facts import stage

MONTH = timedelta(seconds=MONTH_SECONDS)
PRODUCTS = [
    {"product": "screw", "family": "fasteners"},
    {"product": "bolt", "family": "fasteners"},
    {"product": "ring", "family": "seals"},
    {"product": "odd", "family": None},
]


def bought(account: str, months_ago: float, amount: float, product: str, **values: Any) -> dict[str, Any]:
    """An order so many months before as_of."""
    at = (AS_OF - months_ago * MONTH).isoformat()
    return {**order(account, at, amount), "product": product, **values}


def staged(folder: Path, *rows: dict[str, Any]) -> Facts:
    """Orders with their products; one of nothing begins the records three years ago."""
    every = [bought("first", 36.0, 0.0, "odd"), *rows]
    return stage(folder, accounts=accounts_of(every), products=PRODUCTS, orders=every)


def flows(*accounts: str, revenue: float = 100.0, months: int = 3) -> RelationFlows:
    """So much revenue a month of each account."""
    money = np.full((len(accounts), months), revenue)
    nothing = np.zeros_like(money)
    return RelationFlows(
        relation=Relation.ORDERS,
        account_id=np.array(accounts, dtype=object),
        survival=nothing,
        revenue=money,
        margin=money,
        base=money,
        expansion=nothing,
        contraction=nothing,
        referral=nothing,
        margin_rate=np.ones(len(accounts)),
        seen_months=np.full(len(accounts), 36.0),
        alive={months: np.ones(len(accounts))},
    )


def test_history_is_what_was_ordered(tmp_path: Path) -> None:
    """By family and month, oldest first: revenue net of returns, lines bought, quantity."""
    facts = staged(
        tmp_path,
        bought("a", 0.5, 30, "screw", quantity=3),
        bought("a", 0.4, 10, "bolt", quantity=1),
        bought("a", 0.3, -10, "bolt", quantity=-1),
        bought("b", 1.5, 7, "ring", quantity=2),
    )
    made = family_history(facts, AS_OF, Relation.ORDERS)
    assert made.names.tolist() == ["fasteners", "seals"]
    assert made.revenue.shape == (2, 36)
    assert made.revenue[:, -2:].tolist() == [[0, 30], [7, 0]]
    assert made.lines[:, -2:].tolist() == [[0, 2], [1, 0]]
    assert made.quantity[:, -2:].tolist() == [[0, 3], [2, 0]]


def test_families_add_up_to_the_accounts(tmp_path: Path) -> None:
    """Whatever the shares and seasons, each month's families are the accounts' revenue."""
    rows = [bought("a", m + 0.5, 10 + 5 * (m % 12 < 6), "screw") for m in range(30)]
    rows += [bought("b", m + 0.5, 10 + 5 * (m % 12 >= 6), "ring") for m in range(30)]
    facts = staged(tmp_path, *rows)
    made = family_orders(facts, AS_OF, [flows("a", "b", "c", months=12)], [], 12)[Relation.ORDERS]
    np.testing.assert_allclose(made.by_accounts["revenue"].sum(axis=0), 300.0)
    fasteners = made.by_accounts["revenue"][list(made.names).index("fasteners")]
    assert fasteners[:6].mean() < fasteners[6:].mean()


def test_an_account_buys_what_it_bought(tmp_path: Path) -> None:
    """Shares follow the account's own orders, drawn towards everybody's; somebody unknown gets everybody's."""
    rows = [bought("a", m + 0.5, 10, "screw") for m in range(12)] + [
        bought("b", m + 0.5, 30, "ring") for m in range(12)
    ]
    facts = staged(tmp_path, *rows)

    def screws(account: str) -> float:
        made = family_orders(facts, AS_OF, [flows(account)], [], 3)[Relation.ORDERS]
        return float(made.by_accounts["revenue"][list(made.names).index("fasteners"), 0])

    assert screws("stranger") == pytest.approx(25)
    assert 25 < screws("a") < 100
    assert screws("b") < 25


def test_lines_follow_from_revenue(tmp_path: Path) -> None:
    """Twenty a line and four pieces a line in the last year: 100 of revenue are five lines and twenty pieces."""
    facts = staged(tmp_path, *(bought("a", m + 0.5, 20, "screw", quantity=4) for m in range(12)))
    made = family_orders(facts, AS_OF, [flows("a")], [], 3)[Relation.ORDERS]
    place = list(made.names).index("fasteners")
    assert made.by_accounts["lines"][place].tolist() == pytest.approx([5.0] * 3)
    assert made.by_accounts["quantity"][place].tolist() == pytest.approx([20.0] * 3)


def test_what_did_better_counts_more() -> None:
    """The accounts' forecast was right and the family's own past was not: it gets more than half, and not all."""
    came = np.full((1, 12), 10.0)
    trial = FamilyTrial(Relation.ORDERS, "revenue", 12, ("f",), came, 2 * came, came, came, came)
    assert series_weight([]) == 0.5
    assert 0 < series_weight([trial, trial]) < 0.5


def test_without_new_business_the_families_are_the_accounts(tmp_path: Path) -> None:
    """The families' own past holds what new accounts brought, so that it is left out then."""
    facts = staged(tmp_path, *(bought("a", m + 0.5, 20, "screw") for m in range(12)))
    told = families_of(facts, AS_OF, [flows("a")], (), [], 3)
    assert told["weight_of_series"] == {"orders": {"revenue": 0.0, "lines": 0.0, "quantity": 0.0}}
    assert sum(row["revenue"]["mean"][0] for row in told["rows"]) == pytest.approx(100)
    for row in told["rows"]:
        assert row["revenue"]["p10"][0] <= row["revenue"]["p50"][0] <= row["revenue"]["p90"][0]
