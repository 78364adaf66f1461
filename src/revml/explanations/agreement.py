"""How alike two models explain the same accounts: by concept overall, and by each account's strongest reasons.

Comes in: two bundles and the rows that both scored. Goes out: an `Agreement`. The concepts of a ready table are its
columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from revml.evaluation.stability import Overlap, overlap, strongest_reasons
from revml.explanations.choosing import Concepts, strongest
from revml.explanations.contributions import contributions
from revml.explanations.facts import declared, own_features
from revml.models.bundle import Bundle

HEAVY = 0.01  # share of the weight that a concept has in one of the two, to be asked about


@dataclass(frozen=True)
class Agreement:
    """How alike two models explain.

    Args:
        ranks: Spearman's correlation of the concepts by importance; None where there are too few of them.
        first: share of the accounts whose first reason is of the same concept; None where nobody has a reason.
        shares: by concept, its share of the weight in the challenger and in the champion.
        top: overlap of each account's strongest reasons; None where nobody has a reason.
    """

    ranks: float | None
    first: float | None
    shares: dict[str, dict[str, float]]
    top: Overlap | None = None


def agreement(new: Bundle, old: Bundle, rows: pd.DataFrame) -> Agreement:
    """Compare the explanations of a challenger and of a champion.

    Args:
        rows: one row an account, with the features of both.
    """
    told = [_concepts(bundle, rows) for bundle in (new, old)]
    shares: dict[str, dict[str, float]] = {}
    for side, (names, sums) in zip(("challenger", "champion"), told, strict=True):
        size = np.abs(sums).mean(axis=0) if len(names) else np.zeros(0)
        whole = float(size.sum())
        for name, value in zip(names, size, strict=True):
            shares.setdefault(name, {"challenger": 0.0, "champion": 0.0})[side] = float(value / whole) if whole else 0.0
    # What weighs nothing in both says nothing about whether they agree.
    heavy = [name for name, share in shares.items() if max(share.values()) >= HEAVY]
    ranks = _spearman([shares[n]["challenger"] for n in heavy], [shares[n]["champion"] for n in heavy])
    first = [_first(names, sums) for names, sums in told]
    either = (first[0] != None) | (first[1] != None)  # noqa: E711 - element by element
    same = float((first[0] == first[1])[either].mean()) if either.any() else None
    top = overlap(*(strongest_reasons(names, sums) for names, sums in told))
    shares = dict(sorted(shares.items(), key=lambda item: -max(item[1].values())))
    return Agreement(ranks, same, {name: share for name, share in shares.items() if name in heavy}, top)


def _concepts(bundle: Bundle, rows: pd.DataFrame) -> tuple[tuple[str, ...], np.ndarray]:
    """Sums of contributions by concept; circumstances at the weight that reasons give them."""
    explained = contributions(bundle, rows)
    own = own_features(bundle.ready)
    features = [own.get(n) or declared(n, categorical=n in bundle.categorical) for n in explained.features]
    concepts = Concepts.of_features(features)
    return concepts.ideas, concepts.sums(explained.values) * concepts.weight


def _first(names: tuple[str, ...], sums: np.ndarray) -> np.ndarray:
    """The concept of each row's first reason, None where it has none."""
    found = np.full(len(sums), None, dtype=object)
    if len(names):
        row, concept, rank = strongest(sums, 4)
        found[row[rank == 1]] = np.asarray(names, dtype=object)[concept[rank == 1]]
    return found


def _spearman(a: list[float], b: list[float]) -> float | None:
    if len(a) < 2:
        return 1.0 if a else None
    ranks = [pd.Series(values).rank() for values in (a, b)]
    if any(r.nunique() < 2 for r in ranks):
        return None
    return float(ranks[0].corr(ranks[1]))
