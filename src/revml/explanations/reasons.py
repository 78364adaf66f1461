"""Which facts explain a score: the strongest concepts, each told by the feature that shows it best.

Comes in: a bundle, the rows it scored, the same accounts' rows 12 weeks before. Goes out: reasons in order, with
value, past, peers and a sentence in each language; of very many rows part by part. A concept's weight is the sum over
all its features; the feature only tells its story. Ties fall to the name, so that the same data gives the same reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from revml.at_risk import AtRisk
from revml.config import LOSSES
from revml.explanations.concepts import ideas
from revml.explanations.contributions import Contributions, Explainable
from revml.explanations.facts import Known, KnownFacts, declared
from revml.explanations.looking import Looked, look
from revml.explanations.sentences import sentences
from revml.features.spec import Feature
from revml.locales import LANGUAGES

# What a run publishes (`store.runs` holds the same columns; the store stands above this package).
REASON_COLUMNS = (
    "account_id",
    "question",
    "item",
    "rank",
    "concept",
    "side",
    "contribution",
    "feature",
    "value",
    "past",
    "peers",
    "text_en",
    "text_cs",
)
LEAST = 0.02  # log-odds; a concept that moves the odds by less than 2 % is no reason,
LEAST_SHARE = 0.03  # nor is one beside another that moves them over thirty times as much
# Who an account is and what the calendar says may weigh much, but nobody can act on it: among the reasons it takes the
# place of half its strength.
CIRCUMSTANCES = ("profile", "renewal")
CIRCUMSTANCE_WEIGHT = 0.5

# How well a feature tells its concept's story, as a factor of its own contribution.
AGREES = 1.0  # it differs from its past or its peers in the direction of its contribution
SILENT = 0.7  # it cannot be compared, or has no direction
DISAGREES = 0.4  # it differs the other way, or not at all
MISSING = 0.2  # it is not known, which is a reason only where the model makes much of it

TYPES = dict.fromkeys(REASON_COLUMNS, "str") | {
    "rank": "int64",
    "contribution": "float64",
    "value": "object",
    "past": "object",
    "peers": "object",
}


def explain(
    bundle: Explainable,
    now: pd.DataFrame,
    past: pd.DataFrame | None,
    *,
    top: int = 4,
    currency: str,
    own: Mapping[str, Feature] | None = None,
) -> pd.DataFrame:
    """The reasons behind the scores of some accounts.

    Args:
        bundle: the model that scored `now`.
        now: one row an account (or an account and `item`): `account_id`, the bundle's features, `money` where known.
            Peers are found among them, of pairs among those of the same item.
        past: features of the same accounts `PAST_DAYS` before; an account that is not in it has no past.
        top: reasons an account; at most `top - 1` of them raise the probability where others lower it.
        currency: ISO 4217 code of money features.
        own: declarations of the company's own columns, which go before those of revml's catalogue. The columns of a
            ready table (concept `own`) are each a reason of their own.

    Returns:
        `REASON_COLUMNS`, sorted by account, item and rank: what raises the probability first, then what lowers it, each
        side by strength, circumstances at half of theirs. Fewer than `top` rows where fewer concepts matter, none for a
        constant model. `value` and `past` are numbers, texts of a category, or None where unknown; yes is 1. `peers` is
        a median, for flags the share of yes, for categories the share of all accounts with the same.

    Raises:
        BundleError: a feature is missing, or the explanation does not add up.
    """
    rows = AtRisk.of(now)
    looked = look(bundle, rows, features_of(bundle, own))
    return pd.concat(explain_parts(looked, past, top=top, currency=currency), ignore_index=True)


def features_of(bundle: Explainable, own: Mapping[str, Feature] | None = None) -> tuple[Feature, ...]:
    """The declarations of a bundle's features, the company's own first."""
    named = ((name, name in bundle.categorical) for name in bundle.features)
    return tuple((own or {}).get(name) or declared(name, categorical=category) for name, category in named)


def explain_parts(looked: Looked, past: pd.DataFrame | None, *, top: int = 4, currency: str) -> Iterator[pd.DataFrame]:
    """`explain` of rows that a model looked at part by part: the same reasons, a frame a part, in order."""
    known = Known(looked.rows, past, looked.features)
    slope = _slopes(looked)
    for number, (start, stop) in enumerate(looked.parts):
        now = looked.rows.part(start, stop)
        facts = known.part(start, stop, now)
        yield _told(now, looked.contributions(number), facts, slope, looked.question, top, currency)


def _told(
    now: pd.DataFrame,
    explained: Contributions,
    facts: KnownFacts,
    slope: np.ndarray,
    question: str,
    top: int,
    currency: str,
) -> pd.DataFrame:
    features = facts.features
    idea_of = ideas(features)
    called = {idea: feature.concept for idea, feature in zip(idea_of, features, strict=True)}
    concepts, sums = explained.by_concept(idea_of)
    weight = np.where(np.isin([called[idea] for idea in concepts], CIRCUMSTANCES), CIRCUMSTANCE_WEIGHT, 1.0)
    row, concept, rank = strongest(sums * weight, top)
    concept_of = np.searchsorted(np.asarray(concepts), idea_of)
    column = _tellers(explained.values, sums, facts, concept_of, slope)[row, concept]
    chosen = pd.DataFrame(
        {
            "account_id": now["account_id"].to_numpy(dtype=object)[row],
            "question": question,
            "item": now["item"].to_numpy(dtype=object)[row] if "item" in now else "",
            "rank": rank,
            "concept": np.asarray([called[idea] for idea in concepts], dtype=object)[concept],
            "side": np.where(sums[row, concept] > 0, "raises", "lowers"),
            "contribution": sums[row, concept],
            "feature": np.asarray(explained.features, dtype=object)[column],
            "value": _cells(facts.value, facts.category, facts, row, column),
            "past": _cells(facts.past, facts.past_category, facts, row, column),
            "peers": _cells(facts.peers, {}, facts, row, column),
        }
    )
    for language in LANGUAGES:
        chosen[f"text_{language}"] = sentences(facts, row, column, currency=currency, language=language)
    return chosen.astype(TYPES)[list(REASON_COLUMNS)]


def _cells(
    numbers: np.ndarray, texts: dict[str, np.ndarray], facts: KnownFacts, row: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """Numbers, and texts where the feature is a category; None where unknown."""
    cells: np.ndarray = numbers[row, column].astype(object)
    cells[np.isnan(numbers[row, column])] = None
    for name, values in texts.items():
        mine = column == facts.names.index(name)
        cells[mine] = values[row[mine]]
    return cells


def strongest(sums: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which concepts are told of each row.

    Up to `top - 1` that raise, then those that lower, then whatever else raises, until there are `top`.

    Args:
        sums: (rows, concepts) log-odds.

    Returns:
        Row, concept and rank (from 1) of each reason, sorted by row and rank.

    >>> row, concept, rank = strongest(np.array([[0.5, -0.9, 0.1, 0.3, 0.2]]), top=4)
    >>> concept.tolist(), rank.tolist()
    ([0, 3, 4, 1], [1, 2, 3, 4])
    """
    n_concepts = sums.shape[1]
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")
    ordered = np.take_along_axis(sums, order, axis=1)
    matters = np.abs(ordered) >= np.maximum(LEAST, LEAST_SHARE * np.abs(ordered[:, :1]))
    raises, lowers = matters & (ordered > 0), matters & (ordered < 0)
    early = raises & (np.cumsum(raises, axis=1) <= max(top - 1, 1))
    turn = np.select([early, lowers, raises], [0, 1, 2], default=3)
    place = turn * n_concepts + np.arange(n_concepts)
    picked = np.argsort(place, axis=1, kind="stable")[:, :top]
    row, at = np.nonzero(np.take_along_axis(turn, picked, axis=1) < 3)
    position = picked[row, at]
    told = np.lexsort((position, ordered[row, position] < 0, row))
    row, position = row[told], position[told]
    rank = np.arange(len(row)) - np.searchsorted(row, row, side="left") + 1
    return row, order[row, position], rank


