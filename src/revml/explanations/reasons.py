"""Which facts explain a score: the strongest concepts, each told by the feature that shows it best.

Comes in: a bundle, the rows it scored, the same accounts' rows 12 weeks before. Goes out: reasons in order, with
value, past, peers and a sentence in each language; of very many rows part by part. A concept's weight is the sum over
all its features; the feature only tells its story. Ties fall to the name, so that the same data gives the same reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from revml.at_risk import AtRisk
from revml.config import LOSSES
from revml.explanations.choosing import Concepts, choose
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
    slope = slopes(looked.question, looked.features, looked.slopes)
    concepts = Concepts.of_features(looked.features)
    for number, (start, stop) in enumerate(looked.parts):
        now = looked.rows.part(start, stop)
        facts = known.part(start, stop, now)
        yield _told(now, looked.contributions(number), facts, slope, concepts, looked.question, top, currency)


def _told(
    now: pd.DataFrame,
    explained: Contributions,
    facts: KnownFacts,
    slope: np.ndarray,
    concepts: Concepts,
    question: str,
    top: int,
    currency: str,
) -> pd.DataFrame:
    told = choose(concepts, explained.values, facts.value, facts.past, facts.peers, facts.known, slope, top)
    row, column = told.row, told.column
    chosen = pd.DataFrame(
        {
            "account_id": now["account_id"].to_numpy(dtype=object)[row],
            "question": question,
            "item": now["item"].to_numpy(dtype=object)[row] if "item" in now else "",
            "rank": told.rank,
            "concept": np.asarray(concepts.called, dtype=object)[told.concept],
            "side": np.where(told.contribution > 0, "raises", "lowers"),
            "contribution": told.contribution,
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


def slopes(question: str, features: Sequence[Feature], found: np.ndarray) -> np.ndarray:
    """Whether more of a feature raises (1) or lowers (-1) the probability: as declared, else as the model has it."""
    good = -1.0 if question in LOSSES else 1.0
    return np.array(
        [
            {"good": good, "bad": -good}.get(feature.direction) or slope
            for feature, slope in zip(features, found, strict=True)
        ],
        dtype=float,
    )
