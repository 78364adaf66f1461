"""What every concept does to the log-odds of every row: the whole of an explanation, not only its strongest reasons.

Comes in: a `Looked`. Goes out: `ConceptSums`, for whoever carries a prediction on (lifetime values in money).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from revml.explanations.facts import OWN
from revml.explanations.looking import Looked
from revml.features.spec import Feature


@dataclass(frozen=True)
class ConceptSums:
    """Contributions by concept.

    Attributes:
        account_id: (n,).
        base: log-odds of the average row.
        concepts: names.
        sums: (n, concepts) log-odds; `base + sums.sum(axis=1)` is the model's raw log-odds.
    """

    account_id: npt.NDArray[np.object_]
    base: float
    concepts: tuple[str, ...]
    sums: npt.NDArray[np.float64]


def ideas(features: Sequence[Feature]) -> list[str]:
    """The concept of each feature; a column of a company's own table is a concept by itself."""
    return [feature.name if feature.concept == OWN else feature.concept for feature in features]


def concept_sums(looked: Looked) -> ConceptSums:
    """The contributions of all rows by concept; a few numbers a row, of however many parts."""
    names: tuple[str, ...] = ()
    found, base = [], 0.0
    for number in range(len(looked.parts)):
        explained = looked.contributions(number)
        names, sums = explained.by_concept(ideas(looked.features))
        found.append(sums)
        base = explained.base
    accounts = looked.rows.own["account_id"].to_numpy(dtype=object)
    return ConceptSums(accounts, base, names, np.concatenate(found) if found else np.zeros((len(accounts), 0)))
