"""How far two models give the same accounts the same reasons: the overlap of each account's strongest concepts.

Comes in: contributions by concept of the same rows under two models. Goes out: an `Overlap`. A reason is a concept with
its direction: what raised the probability and now lowers it is not the same reason. Models of one training under other
seeds tell how much of a difference is luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from revml.features.catalog import catalog
from revml.features.spec import CIRCUMSTANCE_WEIGHT, CIRCUMSTANCES
from revml.models.encoding import Encoding
from revml.models.ladder import Climbed, refit
from revml.models.learning import Learning

TOP = 3
LEAST = 0.02  # log-odds; what moves the odds by less than 2 % is no reason
PERSISTENCE = 0.9  # of rank-biased overlap: how likely a reader of one reason goes on to the next
SEEDS = 2  # other seeds that a training is repeated under
ROWS = 2_000


@dataclass(frozen=True)
class Overlap:
    """How much of the strongest reasons two models share; shares of 0 to 1.

    Attributes:
        shared: of an account's `TOP` reasons, how many both give; the mean over accounts.
        low: the same of the account at the tenth of the least agreement.
        jaccard: what both give of what either gives, the mean.
        ranked: rank-biased overlap (Webber et al. 2010) cut at `TOP`: agreement on the first reason counts most.
        accounts: rows with a reason in one of the two at least.
    """

    shared: float
    low: float
    jaccard: float
    ranked: float
    accounts: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return asdict(self)


def strongest_reasons(names: Sequence[str], sums: np.ndarray, top: int = TOP) -> np.ndarray:
    """The strongest concepts of each row, such as `+usage` or `-price`, empty where fewer matter; shape (rows, top).

    >>> strongest_reasons(("price", "usage"), np.array([[0.5, -0.9], [0.01, 0.3]])).tolist()
    [['-usage', '+price', ''], ['+usage', '', '']]
    """
    told = np.full((len(sums), top), "", dtype=object)
    if not len(names):
        return told
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :top]
    values = np.take_along_axis(sums, order, axis=1)
    signs = np.where(values > 0, "+", "-").astype(object)
    known = np.asarray(names, dtype=object)[order]
    told[:, : order.shape[1]] = np.where(np.abs(values) >= LEAST, signs + known, "")
    return told


def overlap(one: np.ndarray, other: np.ndarray) -> Overlap | None:
    """Compare what `strongest_reasons` gave for the same rows; None where no row has a reason.

    >>> a = strongest_reasons(("p", "u"), np.array([[0.5, -0.9]]))
    >>> b = strongest_reasons(("p", "u"), np.array([[0.5, 0.9]]))
    >>> overlap(a, b).shared, overlap(a, b).jaccard
    (0.5, 0.3333333333333333)
    """
    either = ((one != "") | (other != "")).any(axis=1)
    if not either.any():
        return None
    one, other = one[either], other[either]
    sizes = np.maximum((one != "").sum(axis=1), (other != "").sum(axis=1))
    both = _common(one, other)
    shared = both / sizes
    union = (one != "").sum(axis=1) + (other != "").sum(axis=1) - both
    weights = PERSISTENCE ** np.arange(one.shape[1])
    at = np.stack([_common(one[:, :d], other[:, :d]) / np.minimum(d, sizes) for d in range(1, one.shape[1] + 1)])
    return Overlap(
        shared=float(shared.mean()),
        low=float(np.quantile(shared, 0.1, method="lower")),
        jaccard=float((both / union).mean()),
        ranked=float((weights @ at / weights.sum()).mean()),
        accounts=len(one),
    )


def seed_stability(climbed: Climbed, data: Learning, matrix: np.ndarray, *, own: bool) -> dict[str, Any] | None:
    """How far the reasons of some rows stay where only the seed of the training is another.

    Args:
        matrix: encoded rows that were not learned from; at most `ROWS` of them are looked at.
        own: whether the columns are a ready table's, each a concept of its own.

    Returns:
        The overlap, the mean over `SEEDS` other seeds, with their number; None where nothing is drawn by lot or nobody
        has a reason.
    """
    if climbed.model.name not in ("lightgbm", "blend"):
        return None
    rows = matrix[:: 1 + len(matrix) // ROWS]
    concepts = concepts_of(data.encoding, own=own)
    mine = _reasons(climbed.model.contributions(rows)[1], concepts)
    found = []
    for step in range(1, SEEDS + 1):
        again = refit(climbed, replace(data, seed=data.seed + step))
        found.append(overlap(mine, _reasons(again.contributions(rows)[1], concepts)))
    told = [one.to_json() for one in found if one is not None]
    if not told:
        return None
    return {"seeds": SEEDS} | {name: round(float(np.mean([one[name] for one in told])), 6) for name in told[0]}


def concepts_of(encoding: Encoding, *, own: bool) -> list[str]:
    """The concept of each column; one that nobody declared is of the profile, one of a ready table is itself."""
    declared = catalog()
    if own:
        return list(encoding.names)
    return [declared[name].concept if name in declared else "profile" for name in encoding.names]


def by_concept(parts: np.ndarray, concepts: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Sums of parts by concept, concepts by name."""
    names, index = np.unique(np.asarray(concepts, dtype=object).astype(str), return_inverse=True)
    sums = np.zeros((len(parts), len(names)))
    # One after another, so that a row's sum has the same bits among few rows and among many.
    for column, concept in enumerate(index):
        sums[:, concept] += parts[:, column]
    return tuple(str(name) for name in names), sums


def _reasons(parts: np.ndarray, concepts: Sequence[str]) -> np.ndarray:
    names, sums = by_concept(parts, concepts)
    return strongest_reasons(names, sums * np.where(np.isin(names, CIRCUMSTANCES), CIRCUMSTANCE_WEIGHT, 1.0))


def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many reasons both rows have, row by row."""
    return np.asarray(((one[:, :, None] == other[:, None, :]) & (one != "")[:, :, None]).sum(axis=(1, 2)))
