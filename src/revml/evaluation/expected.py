"""How many events to expect, with an interval that is honest about what is not known.

Comes in: probabilities, the accounts they belong to, and an `Uncertainty`, found on the rows that a model was chosen
and calibrated on. Goes out: expected events with a 95 % interval. Binomial noise (which of the likely accounts it will
be) is only one of three things that make it wide. The level of the calibration rests on few accounts, each with several
snapshots; and it moves from one window to the next, by as much as is learned from how it moved before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from revml.models.calibration import log_odds, sigmoid
from revml.models.ladder import Climbed, newest
from revml.models.learning import Learning

WITHIN = 0.95
DRAWS = 4_000
GRID = np.linspace(-4.0, 4.0, 33)  # standard deviations of the level at which the events are counted
# What is believed of drift before any is seen: this standard deviation of the log-odds, worth so many windows.
DRIFT, WINDOWS = 0.15, 3.0


@dataclass(frozen=True)
class Uncertainty:
    """Standard deviations, in log-odds, of what a calibrated model says on average.

    Attributes:
        level: of the level, from the accounts that set it.
        slope: of the slope around `centre`, the mean log-odds of those accounts.
        drift: of the level's move from one window to the next.
    """

    level: float = 0.0
    slope: float = 0.0
    centre: float = 0.0
    drift: float = 0.0

    def to_json(self) -> dict[str, float]:
        """Plain numbers."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


NOISE_ONLY = Uncertainty()


@dataclass(frozen=True)
class Expected:
    """Expected events, the interval that holds what is observed in 19 cases of 20, and what was observed."""

    events: float
    low: float
    high: float
    observed: int

    @property
    def inside(self) -> bool:
        """Whether the interval holds what was observed."""
        return self.low <= self.observed <= self.high

    def sentence(self) -> str:
        """One English line, for terminals."""
        held = "which it holds" if self.inside else "which it does not hold"
        interval = f"95 % interval {self.low:,.0f} to {self.high:,.0f}"
        return f"expected {self.events:,.0f} events ({interval}), observed {self.observed:,}, {held}"

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {**asdict(self), "inside": self.inside}


def uncertainty_of(
    probability: np.ndarray, label: np.ndarray, accounts: np.ndarray, level: np.ndarray, *, drift: float
) -> Uncertainty:
    """What out-of-sample probabilities say about their own level and slope; rows of one account count as one.

    Args:
        probability, label: of the rows that the calibration was fitted on, shape (n,).
        accounts: equal for rows of one account.
        level: which of the rows set the level.
        drift: see `drift_of`.
    """
    p, weight = probability, probability * (1 - probability)
    z = log_odds(p)
    centre = float(np.average(z[level], weights=weight[level]))
    rest = label - p
    away = z - centre
    level_sd = _by_account(rest[level], accounts[level]) / max(float(weight[level].sum()), 1e-9)
    curve = float((weight * away**2).sum())
    slope_sd = _by_account(rest * away, accounts) / curve if curve > 1e-9 else 0.0
    return Uncertainty(level_sd, min(slope_sd, 1.0), centre, drift)


def learned_uncertainty(data: Learning, climbed: Climbed, *, window_days: float, by_time: bool) -> Uncertainty:
    """The uncertainty of a ladder's calibration, and of its level over the windows it learned from.

    Args:
        window_days: from a snapshot to the end of its label, 0 where rows bear no dates: then nothing drifts.
    """
    label, judged = data.label[climbed.judged], climbed.judged
    level = newest(data.as_of[judged], label) if by_time else np.ones(len(judged), dtype=bool)
    drift = 0.0
    if window_days:
        fitted = climbed.calibration.apply(climbed.model.raw(data.matrix))
        drift = drift_of(fitted, data.label, data.as_of, window_days=window_days)
    return uncertainty_of(climbed.probability, label, data.accounts[judged], level, drift=drift)


