"""A feature's value as a person writes it, by its kind: what changes, what-if and levers say of numbers.

Comes in: a feature and a number, a category or None. Goes out: text in the reader's language.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from revml.explanations.phrases import DEVIATION_WORDS
from revml.explanations.written import DEVIATIONS
from revml.features.spec import Feature
from revml.locales import words

Value = float | str | None
DIGITS = ((100.0, 0), (10.0, 1), (0.0, 2))  # decimals from this size on


def amount(feature: Feature, value: Value, language: str, currency: str) -> str:
    """The value in words; unknown is said.

    >>> amount(Feature("a", "share", "usage"), 0.25, "en", "EUR")
    '25%'
    >>> amount(Feature("b", "deviation", "usage"), -1.52, "en", "EUR")
    'fewer (−1.52)'
    """
    speak = words(language)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return speak.text("whatif.unknown")
    if isinstance(value, str):
        return value
    if feature.kind == "flag":
        return speak.text("whatif.yes" if value > 0.5 else "whatif.no")
    if feature.kind == "money":
        return speak.money(round(value), currency)
    if feature.kind == "share":
        return speak.percent(value, 1 if 0 < abs(value) < 0.1 else 0)
    number = speak.number(value, next(digits for least, digits in DIGITS if abs(value) >= least)).replace("-", "−")
    if feature.kind == "deviation":  # in standard deviations, which say little to whoever does not count in them
        return f"{speak.text(DEVIATION_WORDS[bisect_right(DEVIATIONS, value)])} ({number})"
    return number


def concept_name(concept: str, language: str) -> str:
    """A concept in words; a column of a ready table is called as it is there.

    >>> concept_name("usage", "en"), concept_name("Tariff", "en")
    ('Use of the product', 'Tariff')
    """
    speak = words(language)
    key = f"concept.{concept}"
    return speak.text(key) if key in speak else concept
