"""Quality at each origin, over all of them, and its drift, with intervals from resampling whole accounts.

Comes in: one frame an origin: account_id, label (missing where the question did not apply any more), money,
probability, expected. Goes out: `Quality`. An account is drawn at all its origins or at none, because its rows are not
independent and the windows of neighbouring origins overlap (Efron and Tibshirani 1993, ch. 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from revml.backtesting.lists import order
from revml.evaluation import metrics
from revml.evaluation.figures import Figure, with_interval

NAMES = (
    "roc_auc",
    "log_loss",
    "log_loss_constant",
    "log_loss_gain",
    "calibration_error",
    "calibration_ratio",
    "events_caught",
    "money_caught",
)
TRENDS = ("roc_auc", "log_loss_gain", "calibration_ratio", "events_caught", "money_caught")
WITHIN = 1.96  # standard deviations that hold 95 % of a sum of many independent events


@dataclass(frozen=True)
class Expected:
    """Events that were predicted and events that came.

    Attributes:
        low, high: where 95 % of the observed counts would lie if every probability were true.
    """

    predicted: float
    observed: int
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether what came lies where true probabilities would put it."""
        return self.low <= self.observed <= self.high


@dataclass(frozen=True)
class Quality:
    """Figures of a back-test, see `NAMES`.

    Attributes:
        each: by origin. overall: over all: mean ROC-AUC within origins, everything else over all rows.
        trend: change from the first origin to the last along a straight line; empty below three origins.
        expected: by origin.
        reliability: predicted and observed by tenth of the rows of all origins.
    """

    each: tuple[dict[str, Figure], ...]
    overall: dict[str, Figure]
    trend: dict[str, Figure]
    expected: tuple[Expected, ...]
    reliability: tuple[dict[str, float], ...]


class _AtOrigin:
    """One origin with all that does not depend on the weights worked out once."""

    def __init__(self, rows: pd.DataFrame, constant: float, capacity: int, account: np.ndarray) -> None:
        known = rows["label"].notna().to_numpy()
        label = rows["label"].to_numpy(dtype=float, na_value=0.0)
        self.account, self.known_account = account, account[known]
        self.label, self.probability = label[known], rows["probability"].to_numpy(dtype=float)[known]
        self.losses = metrics.log_losses(self.probability, self.label)
        self.constant_losses = metrics.log_losses(np.full(int(known.sum()), constant), self.label)
        self.bins = metrics.equal_mass_bins(self.probability) if known.any() else np.zeros(0, dtype=int)
        money = rows["money"].to_numpy(dtype=float, na_value=0.0)
        self.event, self.gone = label, label * money
        self.capacity = capacity
        self.likely = order(rows, "probability", largest_first=True)
        self.expected = order(rows, "expected", largest_first=True)

    def sums(self, drawn: np.ndarray) -> dict[str, float]:
        """Sums and figures under how often each account was drawn."""
        w, everyone = drawn[self.known_account], drawn[self.account]
        size = float(min(self.capacity, everyone.sum()))
        listed = metrics.reached(self.likely, size, everyone)
        by_money = metrics.reached(self.expected, size, everyone)
        return {
            "n": float(w.sum()),
            "roc_auc": metrics.roc_auc(self.probability, self.label, w),
            "loss": float((w * self.losses).sum()),
            "constant": float((w * self.constant_losses).sum()),
            "off": metrics.calibration_error(self.probability, self.label, self.bins, w) * float(w.sum()),
            "predicted": float((w * self.probability).sum()),
            "observed": float((w * self.label).sum()),
            "caught": float((listed * self.event).sum()),
            "gone": float((everyone * self.gone).sum()),
            "caught_money": float((by_money * self.gone).sum()),
        }


