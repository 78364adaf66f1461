"""A fact, its past and its peers as one sentence in the reader's language.

"Active users in the last 28 days fell from 41 to 19 in 12 weeks; similar accounts held at 38". Numbers are the data's
own, rounded to what a person reads; a value that is not there is said to be not known. What repeats among accounts is
worded once. The phrases are made in `phrases`, texts stand in `locales/*/reasons.po`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import nan

import numpy as np

from revml.explanations.facts import KnownFacts
from revml.explanations.phrases import CategoryPhrase, Phrase, phrase
from revml.explanations.written import rounded, rounded_one
from revml.features.catalog import feature_words
from revml.features.spec import Feature


@dataclass(frozen=True)
class Told:
    """One fact that is to be told; numbers are NaN and texts None where unknown.

    Args:
        feature: what the fact is about, with its label in the language asked for.
        label: the feature in words, with its window.
        value, past: the fact and itself `PAST_DAYS` before; yes is 1; unused for categories.
        peers: the median of similar accounts; for flags their share of yes, for categories the share of all accounts
            with the same.
        category, past_category: the values of a category.
        past_peers: the median of the same similar accounts `PAST_DAYS` before.
        since: days in which most of the movement came about, see `since`.
        seen: whether the account was looked at then.
    """

    feature: Feature
    label: str
    value: float
    past: float
    peers: float
    category: str | None = None
    past_category: str | None = None
    past_peers: float = nan
    since: int = 0
    seen: bool = False


class Teller:
    """Tells facts in one language and currency; its phrases are compiled once a feature.

    >>> feature = Feature("active_users_28d", "count", "usage", "good", window_days=28)
    >>> told = Told(feature, "Active users in the last 28 days", 19, 41, 38, past_peers=39)
    >>> Teller("en", "EUR").sentence(told)
    'Active users in the last 28 days fell from 41 to 19 in 12 weeks; similar accounts held at 38'
    >>> Teller("cs", "EUR").sentence(Told(feature, "Aktivní uživatelé za posledních 28 dní", 19, 41, 38))
    'Aktivní uživatelé za posledních 28 dní: pokles ze 41 na 19 za 12 týdnů; u podobných zákazníků 38'
    """

    def __init__(self, language: str, currency: str) -> None:
        self._language, self._currency = language, currency
        self._phrases: dict[tuple[str, str, str], Phrase] = {}
        self._categories: dict[str, CategoryPhrase] = {}

    def sentence(self, told: Told) -> str:
        """One fact."""
        kind = told.feature.kind
        if kind == "category":
            share = rounded_one("share", told.peers)
            return self.category(told.label).say(told.category, told.past_category, share)
        return self.phrase(told.feature, told.label).say(
            rounded_one(kind, told.value),
            rounded_one(kind, told.past),
            rounded_one("share" if kind == "flag" else kind, told.peers),
            rounded_one(kind, told.past_peers),
            told.since,
            told.seen,
        )

    def phrase(self, feature: Feature, label: str) -> Phrase:
        """The phrase of a feature that is not a category."""
        key = (feature.name, feature.kind, label)
        found = self._phrases.get(key)
        if found is None:
            found = self._phrases[key] = phrase(feature, label, self._language, self._currency)
        return found

    def category(self, label: str) -> CategoryPhrase:
        """The phrase of a category."""
        found = self._categories.get(label)
        if found is None:
            found = self._categories[label] = CategoryPhrase(label, self._language, self._currency)
        return found


@lru_cache(maxsize=16)
def teller(language: str, currency: str) -> Teller:
    """One a language and currency, with all it has compiled."""
    return Teller(language, currency)


@lru_cache(maxsize=2048)
def label_of(feature: Feature, language: str) -> str:
    """`feature_words`, remembered."""
    return feature_words(feature, language)


def sentences(facts: KnownFacts, row: np.ndarray, column: np.ndarray, *, currency: str, language: str) -> list[str]:
    """The sentence of each fact at (row, column).

    Facts of a feature are told together: those that read the same are worded once.
    """
    tells = teller(language, currency)
    out: list[str] = [""] * len(row)
    order = np.argsort(column, kind="stable")
    sorted_columns = column[order]
    edges = [*np.flatnonzero(np.diff(sorted_columns, prepend=-1)).tolist(), len(order)]
    for start, stop in pairwise(edges):
        c, places = int(sorted_columns[start]), order[start:stop]
        rows, feature = row[places], facts.features[c]
        label = label_of(feature, language)
        if feature.kind == "category":
            say = tells.category(label).say
            shares = _known(rounded("share", facts.peers[rows, c]))
            now, before = facts.category[feature.name][rows], facts.past_category[feature.name][rows]
            keys = zip(now.tolist(), before.tolist(), shares, strict=True)
        else:
            say = tells.phrase(feature, label).say  # type: ignore[assignment]
            keys = _keys(facts, feature, rows, c)  # type: ignore[assignment]
        made: dict[tuple[object, ...], str] = {}
        for place, key in zip(places.tolist(), keys, strict=True):
            text = made.get(key)
            if text is None:
                text = made[key] = say(*key)
            out[place] = text
    return out


def _keys(facts: KnownFacts, feature: Feature, rows: np.ndarray, c: int) -> zip[tuple[object, ...]]:
    """What a phrase is told of each row."""
    kind = feature.kind
    value, past = (_known(rounded(kind, array[rows, c])) for array in (facts.value, facts.past))
    peers = _known(rounded("share" if kind == "flag" else kind, facts.peers[rows, c]))
    n = len(rows)
    past_peers: Sequence[object] = [None] * n
    if facts.past_peers is not None:
        past_peers = _known(rounded(kind, facts.past_peers[rows, c]))
    since = [0] * n if facts.since is None else facts.since[rows, c].tolist()
    seen = [False] * n if facts.seen is None else facts.seen[rows, c].tolist()
    return zip(value, past, peers, past_peers, since, seen, strict=True)


def _known(values: np.ndarray) -> list[float | None]:
    """Numbers, None where unknown."""
    return [None if v != v else v for v in values.tolist()]
