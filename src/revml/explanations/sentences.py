"""A fact, its past and its peers as one sentence in the reader's language.

"Active users in the last 28 days: 19 (12 weeks ago 41; similar accounts 38)". Numbers are the data's own, rounded to
what a person reads; a value that is not there is said to be not known. Texts stand in `locales/*/reasons.po`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.explanations.facts import KnownFacts
from revml.features.catalog import feature_words
from revml.features.spec import Feature, FeatureKind
from revml.locales import Words, words
from revml.snapshots import PAST_DAYS

PAST_WEEKS = PAST_DAYS // 7
# Standard deviations below which a count is called so: chance alone passes 1 one time in three, 2 one time in twenty.
DEVIATIONS = (
    (-2.0, "reason.far_less"),
    (-1.0, "reason.less"),
    (1.0, "reason.usual"),
    (2.0, "reason.more"),
    (np.inf, "reason.far_more"),
)
NUMBER_DIGITS = ((100.0, 0), (10.0, 1), (0.0, 2))  # decimals from this size on


@dataclass(frozen=True)
class Told:
    """One fact that is to be told; numbers are NaN and texts None where unknown.

    Args:
        feature: what the fact is about, with its label in the language asked for.
        label: the feature in words, with its window.
        value, past: the fact and itself `PAST_WEEKS` before; yes is 1; unused for categories.
        peers: the median of similar accounts; for flags their share of yes, for categories the share of all accounts
            with the same.
        category, past_category: the values of a category.
    """

    feature: Feature
    label: str
    value: float
    past: float
    peers: float
    category: str | None = None
    past_category: str | None = None


class Teller:
    """Tells facts in one language and currency; remembers what it has formatted.

    >>> feature = Feature("active_users_28d", "count", "usage", "good", window_days=28)
    >>> Teller("en", "EUR").sentence(Told(feature, "Active users in the last 28 days", 19, 41, 38))
    'Active users in the last 28 days: 19 (12 weeks ago 41; similar accounts 38)'
    """

    def __init__(self, language: str, currency: str) -> None:
        self._words: Words = words(language)
        self._currency = currency
        self._seen: dict[tuple[FeatureKind, float], str] = {}

    def sentence(self, told: Told) -> str:
        """The fact with what it is compared with."""
        if told.feature.kind == "category":
            value, context = self._category(told), self._category_context(told)
        else:
            value, context = self.value(told.feature.kind, told.value), self._context(told)
        if not context:
            return self._words.text("reason.alone", label=told.label, value=value)
        return self._words.text("reason.compared", label=told.label, value=value, context="; ".join(context))

    def value(self, kind: FeatureKind, value: float) -> str:
        """A value as a person writes it; `not known` where there is none."""
        if not np.isfinite(value):
            return self._words.text("reason.not_known")
        key = (kind, value)
        if key not in self._seen:
            self._seen[key] = self._format(kind, value)
        return self._seen[key]

    def _format(self, kind: FeatureKind, value: float) -> str:
        w = self._words
        if kind == "flag":
            return w.text("reason.yes" if value > 0.5 else "reason.no")
        if kind == "money":
            return w.money(_whole(value, 0), self._currency)
        if kind == "share":
            digits = 1 if 0 < abs(value) < 0.1 else 0
            return w.percent(_whole(value, digits + 2), digits)
        if kind == "ratio":
            return w.text("reason.times", number=w.number(_whole(value, 2), 2))
        if kind == "deviation":
            return w.text(next(key for most, key in DEVIATIONS if value < most))
        digits = 1 if kind == "score" else next(d for least, d in NUMBER_DIGITS if abs(value) >= least)
        if kind == "days":
            digits = min(digits, 1)
        return w.number(_whole(value, digits), digits)

    def _context(self, told: Told) -> list[str]:
        kind, context = told.feature.kind, []
        if np.isfinite(told.past) and not is_clock(kind, told.value, told.past):
            context.append(self._words.text("reason.past", weeks=PAST_WEEKS, value=self.value(kind, told.past)))
        if np.isfinite(told.peers):
            key = "reason.peers_flag" if kind == "flag" else "reason.peers"
            shown = self.value("share" if kind == "flag" else kind, told.peers)
            context.append(self._words.text(key, value=shown))
        return context

    def _category(self, told: Told) -> str:
        return told.category if told.category is not None else self._words.text("reason.not_known")

    def _category_context(self, told: Told) -> list[str]:
        context = []
        if told.past_category is not None and told.past_category != told.category:
            context.append(self._words.text("reason.past", weeks=PAST_WEEKS, value=told.past_category))
        if told.category is not None and np.isfinite(told.peers):
            context.append(self._words.text("reason.peers_category", value=self.value("share", told.peers)))
        return context


def is_clock(kind: FeatureKind, value: float, past: float) -> bool:
    """Whether a number of days moved by exactly the days that passed, so that its past is no news.

    >>> is_clock("days", 400.0, 316.0), is_clock("days", 20.0, 104.0), is_clock("days", 20.0, 90.0)
    (True, True, False)
    """
    return kind == "days" and abs(abs(value - past) - PAST_DAYS) < 0.01


def _whole(value: float, digits: int) -> float:
    return round(float(value), digits) + 0.0  # no minus zero


def sentences(facts: KnownFacts, row: np.ndarray, column: np.ndarray, *, currency: str, language: str) -> list[str]:
    """The sentence of each fact at (row, column)."""
    teller = Teller(language, currency)
    labels = {int(c): feature_words(facts.features[c], language) for c in np.unique(column)}
    out = []
    for r, c in zip(row.tolist(), column.tolist(), strict=True):
        feature = facts.features[c]
        is_category = feature.kind == "category"
        out.append(
            teller.sentence(
                Told(
                    feature,
                    labels[c],
                    value=float(facts.value[r, c]),
                    past=float(facts.past[r, c]),
                    peers=float(facts.peers[r, c]),
                    category=facts.category[feature.name][r] if is_category else None,
                    past_category=facts.past_category[feature.name][r] if is_category else None,
                )
            )
        )
    return out
