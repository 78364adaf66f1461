"""From a prediction to words: contributions of features, summed to concepts, told as facts with a past and peers.

Comes in: a bundle, the rows it scored, and the same accounts 12 weeks before. Goes out: one frame of reasons
(`REASON_COLUMNS`) with a sentence in every language. Nothing here changes a score.
"""

from __future__ import annotations

from revml.explanations.concepts import ConceptSums, concept_sums
from revml.explanations.contributions import Contributions, contributions
from revml.explanations.facts import own_features
from revml.explanations.looking import Looked, look
from revml.explanations.one_pass import Scored, scored
from revml.explanations.reasons import REASON_COLUMNS, explain, explain_parts, features_of

__all__ = [
    "REASON_COLUMNS",
    "ConceptSums",
    "Contributions",
    "Looked",
    "Scored",
    "concept_sums",
    "contributions",
    "explain",
    "explain_parts",
    "features_of",
    "look",
    "own_features",
    "scored",
]
