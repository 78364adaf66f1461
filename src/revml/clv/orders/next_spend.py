"""Spend an order where it goes with how often a buyer orders.

Comes in: by buyer the number of purchases and their mean value. Goes out: the expected value of a next purchase.
Gamma-Gamma and credibility take spend and frequency to be independent. Where their rank correlation says otherwise, a
buyer is drawn towards what buyers of the same number of purchases spend, and not towards the mean of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.clv.orders.spend import SpendModel, fit_spend
from revml.clv.value import Floats

DEPENDENT = 0.3


@dataclass(frozen=True)
class OrderSpend:
    """Expected value of a next purchase.

    Attributes:
        model: the model that takes spend and frequency to be independent.
        slope: how log spend moves with log purchases; 0 where `model` is used as it is.
        at_one: what a buyer of one purchase is expected to spend, where there is a slope.
    """

    model: SpendModel
    slope: float = 0.0
    at_one: float = 0.0

    def expected(self, purchases: Floats, spend: Floats) -> Floats:
        """(n,) expected value of a next purchase; never below 0."""
        if self.slope == 0.0:
            return self.model.expected(purchases, spend)
        peers = self.at_one * purchases**self.slope
        if np.isinf(self.model.k):
            return np.asarray(peers)
        return np.asarray(np.maximum((purchases * spend + self.model.k * peers) / (purchases + self.model.k), 0.0))


def fit_order_spend(purchases: Floats, spend: Floats, within: Floats) -> OrderSpend:
    """Fit the spend model, and the slope where the rank correlation exceeds `DEPENDENT` either way.

    Args:
        purchases, spend, within: as in `spend.fit_spend`.

    The slope is that of log spend on log purchases among those who came back; the level is such that purchases times
    expected spend add up to what was spent.
    """
    model = fit_spend(purchases, spend, within)
    back = (purchases >= 2) & (spend > 0)
    if abs(model.dependence) <= DEPENDENT or back.sum() < 20:
        return OrderSpend(model)
    log_n, log_m = np.log(purchases[back]), np.log(spend[back])
    slope = float(np.cov(log_n, log_m)[0, 1] / np.var(log_n, ddof=1))
    total = float(purchases @ np.maximum(spend, 0.0))
    return OrderSpend(model, slope, total / float(purchases @ purchases**slope))