def drift_of(probability: np.ndarray, label: np.ndarray, as_of: np.ndarray, *, window_days: float) -> float:
    """How far the level of a fixed model moves from one window to the next that shares no event with it.

    The squared difference of two such windows holds twice their noise; what is more is drift. Few windows say little,
    so a belief of `DRIFT` counts as `WINDOWS` more of them.

    Args:
        probability, label, as_of: of all rows that were learned from.
        window_days: from a snapshot to the end of its label.
    """
    dates = np.unique(as_of)
    shift, noise = np.zeros(len(dates)), np.zeros(len(dates))
    for place, at in enumerate(dates):
        mine = as_of == at
        weight = max(float((probability[mine] * (1 - probability[mine])).sum()), 1e-9)
        shift[place], noise[place] = (label[mine] - probability[mine]).sum() / weight, 1 / weight
    days = (dates - dates[0]) / np.timedelta64(1, "D")
    later = np.searchsorted(days, days + window_days)
    first = np.flatnonzero(later < len(dates))
    if not len(first):
        return DRIFT
    second = later[first]
    # Where a window is nearly empty its noise says nothing about drift: it weighs less.
    trust = 1 / (noise[first] + noise[second])
    seen = float(np.average((shift[second] - shift[first]) ** 2 - noise[first] - noise[second], weights=trust))
    windows = float(days[second[-1]] - days[first[0]]) / window_days
    return float(np.sqrt((WINDOWS * DRIFT**2 + windows * max(seen, 0.0)) / (WINDOWS + windows)))


def expected_events(
    probability: np.ndarray,
    label: np.ndarray,
    accounts: np.ndarray,
    as_of: np.ndarray,
    uncertainty: Uncertainty,
    *,
    window_days: float,
    seed: int,
    within: float = WITHIN,
) -> Expected:
    """Expected events of some rows, with the interval.

    Args:
        accounts, as_of: rows of one account whose windows overlap share that part of their events.
        window_days: how long a label's window is; 0 where rows bear no dates and are one an account.
    """
    if not len(probability):
        return Expected(0.0, 0.0, 0.0, 0)
    order = np.lexsort((as_of, accounts))
    p, who, at = probability[order], accounts[order], as_of[order]
    z, weight = log_odds(p), p * (1 - p)
    away = float(np.average(z - uncertainty.centre, weights=weight)) if weight.sum() > 0 else 0.0
    spread = float(np.sqrt(uncertainty.level**2 + uncertainty.drift**2 + (uncertainty.slope * away) ** 2))
    pairs = _overlapping(who, at, window_days)
    counted = [_moments(sigmoid(z + spread * step), pairs) for step in GRID]
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=DRAWS)
    mean, variance = (np.interp(steps, GRID, moment) for moment in np.transpose(counted))
    # A gamma distribution has this mean and variance, and no negative counts.
    scale = np.maximum(variance, 1e-9) / np.maximum(mean, 1e-9)
    drawn = np.minimum(rng.gamma(np.maximum(mean, 1e-9) / scale, scale), len(p))
    low, high = np.quantile(drawn, ((1 - within) / 2, (1 + within) / 2))
    return Expected(float(p.sum()), float(np.floor(low)), float(np.ceil(high)), int(label.sum()))


def _overlapping(
    accounts: np.ndarray, as_of: np.ndarray, window_days: float
) -> list[tuple[np.ndarray, int, np.ndarray]]:
    """Pairs of rows of one account whose windows overlap: the earlier rows, how far on the later are, the share."""
    pairs = []
    for ahead in range(1, len(accounts)):
        first = np.flatnonzero(accounts[ahead:] == accounts[:-ahead])
        days = (as_of[first + ahead] - as_of[first]) / np.timedelta64(1, "D") if len(first) else np.zeros(0)
        near = days < window_days
        if not near.any():
            break
        pairs.append((first[near], ahead, 1 - days[near] / window_days))
    return pairs


def _moments(p: np.ndarray, pairs: list[tuple[np.ndarray, int, np.ndarray]]) -> tuple[float, float]:
    """Mean and variance of the count of events; what two windows share happens in both or in neither."""
    variance = float((p * (1 - p)).sum())
    for first, ahead, share in pairs:
        one, other = p[first], p[first + ahead]
        variance += 2 * float((share * (np.minimum(one, other) - one * other)).sum())
    return float(p.sum()), variance


def _by_account(values: np.ndarray, accounts: np.ndarray) -> float:
    """Standard deviation of a sum whose terms belong together by account."""
    sums = np.bincount(np.unique(accounts, return_inverse=True)[1], weights=values)
    return float(np.sqrt((sums**2).sum()))
