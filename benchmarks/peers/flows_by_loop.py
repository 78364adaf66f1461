"""The contract forecast as one would first write it: account by account, month by month, in plain Python.

The same formulas as `revml.clv`: a hazard from log-odds, shifted until the churn probability within the horizon is the
published one (by bisection), survival, growth that fades to the company's rate, margin, discount.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MONTH = 365.25 / 12


def flows(
    log_odds: Sequence[float],
    shift: float,
    p_upsell: float,
    mrr: float,
    margin: float,
    *,
    level: float,
    churn_days: float,
    level_half_life: float,
    half_life: float,
    upsell_days: float,
    upsell_rate: float,
    upsell_size: float,
    contraction: float,
    growth_half_life: float,
    discount_rate: float,
) -> list[float]:
    """The discounted margin of each month of one account.

    Args:
        shift: of the account; level: the mean of all accounts' shifts.
    """
    touched = math.ceil(churn_days / MONTH)
    span = upsell_days / MONTH
    survival, growth, out = 1.0, 1.0, []
    for k, odds in enumerate(log_odds, start=1):
        past = max(k - touched, 0)
        faded = level * 0.5 ** (past / level_half_life) + (shift - level) * 0.5 ** (past / half_life)
        survival /= 1 + math.exp(odds + faded)
        p = upsell_rate + (p_upsell - upsell_rate) * 0.5 ** (max(k - math.ceil(span), 0) / growth_half_life)
        growth *= max(1 + p * upsell_size - contraction, 0.01) ** (1 / span)
        out.append(mrr * margin * survival * growth / (1 + discount_rate) ** ((k - 0.5) / 12))
    return out


def shift_of(log_odds: Sequence[float], p_churn: float, churn_days: float) -> float:
    """What to add to the log-odds so that the churn probability comes true; the last month may count in part."""
    length = churn_days / MONTH
    log_odds = log_odds[: math.ceil(length)]
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        stays = 1.0
        for k, odds in enumerate(log_odds):
            stays *= (1 + math.exp(odds + middle)) ** -min(1.0, length - k)
        low, high = (middle, high) if 1 - stays < p_churn else (low, middle)
    return (low + high) / 2
