"""What is usual for rows that come alone, from the accounts that a model learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from revml.explanations.reference_peers import ReferencePeers
from revml.features.spec import Feature
from revml.models.reference import reference

MRR = Feature("mrr", "money", "contract")
USERS = Feature("active_users_28d", "count", "usage")
INDUSTRY = Feature("industry", "category", "profile")
RENEWS = Feature("auto_renew", "flag", "renewal")
NOTHING = np.nan


def _learned(industry: list[str | None], **numbers: list[float]) -> dict[str, Any]:
    frame = pd.DataFrame({"industry": pd.Series(industry, dtype="str"), **numbers})
    frame["as_of"] = pd.Timestamp("2026-01-01")
    return reference(frame, list(frame.columns.drop("as_of")), ["industry"], np.full(len(frame), 0.1))


def test_a_row_is_compared_with_its_industry() -> None:
    """Medians of the industry that the model learned from; of an unknown one those of all."""
    learned = _learned(["retail"] * 30 + ["health"] * 40, active_users_28d=[5.0] * 30 + [9.0] * 40)
    peers = ReferencePeers.of(learned, (USERS, INDUSTRY))
    usual = peers.rows(np.zeros((4, 2)), {"industry": ["retail", "health", "mining", None]})
    assert usual[:, 0].tolist() == [5.0, 9.0, 9.0, 9.0]


def test_an_industry_of_few_is_compared_with_all() -> None:
    """Under thirty accounts are no segment."""
    learned = _learned(["retail"] * 29 + ["health"] * 40, active_users_28d=[5.0] * 29 + [9.0] * 40)
    usual = ReferencePeers.of(learned, (USERS, INDUSTRY)).rows(np.zeros((1, 2)), {"industry": ["retail"]})
    assert usual[0, 0] == 9.0


def test_without_an_industry_a_row_is_compared_with_its_third_by_size() -> None:
    """Small with small, large with large; of unknown size with all."""
    sizes = [10.0] * 40 + [100.0] * 40 + [1000.0] * 40
    learned = _learned([None] * 120, mrr=sizes, active_users_28d=[1.0] * 40 + [2.0] * 40 + [3.0] * 40)
    peers = ReferencePeers.of(learned, (MRR, USERS))
    usual = peers.rows(np.array([[5.0, 0.0], [100.0, 0.0], [9999.0, 0.0], [NOTHING, 0.0]]), {})
    assert usual[:, 1].tolist() == [1.0, 2.0, 3.0, 2.0]


def test_a_segment_that_the_model_does_not_see_is_everybody() -> None:
    """A row that cannot tell its industry is compared with all."""
    learned = _learned(["retail"] * 30 + ["health"] * 40, active_users_28d=[5.0] * 30 + [9.0] * 40)
    assert ReferencePeers.of(learned, (USERS,)).rows(np.zeros((1, 1)), {}).tolist() == [[9.0]]


def test_a_category_is_compared_with_those_that_share_it() -> None:
    """The share of all accounts with the same value, none for a value that nobody had."""
    learned = _learned(["retail"] * 30 + ["health"] * 90, active_users_28d=[5.0] * 120)
    usual = ReferencePeers.of(learned, (INDUSTRY,)).rows(np.zeros((3, 1)), {"industry": ["retail", "mining", None]})
    assert usual[0, 0] == 0.25
    assert np.isnan(usual[1:, 0]).all()


def test_flags_and_what_nobody_knew_have_no_peers() -> None:
    """A median of yes and no would say nothing."""
    learned = _learned(["retail"] * 40, auto_renew=[1.0] * 40, active_users_28d=[NOTHING] * 40)
    usual = ReferencePeers.of(learned, (RENEWS, USERS)).rows(np.zeros((2, 2)), {})
    assert np.isnan(usual).all()


def test_a_bundle_without_a_reference_has_no_peers() -> None:
    """Nothing is usual where nothing was kept."""
    usual = ReferencePeers.of({}, (MRR, INDUSTRY)).rows(np.zeros((2, 2)), {"industry": ["a", None]})
    assert np.isnan(usual).all()
