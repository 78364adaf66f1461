"""What every concept does to the log-odds of every row: the whole of an explanation, not only its strongest reasons.

Comes in: a `Looked`. Goes out: `ConceptSums`, for whoever carries a prediction on (lifetime values in money).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from revml.explanations.choosing import Concepts
from revml.explanations.looking import Looked


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


def concept_sums(looked: Looked) -> ConceptSums:
    """The contributions of all rows by concept; a few numbers a row, of however many parts."""
    concepts = Concepts.of_features(looked.features)
    found, base = [], 0.0
    for number in range(len(looked.parts)):
        explained = looked.contributions(number)
        found.append(concepts.sums(explained.values))
        base = explained.base
    accounts = looked.rows.own["account_id"].to_numpy(dtype=object)
    sums = np.concatenate(found) if found else np.zeros((len(accounts), len(concepts.ideas)))
    return ConceptSums(accounts, base, concepts.ideas, sums)
