"""Figures of ranking and calibration under weights, so that a bootstrap is one weighted pass.

Every function takes rows already sorted where it says so; weights are how often a row was drawn. Undefined figures
(one class only) are NaN, never a made-up number.
"""

from __future__ import annotations

import numpy as np

BINS = 10


def roc_auc(score: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Chance that a random event ranks above a random non-event, ties counting half (Hanley and McNeil 1982).

    >>> roc_auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1]))
    0.875
    """
    w = np.ones(len(score)) if weight is None else weight
    _, place = np.unique(score, return_inverse=True)
    events = np.bincount(place, weights=w * label)
    others = np.bincount(place, weights=w * (1 - label))
    total = events.sum() * others.sum()
    if total <= 0:
        return float("nan")
    below = np.cumsum(others) - others
    return float((events * (below + 0.5 * others)).sum() / total)


def pr_auc(score: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Average precision: precision at each event's rank, averaged over the events; ties share a rank.

    >>> round(pr_auc(np.array([0.9, 0.8, 0.1]), np.array([1, 0, 1])), 4)
    0.8333
    """
    w = np.ones(len(score)) if weight is None else weight
    _, place = np.unique(-score, return_inverse=True)
    events = np.bincount(place, weights=w * label)
    drawn = np.bincount(place, weights=w)
    if events.sum() <= 0:
        return float("nan")
    precision = np.cumsum(events) / np.maximum(np.cumsum(drawn), 1e-12)
    return float((precision * events).sum() / events.sum())


def log_losses(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Log-loss of each row, in nats."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-(label * np.log(p) + (1 - label) * np.log1p(-p)))


def equal_mass_bins(probability: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each row, 0 the least likely; bins hold equally many rows and rows of equal probability stay together.

    >>> equal_mass_bins(np.array([0.1, 0.2, 0.2, 0.9]), bins=2).tolist()
    [0, 0, 0, 1]
    """
    order = np.sort(probability)
    cuts = np.unique(order[[len(order) * k // bins - 1 for k in range(1, bins) if len(order) * k // bins > 0]])
    found = np.searchsorted(cuts, probability, side="left")
    return np.asarray(np.unique(found, return_inverse=True)[1])


def calibration_error(
    probability: np.ndarray, label: np.ndarray, bin_of: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """Mean distance between predicted and observed share over bins of equal mass (expected calibration error)."""
    w = np.ones(len(label)) if weight is None else weight
    if not len(label) or w.sum() <= 0:
        return float("nan")
    off = np.bincount(bin_of, weights=w * (probability - label))
    return float(np.abs(off).sum() / w.sum())


def reached(order: np.ndarray, capacity: float, weight: np.ndarray) -> np.ndarray:
    """How much of each row lies within the first `capacity` draws of an order; shape of `weight`.

    >>> reached(np.array([2, 0, 1]), 2, np.array([1.0, 1.0, 1.0])).tolist()
    [1.0, 0.0, 1.0]
    """
    before = np.cumsum(weight[order]) - weight[order]
    taken = np.empty(len(weight))
    taken[order] = np.clip(capacity - before, 0, weight[order])
    return taken
