"""Drivers in money: what each concept adds to a value or takes from it."""

import numpy as np
import pandas as pd
import pytest

from revml.clv.accounts.drivers import MOST_DRIVERS, OTHER, PEER, Swings, drivers, shared_between
from revml.explanations import ConceptSums

IDS = np.array(["a", "b"], dtype=object)
VALUES = pd.DataFrame({"account_id": IDS, "clv": [1000.0, 500.0]})
CHURN = ConceptSums(IDS, -2.0, ("support", "usage"), np.array([[1.0, 1.0], [-0.5, 0.0]]))


def told(made: pd.DataFrame, account: str) -> dict[str, float]:
    """The drivers of an account by concept."""
    mine = made[made["account_id"] == account]
    return dict(zip(mine["concept"], mine["money"], strict=True))


def test_a_score_is_shared_between_its_concepts_as_they_contribute() -> None:
    """Two concepts that raise the risk alike take half of the loss each; the peer is what is left."""
    made = drivers(VALUES, Swings(IDS, {"churn": np.array([-80.0, 20.0])}), {"churn": CHURN})
    assert told(made, "a") == {"usage": -40.0, "support": -40.0, PEER: 1080.0}
    assert told(made, "b") == {"support": 20.0, PEER: 480.0}


def test_concepts_of_several_scores_are_one() -> None:
    """What use does to churn and to upsell is one amount."""
    upsell = ConceptSums(IDS, -3.0, ("usage",), np.array([[2.0], [1.0]]))
    swings = Swings(IDS, {"churn": np.array([-80.0, 0.0]), "upsell": np.array([30.0, 0.0])})
    assert told(drivers(VALUES, swings, {"churn": CHURN, "upsell": upsell}), "a")["usage"] == -10.0


def test_many_concepts_become_the_strongest_and_the_rest() -> None:
    """However many there are, they add up to the value, to the cent."""
    rng = np.random.default_rng(1)
    names = tuple(f"c{i}" for i in range(15))
    sums = ConceptSums(IDS, 0.0, names, rng.normal(size=(2, 15)))
    made = drivers(VALUES, Swings(IDS, {"churn": np.array([-333.33, 77.77])}), {"churn": sums})
    for account, value in (("a", 1000.0), ("b", 500.0)):
        mine = told(made, account)
        assert len(mine) == MOST_DRIVERS + 2
        assert OTHER in mine
        assert round(sum(mine.values()), 2) == value


def test_no_concept_is_told_against_its_sign() -> None:
    """What raises the risk never adds value: a swing that its concepts do not explain stands under the rest."""
    ids = np.array(["a", "b", "c"], dtype=object)
    values = pd.DataFrame({"account_id": ids, "clv": [1000.0, 500.0, 100.0]})
    churn = ConceptSums(ids, -2.0, ("support", "usage"), np.array([[1.0, 1.0], [-0.5, 0.0], [0.3, -0.29]]))
    upsell = ConceptSums(ids, -2.0, ("usage",), np.array([[1.0], [1.0], [1.0]]))
    swings = Swings(ids, {"churn": np.array([-80.0, 20.0, 5.0]), "upsell": np.array([10.0, 10.0, 10.0])})
    made = drivers(values, swings, {"churn": churn, "upsell": upsell})
    assert told(made, "c") == {"usage": 10.0, OTHER: 5.0, PEER: 85.0}


def test_an_account_without_scores_has_no_drivers() -> None:
    """Nothing is told of what no score moved."""
    made = drivers(VALUES, Swings(IDS, {"churn": np.zeros(2)}), {"churn": CHURN})
    assert made.empty
    assert drivers(VALUES, None, {"churn": CHURN}).empty


def test_shares_add_up_whatever_the_causes_do_together() -> None:
    """Three causes: their Shapley values add up to what all of them make against none."""
    rng = np.random.default_rng(2)
    worth: dict[frozenset[str], np.ndarray] = {}

    def value(some: frozenset[str]) -> np.ndarray:
        return worth.setdefault(some, rng.normal(size=4))

    shares = shared_between(("x", "y", "z"), value)
    assert sum(shares.values()) == pytest.approx(worth[frozenset("xyz")] - worth[frozenset()])
