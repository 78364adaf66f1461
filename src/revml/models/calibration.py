"""Calibration: from a model's log-odds to a probability that means what it says.

Fitted on predictions for accounts and months that the model did not see. Sigmoid (Platt 1999, on the log-odds) where
events are few; beta (Kull et al. 2017), which may bend either end, and isotonic where there are many and the bend earns
its place (`choose_calibration`). Every map rises. Classes are never re-weighted. All of it is JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

CalibrationKind = Literal["none", "sigmoid", "beta", "isotonic"]
EDGE = 1e-6
# Events, and as many others, that a kind must have seen before it is tried: it has more freedom than the one before.
PULL = 8.0  # precision of the belief that the slope of a calibration is 1, about what ten events can say
# The same where settings are chosen, times `repeats`: choice flatters, the slope of folds is a fifth off months later.
STEADY = 25.0
LEAST_EVENTS: Mapping[CalibrationKind, int] = {"sigmoid": 0, "beta": 200, "isotonic": 1_000}
SURE = 1.0  # standard errors of the log-loss, accounts whole, by which a freer kind must beat the plainer one
BEND = 4.0  # of the prior that pulls the two ends of a beta map together: a standard deviation of a half


def sigmoid(x: np.ndarray | float) -> np.ndarray:
    """Probability of log-odds, without overflow.

    >>> float(sigmoid(0.0))
    0.5
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.minimum(np.maximum(x, -500.0), 500.0))))  # np.clip: ten times the time


def log_odds(p: np.ndarray | float) -> np.ndarray:
    """Log-odds of a probability, kept off 0 and 1."""
    q = np.clip(p, EDGE, 1 - EDGE)
    return np.asarray(np.log(q) - np.log1p(-q))


