"""The test as curves: what a list of any length would have caught, and the ROC curve; a few dozen numbers for pictures.

Comes in: account_id, as_of, label, money, probability. Goes out: plain rounded numbers for the manifest. Lists are made
anew at each snapshot, as a team would make them; accounts alike stand in the order of their ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

POINTS = 21


def gains(rows: pd.DataFrame) -> dict[str, list[float]] | None:
    """Shares of events by probability, and of their money by expected money, on lists of 0, 5, ... 100 % of everybody.

    Returns:
        `share`, `events`, `money` (empty where no money is known), and `fpr`, `tpr` of the ROC curve; None where the
        test holds one class only.

    >>> two = pd.DataFrame({"account_id": ["a", "b"], "as_of": 0, "label": [1, 0], "money": 5.0})
    >>> told = gains(two.assign(probability=[0.9, 0.1]))
    >>> told["events"][10], told["tpr"][0], told["fpr"][-1]
    (1.0, 0.0, 1.0)
    """
    label = rows["label"].to_numpy(dtype=float)
    money = rows["money"].fillna(0.0).to_numpy(dtype=float)
    p = rows["probability"].to_numpy(dtype=float)
    if not 0 < label.sum() < len(label):
        return None
    shares = np.linspace(0, 1, POINTS)
    told: dict[str, Any] = {
        "share": _rounded(shares),
        "events": _rounded(_caught(rows, p, label, shares)),
        "money": _rounded(_caught(rows, p * money, label * money, shares)) if (label * money).sum() > 0 else [],
    }
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)  # rows of one probability stand together
    tpr = np.concatenate([[0.0], np.cumsum(label[order])[ends] / label.sum()])
    fpr = np.concatenate([[0.0], np.cumsum(1 - label[order])[ends] / (1 - label).sum()])
    grid = np.linspace(0, 1, 2 * POINTS - 1)
    return {**told, "fpr": _rounded(grid), "tpr": [0.0, *_rounded(np.interp(grid[1:], fpr, tpr))]}


def _caught(rows: pd.DataFrame, score: np.ndarray, worth: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The share of what is worth having on lists of these shares of each snapshot."""
    ids = rows["account_id"].to_numpy(dtype=object).astype(str)
    at = rows["as_of"].to_numpy()
    caught = np.zeros(len(shares))
    for one in np.unique(at):
        here = np.flatnonzero(at == one)
        order = here[np.lexsort((ids[here], -score[here]))]
        total = np.concatenate([[0.0], np.cumsum(worth[order])])
        caught += np.interp(shares * len(order), np.arange(len(order) + 1), total)
    return np.asarray(caught / worth.sum())


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in values]
