"""An account's forecast by product family."""

from pathlib import Path

import numpy as np
import pandas as pd

from revml.clv.orders.families import FAMILY_COLUMNS, by_family
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, order
from tests.literal_facts import stage

IDS = np.array(["a", "b"], dtype=object)


def shop(folder: Path) -> Facts:
    """Buyer a bought tea and cups half and half, twice, b tea alone; a third product has no family."""
    rows = [
        order("a", "2025-10-01", 50, product="tea"),
        order("a", "2025-11-01", 50, product="cup"),
        order("b", "2025-10-01", 90, product="tea"),
        order("b", "2025-10-02", 10, product="thing"),
    ]
    products = [{"product": "tea", "family": "leaves"}, {"product": "cup", "family": "china"}]
    return stage(folder, accounts=accounts_of(rows), orders=rows, products=products)


def split(facts: Facts, revenue: np.ndarray) -> pd.DataFrame:
    """Three and one orders expected."""
    return by_family(facts, AS_OF, IDS, np.array([3.0, 1.0]), revenue, np.array([2.0, 2.0]))


def test_families_add_up_to_the_account(tmp_path: Path) -> None:
    """Orders and revenue of the families are the account's, revenue in whole cents to the last one."""
    made = split(shop(tmp_path), np.array([100.01, 33.34]))
    assert tuple(made) == FAMILY_COLUMNS
    sums = made.groupby("account_id")[["expected_orders", "expected_revenue"]].sum()
    assert np.allclose(sums["expected_orders"], [3.0, 1.0])
    cents = (100 * made["expected_revenue"]).round()
    assert np.allclose(cents, 100 * made["expected_revenue"], atol=1e-6)
    assert cents.groupby(made["account_id"]).sum().tolist() == [10_001, 3_334]


def test_shares_are_the_accounts_own_drawn_to_the_company(tmp_path: Path) -> None:
    """Who never bought china gets a little of it, who did gets more; a product without family is told as other."""
    made = split(shop(tmp_path), np.array([100.0, 100.0])).set_index(["account_id", "family"])["expected_revenue"]
    assert 0 < made["b", "china"] < made["a", "china"] < 50
    assert made["b", "leaves"] > 70
    assert made["b", "other"] > made["a", "other"] > 0


def test_no_buyer_has_no_family(tmp_path: Path) -> None:
    """An empty forecast has the columns and no row."""
    nobody = np.array([], dtype=object)
    made = by_family(shop(tmp_path), AS_OF, nobody, np.zeros(0), np.zeros(0), np.zeros(0))
    assert (len(made), tuple(made)) == (0, FAMILY_COLUMNS)