def fit_line(
    raw: np.ndarray,
    label: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    slope: float | None = None,
    signed: bool = False,
    pull: float = 1e-2,
) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of a label on log-odds, by Newton's method.

    A weak normal prior (slope 1, intercept 0) keeps it finite when the classes are separated; the slope never turns
    negative unless `signed`. With `slope` given only the intercept is fitted. `pull` is the precision of the slope's
    prior: what many events say is stronger, what a few say is not believed at once.
    """
    a, b = 0.0, 1.0 if slope is None else slope
    prior = 1e-2
    for _ in range(50):
        p = sigmoid(a + b * raw)
        residual, curve = label - p, p * (1 - p)
        ga, haa = residual.sum() - prior * a, curve.sum() + prior
        if slope is not None:
            step_a, step_b = ga / haa, 0.0
        else:
            gb = (residual * raw).sum() - pull * (b - 1)
            hab, hbb = (curve * raw).sum(), (curve * raw * raw).sum() + pull
            det = haa * hbb - hab * hab
            step_a, step_b = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        length = max(abs(step_a), abs(step_b))
        shrink = min(1.0, 2.0 / length) if length > 0 else 1.0
        a, b = a + shrink * step_a, b + shrink * step_b
        if length < 1e-9:
            break
    if b < 0 and not signed:
        return fit_line(raw, label, slope=0.0)
    return float(a), float(b)


@dataclass(frozen=True)
class Calibration:
    """A fitted, increasing map from raw log-odds to probability.

    `sigmoid`: `p = s(intercept + slope * raw)`. `isotonic`: log-odds interpolated between knots, then the line. `beta`:
    `ends[0] * log q - ends[1] * log(1 - q)` of the raw probability `q`, then the line; both ends are 0 or more.
    """

    kind: CalibrationKind
    intercept: float = 0.0
    slope: float = 1.0
    knots: tuple[float, ...] = ()
    heights: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, within [1e-6, 1 - 1e-6]."""
        bent = np.interp(raw, self.knots, self.heights) if self.knots else raw
        if self.ends:
            low, high = _ends(np.asarray(raw, dtype=float))
            bent = self.ends[0] * low + self.ends[1] * high
        return np.asarray(np.minimum(np.maximum(sigmoid(self.intercept + self.slope * bent), EDGE), 1 - EDGE))

    def levelled(self, raw: np.ndarray, rate: float) -> Calibration:
        """The same map with its intercept moved so that the mean probability over `raw` is `rate`."""
        moved = self
        for _ in range(60):
            p = moved.apply(raw)
            step = (rate - p.mean()) / max(float((p * (1 - p)).mean()), EDGE)
            moved = replace(moved, intercept=moved.intercept + float(np.clip(step, -1, 1)))
            if abs(step) < 1e-10:
                break
        return moved

    def to_json(self) -> dict[str, Any]:
        """What `calibration.json` holds."""
        return {
            "kind": self.kind,
            "intercept": self.intercept,
            "slope": self.slope,
            "knots": list(self.knots),
            "heights": list(self.heights),
            "ends": list(self.ends),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        ends = tuple(raw.get("ends", ()))
        return cls(raw["kind"], raw["intercept"], raw["slope"], tuple(raw["knots"]), tuple(raw["heights"]), ends)


def fit_calibration(raw: np.ndarray, label: np.ndarray, kind: CalibrationKind, *, pull: float = PULL) -> Calibration:
    """Fit a calibration of a kind on out-of-sample log-odds.

    Args:
        raw: log-odds, shape (n,).
        label: 0 or 1, shape (n,).
        pull: see `fit_line`; of a sigmoid.
    """
    if kind == "none":
        return Calibration("none")
    if kind == "sigmoid" or np.ptp(raw) < 1e-9:
        if np.ptp(raw) < 1e-9:
            return Calibration("sigmoid").levelled(raw, float(label.mean()))
        intercept, slope = fit_line(raw, label, pull=pull)
        return Calibration("sigmoid", intercept, slope)
    if kind == "beta":
        return _beta(raw, label)
    knots, heights = _isotonic(raw, label)
    return Calibration("isotonic", 0.0, 1.0, knots, heights)


def choose_calibration(
    raw: np.ndarray,
    label: np.ndarray,
    groups: np.ndarray,
    accounts: np.ndarray,
    kind: CalibrationKind | Literal["auto"] = "auto",
    *,
    pull: float = PULL,
) -> tuple[np.ndarray, Calibration]:
    """The calibration to serve, and honest probabilities: each row's from a map fitted on the other groups.

    A freer kind needs events enough, and a log-loss that is lower on other groups' accounts by more than its standard
    error, for which the rows of one account count as one.

    Args:
        raw, label: out-of-sample log-odds and 0 or 1, shape (n,).
        groups: of rows; an account's rows are all in one.
        accounts: an integer a row, equal for rows of one account.
        kind: a kind to use whatever the figures say.
        pull: see `fit_line`; of a sigmoid.
    """
    rarer = min(label.sum(), (1 - label).sum())
    kinds = [k for k, least in LEAST_EVENTS.items() if rarer >= least] if kind == "auto" else [kind]
    best = kinds[0]
    honest = _cross_fitted(raw, label, groups, best, pull)
    for freer in kinds[1:]:
        tried = _cross_fitted(raw, label, groups, freer, pull)
        gain = np.bincount(
            np.unique(accounts, return_inverse=True)[1], weights=_loss(honest, label) - _loss(tried, label)
        )
        if gain.sum() > SURE * np.sqrt((gain**2).sum()):
            best, honest = freer, tried
    return honest, fit_calibration(raw, label, best, pull=pull)


def repeats(label: np.ndarray, accounts: np.ndarray) -> float:
    """How many rows there are to an account that had the rarer outcome.

    >>> repeats(np.array([1, 1, 0, 0, 0]), np.array([1, 1, 1, 2, 3]))
    2.0
    """
    rarer = label == float(label.mean() <= 0.5)
    return float(rarer.sum() / max(len(np.unique(accounts[rarer])), 1)) or 1.0


def _cross_fitted(
    raw: np.ndarray, label: np.ndarray, groups: np.ndarray, kind: CalibrationKind, pull: float
) -> np.ndarray:
    out = np.empty(len(raw))
    for group in np.unique(groups):
        mine = groups == group
        others = ~mine if (~mine).any() else mine
        out[mine] = fit_calibration(raw[others], label[others], kind, pull=pull).apply(raw[mine])
    return out


def _loss(p: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.asarray(-(label * np.log(p) + (1 - label) * np.log1p(-p)))


def _ends(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`log q` and `-log(1 - q)` of the probability of each raw value; both rise."""
    return -np.logaddexp(0.0, -raw), np.logaddexp(0.0, raw)


def _beta(raw: np.ndarray, label: np.ndarray) -> Calibration:
    """The three-parameter map, by Newton's method; a prior pulls both ends to the slope that a sigmoid has.

    An end that would fall is held at 0 and the other fitted alone, so that the map rises.
    """
    intercept, slope = fit_line(raw, label)
    columns = np.column_stack([np.ones(len(raw)), *_ends(raw)])
    start = np.array([intercept, slope, slope])
    pull = np.array([[1e-2, 0.0, 0.0], [0.0, BEND, -BEND], [0.0, -BEND, BEND]]) + np.diag([0.0, 1e-2, 1e-2])
    free = np.array([True, True, True])
    found = start
    for _ in range(3):
        found = penalised(columns, label, np.where(free, start, 0.0), pull, free, np.array([0.0, 1.0, 1.0]))
        if (found[1:] >= 0).all():
            break
        free[1:] &= found[1:] > 0
    return Calibration("beta", float(found[0]), ends=(float(max(found[1], 0.0)), float(max(found[2], 0.0))))


def penalised(
    x: np.ndarray, label: np.ndarray, start: np.ndarray, pull: np.ndarray, free: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    """Logistic regression of the free coefficients by Newton's method; steps are kept short, as `fit_line` does.

    Args:
        pull: precision of the prior around `centre`.
    """
    beta, where = start.copy(), np.flatnonzero(free)
    for _ in range(50):
        p = sigmoid(x @ beta)
        slope = x.T @ (label - p) - pull @ (beta - centre)
        curve = (x * (p * (1 - p))[:, None]).T @ x + pull
        step = np.linalg.solve(curve[np.ix_(where, where)], slope[where])
        length = float(np.abs(step).max())
        beta[where] += step * min(1.0, 2.0 / length) if length > 0 else 0.0
        if length < 1e-9:
            break
    return beta


def _isotonic(raw: np.ndarray, label: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Block centres of the isotonic fit over small equal-mass bins (so that no block rests on a handful of rows)."""
    from sklearn.isotonic import IsotonicRegression

    raw = np.round(raw, 6)
    order = np.argsort(raw, kind="stable")
    cuts = np.array_split(raw[order], min(len(raw), max(10, min(100, int(label.sum()) // 20))))
    # Equal scores stay in one bin: a knot stands at one height.
    starts = np.unique([np.searchsorted(raw[order], cut[0]) for cut in cuts])
    bins = np.split(order, starts[1:])
    x = np.array([raw[b].mean() for b in bins])
    n = np.array([len(b) for b in bins], dtype=float)
    rate = (np.array([label[b].sum() for b in bins]) + label.mean()) / (n + 1)
    fitted = IsotonicRegression(increasing=True).fit_transform(np.arange(len(x)), rate, sample_weight=n)
    knots, heights = [], []
    for level in np.unique(fitted):
        block = fitted == level
        knots.append(float(np.average(x[block], weights=n[block])))
        heights.append(float(log_odds(level)))
    if len(knots) == 1:
        return (knots[0] - 1.0, knots[0] + 1.0), (heights[0], heights[0])
    # The ends keep the slope of the last segments, so that ranks beyond the outermost blocks survive.
    low = heights[0] - (heights[1] - heights[0]) / (knots[1] - knots[0]) * (knots[0] - float(x[0]))
    high = heights[-1] + (heights[-1] - heights[-2]) / (knots[-1] - knots[-2]) * (float(x[-1]) - knots[-1])
    if x[0] < knots[0]:
        knots, heights = [float(x[0]), *knots], [low, *heights]
    if x[-1] > knots[-1]:
        knots, heights = [*knots, float(x[-1])], [*heights, high]
    return tuple(knots), tuple(heights)