def _figures(sums: Sequence[dict[str, float]]) -> dict[str, float]:
    """Figures of one origin, or of several together."""

    def total(name: str) -> float:
        return sum(one[name] for one in sums)

    def share(part: float, whole: float) -> float:
        return part / whole if whole > 0 else float("nan")

    n = total("n")
    aucs = [one["roc_auc"] for one in sums if np.isfinite(one["roc_auc"])]
    loss, constant = share(total("loss"), n), share(total("constant"), n)
    return {
        "roc_auc": float(np.mean(aucs)) if aucs else float("nan"),
        "log_loss": loss,
        "log_loss_constant": constant,
        "log_loss_gain": constant - loss,
        "calibration_error": share(sum(one["off"] for one in sums if np.isfinite(one["off"])), n),
        "calibration_ratio": share(total("predicted"), total("observed")),
        "events_caught": share(total("caught"), total("observed")),
        "money_caught": share(total("caught_money"), total("gone")),
    }


def quality(
    frames: Sequence[pd.DataFrame],
    as_ofs: Sequence[datetime],
    constants: Sequence[float],
    *,
    capacity: int,
    seed: int,
    rounds: int,
) -> Quality:
    """Measure the origins.

    Args:
        frames: a frame an origin.
        constants: the rate that the constant rung of each origin would have predicted.
        rounds: account resamples behind each interval.
    """
    ids = np.unique(np.concatenate([f["account_id"].to_numpy(dtype=object).astype(str) for f in frames]))
    origins = [
        _AtOrigin(f, c, capacity, np.searchsorted(ids, f["account_id"].to_numpy(dtype=object).astype(str)))
        for f, c in zip(frames, constants, strict=True)
    ]
    days = np.array([(at - as_ofs[0]).days for at in as_ofs], dtype=float)

    def one(drawn: np.ndarray) -> tuple[list[dict[str, float]], dict[str, float], dict[str, float]]:
        sums = [origin.sums(drawn) for origin in origins]
        each = [_figures([s]) for s in sums]
        moved = {name: _moved(days, np.array([f[name] for f in each])) for name in TRENDS} if len(each) > 2 else {}
        return each, _figures(sums), moved

    point = one(np.ones(len(ids)))
    rng = np.random.default_rng(seed)
    draws = [
        one(np.bincount(rng.integers(0, len(ids), len(ids)), minlength=len(ids)).astype(float)) for _ in range(rounds)
    ]
    return Quality(
        each=tuple(
            {name: with_interval(point[0][k][name], [d[0][k][name] for d in draws]) for name in NAMES}
            for k in range(len(origins))
        ),
        overall={name: with_interval(point[1][name], [d[1][name] for d in draws]) for name in NAMES},
        trend={name: with_interval(value, [d[2][name] for d in draws]) for name, value in point[2].items()},
        expected=tuple(_expected(o.probability, o.label) for o in origins),
        reliability=tuple(_reliability(origins)),
    )


def _moved(days: np.ndarray, values: np.ndarray) -> float:
    """How far a straight line through the known values goes from the first day to the last; NaN below three.

    >>> round(_moved(np.array([0.0, 30.0, 60.0]), np.array([0.5, 0.7, 0.7])), 6)
    0.2
    """
    known = np.isfinite(values)
    if known.sum() < 3:
        return float("nan")
    x = days[known] - days[known].mean()
    return float((x * values[known]).sum() / (x * x).sum() * np.ptp(days))


def _expected(probability: np.ndarray, label: np.ndarray) -> Expected:
    """Expected and observed, with the interval of a sum of independent events (normal approximation)."""
    predicted, spread = float(probability.sum()), float(np.sqrt((probability * (1 - probability)).sum()))
    low, high = max(0.0, predicted - WITHIN * spread), min(float(len(label)), predicted + WITHIN * spread)
    return Expected(predicted, int(label.sum()), low, high)


def _reliability(origins: Sequence[_AtOrigin]) -> list[dict[str, float]]:
    p, y = (np.concatenate([getattr(o, name) for o in origins]) for name in ("probability", "label"))
    bins = metrics.equal_mass_bins(p) if len(p) else np.zeros(0, dtype=int)
    return [
        {
            "n": int((bins == k).sum()),
            "predicted": float(p[bins == k].mean()),
            "observed": float(y[bins == k].mean()),
        }
        for k in np.unique(bins)
    ]
