"""Survival that agrees with the published scores: hazards of groups, shifted account by account.

Comes in: log-odds of a loss in each month ahead (`hazard.HazardModel`) and published probabilities at one horizon or
several. Goes out: `Survival`. Nothing here reads data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit

from revml.clv.value import MONTH_DAYS, Floats

# How long what the churn scores know beyond the groups' hazards lasts past their horizon: half of it after so many
# months. What they say of the company as a whole is a photograph of its state and of the model's calibration, and soon
# gone; what sets an account apart from the others is half its nature. On sample companies the Brier score of survival
# two years ahead was best so, on both sides flat.
LEVEL_HALF_LIFE_MONTHS = 3.0
SHIFT_HALF_LIFE_MONTHS = 6.0
_P_MIN = 1e-12
NEVER = -30.0  # log-odds below which a month is closed


@dataclass(frozen=True)
class Survival:
    """Survival by account: `curve[:, k - 1]` = S(k) for k = 1..H, `shift` = what the tie added to the log-odds."""

    curve: Floats
    shift: Floats

    def at_days(self, days: float) -> Floats:
        """S at a number of days: geometric between whole months, that is, a constant hazard within the month."""
        whole, part = int(days // MONTH_DAYS), days / MONTH_DAYS - days // MONTH_DAYS
        grid = np.column_stack([np.ones(len(self.curve)), self.curve])
        if part == 0:
            return np.asarray(grid[:, whole])
        return np.asarray(grid[:, whole] ** (1 - part) * grid[:, whole + 1] ** part)


def months_of(days: float) -> int:
    """How many months a span in days touches."""
    return int(np.ceil(days / MONTH_DAYS - 1e-12))


def tie(
    log_odds: Floats, probability: Floats, horizon_days: float, further: Mapping[float, Floats] | None = None
) -> Survival:
    """Shift each account's log-odds so that `1 - S(horizon_days)` is its published probability, to 1e-9.

    One number an account is added to the log-odds of all days of the horizon. Where the account's probability was
    published for further horizons, each span between two of them gets a number of its own, and the curve of scores and
    the survival of money are one. After the last horizon what the whole of the scores adds lasts on: its mean over the
    accounts fades by half in `LEVEL_HALF_LIFE_MONTHS`, what is left of it in `SHIFT_HALF_LIFE_MONTHS`.

    Args:
        log_odds: (n, months) with months at least those the longest horizon touches.
        probability: (n,) in [0, 1]; NaN leaves the account as its group is.
        horizon_days: what the probability looks ahead.
        further: by days (n,) probabilities of other horizons; NaN where there is none.
    """
    known = ~np.isnan(probability)
    days = sorted({horizon_days, *(further or {})})
    goals = _goals(log_odds, probability, horizon_days, further or {}, days)
    touched = months_of(days[-1])
    whole = _shift(log_odds[:, :touched], goals[:, -1], _weights(0.0, days[-1], touched))
    whole = np.where(known, whole, 0.0)
    k = np.arange(1, log_odds.shape[1] + 1)
    past = np.maximum(k - touched, 0)
    level = float(whole[known].mean()) if known.any() else 0.0
    fading = level * 0.5 ** (past / LEVEL_HALF_LIFE_MONTHS)
    lasting = (whole - level)[:, None] * 0.5 ** (past / SHIFT_HALF_LIFE_MONTHS)[None, :]
    hazard = np.logaddexp(0.0, log_odds + np.where(known[:, None], fading[None, :] + lasting, 0.0))
    if len(days) > 1:
        hazard[:, :touched] *= 1.0 - _weights(0.0, days[-1], touched)
        for i, (start, end) in enumerate(pairwise((0.0, *days))):
            near, weights = log_odds[:, :touched], _weights(start, end, touched)
            gained = goals[:, i] - (goals[:, i - 1] if i else 0.0)
            own = np.where(known, _shift(near, gained, weights), 0.0)
            hazard[:, :touched] += weights * np.logaddexp(0.0, near + own[:, None])
    return Survival(np.asarray(np.exp(-np.cumsum(hazard, axis=1))), whole)


def _goals(
    log_odds: Floats, probability: Floats, horizon_days: float, further: Mapping[float, Floats], days: Sequence[float]
) -> Floats:
    """(n, horizons) cumulated hazards to meet, rising; a horizon that an account has no probability for stays open."""
    hazards = np.full((len(probability), len(days)), np.nan)
    for i, at in enumerate(days):
        p = probability if at == horizon_days else further[at]
        hazards[:, i] = -np.log1p(-np.clip(p, _P_MIN, 1 - _P_MIN))
    main = days.index(horizon_days)
    hazards[np.isnan(probability)] = 1.0  # nothing is tied there
    if np.isnan(hazards).any():
        touched = months_of(horizon_days)
        shift = _shift(log_odds[:, :touched], hazards[:, main], _weights(0.0, horizon_days, touched))
        for i, at in enumerate(days):
            own = np.logaddexp(0.0, log_odds[:, : months_of(at)] + shift[:, None]) @ _weights(0.0, at, months_of(at))
            hazards[:, i] = np.where(np.isnan(hazards[:, i]), own, hazards[:, i])
    for i in range(main, 0, -1):
        hazards[:, i - 1] = np.minimum(hazards[:, i - 1], hazards[:, i] * (1 - 1e-9))
    for i in range(main + 1, len(days)):
        hazards[:, i] = np.maximum(hazards[:, i], hazards[:, i - 1] * (1 + 1e-9))
    return hazards


def _weights(start: float, end: float, months: int) -> Floats:
    """(months,) which part of each month lies in `(start, end]` days."""
    k = np.arange(months)
    return np.asarray(np.clip(np.minimum(end / MONTH_DAYS, k + 1) - np.maximum(start / MONTH_DAYS, k), 0.0, 1.0))


def _shift(log_odds: Floats, goal: Floats, weights: Floats) -> Floats:
    """(n,) the number that, added to the log-odds, makes the hazards cumulated over the weighted months the goal.

    The equation `sum w_k softplus(log_odds_k + shift) = goal` is convex and increasing in the shift: Newton's method,
    guarded by bisection.
    """
    used = weights > 0
    near, w = log_odds[:, used], weights[used]
    goal = np.maximum(goal, 1e-15)
    # x <= softplus(x) <= exp(x) brackets the root
    mean = goal / w.sum()
    low, high = np.log(mean) - near.max(axis=1), mean - near.min(axis=1)
    shift = np.clip(0.0, low, high)
    for _ in range(200):
        value = np.logaddexp(0.0, near + shift[:, None]) @ w
        slope = expit(near + shift[:, None]) @ w
        miss = value - goal
        high, low = np.where(miss > 0, shift, high), np.where(miss > 0, low, shift)
        if np.all(np.abs(miss) <= 1e-13 + 1e-12 * goal):
            break
        stepped = shift - miss / np.maximum(slope, 1e-300)
        shift = np.where((stepped > low) & (stepped < high), stepped, (low + high) / 2)
    # where no month is open the contract cannot end, whatever a score says of it
    return np.asarray(np.where((near > NEVER).any(axis=1), shift, 0.0))


def survival_of(log_odds: Floats) -> Floats:
    """`S(k) = prod (1 - h_j)` from the log-odds of the hazards, summed in logs so that nothing underflows."""
    return np.asarray(np.exp(-np.cumsum(np.logaddexp(0.0, log_odds), axis=1)))
