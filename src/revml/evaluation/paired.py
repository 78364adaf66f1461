"""Two models on the same rows: paired differences, and how far scores have moved.

Comes in: rows with labels and the probabilities of two models. Goes out: plain figures. Each resample draws whole
accounts, and both models meet the same draw, so that a difference is told apart from the luck of who was there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from revml.evaluation.metrics import log_losses, reached, roc_auc

ROUNDS = 400  # account resamples behind each difference
TAIL = 0.05  # of them on either side of an interval
NAMES = {
    "log_loss": "log-loss, lower is better",
    "roc_auc": "ROC-AUC",
    "money_caught": "share of the events' money on the team's list",
}


@dataclass(frozen=True)
class Difference:
    """A figure of both on the same rows.

    Args:
        challenger, champion: the figure of each; None where it cannot be told.
        low, high: the interval that holds 90 % of the resampled differences (challenger - champion).
        better: share of the resamples in which the challenger is the better one.
    """

    challenger: float | None
    champion: float | None
    low: float | None
    high: float | None
    better: float | None


def differences(
    rows: pd.DataFrame, p_new: np.ndarray, p_old: np.ndarray, *, capacity: int, seed: int
) -> dict[str, Difference]:
    """Figures of a challenger and a champion, by `NAMES`.

    Args:
        rows: account_id, as_of, label (0, 1), money.
        p_new, p_old: probabilities of the challenger and of the champion.
        capacity: accounts the team can call a month; the list is made anew at each snapshot.
    """
    label = rows["label"].to_numpy(dtype=float)
    money = rows["money"].fillna(0.0).to_numpy(dtype=float)
    sides = [_OnRows(rows, p, label, money, capacity) for p in (p_new, p_old)]
    _, index = np.unique(rows["account_id"].to_numpy(dtype=object).astype(str), return_inverse=True)
    rng, size = np.random.default_rng(seed), int(index.max()) + 1
    draws: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        weight = np.bincount(rng.integers(0, size, size), minlength=size)[index].astype(float)
        new, old = (side.figures(weight) for side in sides)
        draws.append({name: new[name] - old[name] for name in NAMES})
    new, old = (side.figures(np.ones(len(rows))) for side in sides)
    return {name: _difference(name, new[name], old[name], np.array([d[name] for d in draws])) for name in NAMES}


def _difference(name: str, new: float, old: float, draws: np.ndarray) -> Difference:
    known = draws[np.isfinite(draws)]
    if not np.isfinite(new) or not np.isfinite(old) or len(known) < len(draws) / 2:
        told = (float(v) if np.isfinite(v) else None for v in (new, old))
        return Difference(next(told), next(told), None, None, None)
    low, high = np.quantile(known, (TAIL, 1 - TAIL))
    wins = known < 0 if name == "log_loss" else known > 0
    better = float(np.mean(wins + 0.5 * (known == 0)))
    return Difference(float(new), float(old), float(low), float(high), better)


class _OnRows:
    """What is told of one model under weights; what does not depend on them is worked out once."""

    def __init__(
        self, rows: pd.DataFrame, probability: np.ndarray, label: np.ndarray, money: np.ndarray, capacity: int
    ) -> None:
        self.probability, self.label, self.lost = probability, label, label * money
        self.losses = log_losses(probability, label)
        self.capacity = capacity
        expected, at = probability * money, rows["as_of"].to_numpy()
        self.lists = []
        for one in np.unique(at):
            here = np.flatnonzero(at == one)
            self.lists.append((here, np.argsort(-expected[here], kind="stable")))

    def figures(self, weight: np.ndarray) -> dict[str, float]:
        caught = sum(
            float((reached(order, min(self.capacity, weight[here].sum()), weight[here]) * self.lost[here]).sum())
            for here, order in self.lists
        )
        lost = float((weight * self.lost).sum())
        return {
            "log_loss": float((weight * self.losses).sum() / weight.sum()),
            "roc_auc": roc_auc(self.probability, self.label, weight),
            "money_caught": caught / lost if lost > 0 else float("nan"),
        }


def population_shift(quantiles: list[float], scores: np.ndarray) -> float | None:
    """Population stability index of scores against the eleven quantiles (0, 10, ... 100 %) of older ones.

    Below 0.1 nothing has moved, above 0.25 much has (Siddiqi 2006, ch. 8). Tenths that hold one value are one bin.

    >>> round(population_shift([k / 10 for k in range(11)], np.linspace(0, 1, 1001)), 3)
    0.0
    """
    edges = np.unique(np.asarray(quantiles, dtype=float)[1:-1])
    if not len(edges) or not len(scores):
        return None
    inner = np.asarray(quantiles, dtype=float)[1:-1]
    bins = len(edges) + 1
    expected = np.diff(np.array([0.0, *[(inner <= edge).sum() / 10 for edge in edges], 1.0]))
    got = np.bincount(np.searchsorted(edges, scores, side="left"), minlength=bins) / len(scores)
    a, b = np.maximum(got, 1e-4), np.maximum(expected, 1e-4)
    return float(((a - b) * np.log(a / b)).sum())