def _tellers(
    values: np.ndarray, sums: np.ndarray, facts: KnownFacts, concept_of: np.ndarray, slope: np.ndarray
) -> np.ndarray:
    """(rows, concepts): the feature that tells the story of each concept, among those that pull the same way."""
    with np.errstate(invalid="ignore"):
        pull = np.sign(values)
        fits = [np.sign(facts.value - other) * slope == pull for other in (facts.past, facts.peers)]
    comparable = (np.isfinite(facts.past) | np.isfinite(facts.peers)) & (slope != 0) & np.isfinite(facts.value)
    story = np.select([~facts.known, ~comparable, (fits[0] | fits[1])], [MISSING, SILENT, AGREES], default=DISAGREES)
    weight = values * story
    best = np.zeros(sums.shape, dtype=np.int64)
    for concept in range(sums.shape[1]):
        members = np.flatnonzero(concept_of == concept)
        best[:, concept] = members[np.argmax(weight[:, members] * np.sign(sums[:, [concept]]), axis=1)]
    return best


def _slopes(looked: Looked) -> np.ndarray:
    """Whether more of a feature raises (1) or lowers (-1) the probability: as declared, else as the model has it."""
    good = -1.0 if looked.question in LOSSES else 1.0
    return np.array(
        [
            {"good": good, "bad": -good}.get(feature.direction) or slope
            for feature, slope in zip(looked.features, looked.slopes, strict=True)
        ]
    )
