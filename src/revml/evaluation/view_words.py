"""The words of the global views: concepts, values and spans of values, and what a contribution does to the odds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from revml.features.catalog import catalog
from revml.locales import Words


def concept_words(say: Words, name: str, *, own: bool) -> str:
    """A concept in words; a column of a ready table by its name."""
    return f"`{name}`" if own else say.text(f"concept.{name}")


def odds(say: Words, contribution: float) -> str:
    """What a contribution multiplies the odds by.

    >>> from revml.locales import words
    >>> odds(words("en"), 0.6931), odds(words("cs"), -0.5)
    ('×2', '×0,61')
    """
    factor = math.exp(contribution)
    return f"×{say.number(factor, 2 if factor < 10 else 0)}"


def span(say: Words, feature: str, one: Mapping[str, Any]) -> str:
    """The values of a bin: a category, one number, or from the lowest to the highest."""
    if "value" in one:
        return str(one["value"])
    low, high = (value_words(say, feature, one[end]) for end in ("low", "high"))
    return low if low == high else say.text("card.figures.between", low=low, high=high)


def value_words(say: Words, feature: str, value: float) -> str:
    """A value as its feature's kind has it: percent, yes or no, a number of three digits.

    >>> from revml.locales import words
    >>> value_words(words("en"), "auto_renew", 1.0), value_words(words("en"), "mrr", 1234.5)
    ('yes', '1,230')
    """
    declared = catalog().get(feature)
    kind = declared.kind if declared else "number"
    if kind == "flag":
        return say.text("views.yes" if value else "views.no")
    if kind == "share":
        return say.percent(value)
    told = float(f"{value:.3g}")
    return say.number(told, 0 if abs(told) >= 100 else 1 if abs(told) >= 10 else 2)


def most_and_least(say: Words, one: Mapping[str, Any]) -> tuple[str, str]:
    """The values of a feature that raise the odds most and that lower them most, with how far."""
    bins = one["bins"]
    most, least = max(bins, key=lambda b: b["median"]), min(bins, key=lambda b: b["median"])
    cells = [f"{span(say, one['feature'], b)}: {odds(say, b['median'])}" for b in (most, least)]
    return cells[0], cells[1]
