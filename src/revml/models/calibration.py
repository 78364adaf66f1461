"""Calibration: from a model's log-odds to a probability that means what it says.

Fitted on predictions for accounts and months that the model did not see. Sigmoid (Platt 1999, on the log-odds) where
events are few, isotonic where there are many. Classes are never re-weighted. All of it is JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

CalibrationKind = Literal["none", "sigmoid", "isotonic"]
EDGE = 1e-6
ISOTONIC_EVENTS = 1_000


def sigmoid(x: np.ndarray | float) -> np.ndarray:
    """Probability of log-odds, without overflow.

    >>> float(sigmoid(0.0))
    0.5
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0))))


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
) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of a label on log-odds, by Newton's method.

    A weak normal prior (slope 1, intercept 0) keeps it finite when the classes are separated; the slope never turns
    negative unless `signed`. With `slope` given only the intercept is fitted.
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
            gb = (residual * raw).sum() - prior * (b - 1)
            hab, hbb = (curve * raw).sum(), (curve * raw * raw).sum() + prior
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

    `sigmoid`: `p = s(intercept + slope * raw)`. `isotonic`: log-odds interpolated between knots, then the line.
    """

    kind: CalibrationKind
    intercept: float = 0.0
    slope: float = 1.0
    knots: tuple[float, ...] = ()
    heights: tuple[float, ...] = ()

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, within [1e-6, 1 - 1e-6]."""
        bent = np.interp(raw, self.knots, self.heights) if self.knots else raw
        return np.asarray(np.clip(sigmoid(self.intercept + self.slope * bent), EDGE, 1 - EDGE))

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
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        return cls(raw["kind"], raw["intercept"], raw["slope"], tuple(raw["knots"]), tuple(raw["heights"]))


def fit_calibration(raw: np.ndarray, label: np.ndarray, kind: CalibrationKind) -> Calibration:
    """Fit a calibration of a kind on out-of-sample log-odds.

    Args:
        raw: log-odds, shape (n,).
        label: 0 or 1, shape (n,).
    """
    if kind == "none":
        return Calibration("none")
    if kind == "sigmoid" or np.ptp(raw) < 1e-9:
        if np.ptp(raw) < 1e-9:
            return Calibration("sigmoid").levelled(raw, float(label.mean()))
        intercept, slope = fit_line(raw, label)
        return Calibration("sigmoid", intercept, slope)
    knots, heights = _isotonic(raw, label)
    return Calibration("isotonic", 0.0, 1.0, knots, heights)


def _isotonic(raw: np.ndarray, label: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Block centres of the isotonic fit over small equal-mass bins (so that no block rests on a handful of rows)."""
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(raw, kind="stable")
    bins = np.array_split(order, max(10, min(100, int(label.sum()) // 20)))
    x = np.array([raw[b].mean() for b in bins])
    n = np.array([len(b) for b in bins], dtype=float)
    rate = (np.array([label[b].sum() for b in bins]) + label.mean()) / (n + 1)
    fitted = IsotonicRegression(increasing=True).fit_transform(x, rate, sample_weight=n)
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
