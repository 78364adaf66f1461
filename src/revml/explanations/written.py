"""Numbers as a person writes them, fast: Babel says once how a language writes, and every number after is plain Python.

Comes in: numbers of a feature's kind. Goes out: the same rounded to what is read (`rounded`), so that whoever compares
two of them compares what is shown, and their text (`Written`), equal to what `locales.Words` gives.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from math import isfinite

import numpy as np
from babel import Locale

from revml.features.spec import FeatureKind
from revml.locales import Words, words

# Standard deviations between the words for a deviation: chance alone passes 1 one time in three, 2 one time in twenty.
DEVIATIONS = (-2.0, -1.0, 1.0, 2.0)
# Czech says "ze" before a number whose first word begins with a hiss: ze tří, ze čtyřiceti, ze sta; but z pěti.
_HISSING = frozenset("23467")
_HISSING_TEENS = frozenset({"13", "14", "16", "17"})
_LEADING = re.compile(r"\d+")


def rounded(kind: FeatureKind, values: np.ndarray) -> np.ndarray:
    """Numbers as they are shown: counts and numbers by their size, shares to whole percent above ten.

    A deviation becomes the place of its word, 0 (far less) to 4 (far more). NaN stays NaN.

    >>> rounded("number", np.array([1234.5, 34.56, 2.345678, -0.001])).tolist()
    [1234.0, 34.6, 2.35, 0.0]
    >>> rounded("share", np.array([0.123, 0.0123])).tolist()
    [0.12, 0.012]
    """
    x = np.where(np.isfinite(values), values, np.nan)
    if kind in ("money", "days"):
        out = np.round(x, 0)
    elif kind == "share":
        out = np.where(np.abs(x) < 0.1, np.round(x, 3), np.round(x, 2))
    elif kind == "ratio":
        out = np.where(x >= 2, np.round(x, 1), np.round(x, 2))
    elif kind == "score":
        out = np.round(x, 1)
    elif kind == "deviation":
        # Which of five words it is: far less, less, the usual, more, far more.
        out = np.where(np.isnan(x), np.nan, np.searchsorted(DEVIATIONS, x, side="right"))
    else:
        size = np.abs(x)
        out = np.where(size >= 100, np.round(x, 0), np.where(size >= 10, np.round(x, 1), np.round(x, 2)))
    return out + 0.0  # no minus zero


def rounded_one(kind: FeatureKind, value: float) -> float | None:
    """One number as `rounded` gives it, without an array; None where unknown.

    >>> rounded_one("number", 34.56), rounded_one("share", 0.0123), rounded_one("money", float("nan"))
    (34.6, 0.012, None)
    """
    if not isfinite(value):
        return None
    size = abs(value)
    if kind in ("money", "days"):
        digits = 0
    elif kind == "share":
        digits = 3 if size < 0.1 else 2
    elif kind == "ratio":
        digits = 1 if value >= 2 else 2
    elif kind == "score":
        digits = 1
    elif kind == "deviation":
        return float(bisect_right(DEVIATIONS, value))
    else:
        digits = 0 if size >= 100 else 1 if size >= 10 else 2
    scale = 10.0**digits
    return round(value * scale) / scale + 0.0  # as numpy rounds: scaled, to even, scaled back


class Written:
    """How one language and currency write numbers that were `rounded`.

    >>> Written("cs", "EUR").money(1235.0), Written("en", "EUR").number(2.5)
    ('1\\xa0235\\xa0€', '2.5')
    """

    def __init__(self, language: str, currency: str) -> None:
        w = words(language)
        symbols = Locale.parse(language).number_symbols["latn"]
        self._swap = str.maketrans({",": symbols["group"], ".": symbols["decimal"]})
        self._plain = (symbols["group"], symbols["decimal"]) == (",", ".")
        self._percent, self._less_percent = (_frame(w.percent(n / 100)) for n in (1, -1))
        self._money, self._less_money = (_frame(w.money(n, currency)) for n in (1, -1))
        self._minus = _frame(w.number(-1))[0]
        self._czech = language == "cs"

    def number(self, value: float) -> str:
        """At most two decimals, grouped."""
        text = f"{abs(value):,.0f}" if value == int(value) else f"{abs(value):,.2f}".rstrip("0").rstrip(".")
        text = text if self._plain else text.translate(self._swap)
        return self._minus + text if value < 0 else text

    def percent(self, share: float) -> str:
        """Percent, with a decimal only where there is one below ten."""
        size = round(abs(share) * 100, 1)
        text = f"{size:,.1f}" if size < 10 and size % 1 else f"{size:,.0f}"
        before, after = self._less_percent if share < 0 else self._percent
        return before + (text if self._plain else text.translate(self._swap)) + after

    def money(self, value: float) -> str:
        """Money without minor units."""
        before, after = self._less_money if value < 0 else self._money
        text = f"{abs(value):,.0f}"
        return before + (text if self._plain else text.translate(self._swap)) + after

    def hisses(self, text: str) -> bool:
        """Whether Czech puts "ze" and not "z" before a written number.

        >>> [Written("cs", "EUR").hisses(n) for n in ("41", "7", "120", "5", "19", "1\\xa0235")]
        [True, True, True, False, False, False]
        """
        found = _LEADING.match(text) if self._czech else None
        if found is None:
            return False
        lead = found.group()
        if len(lead) == 3:
            return lead[0] in _HISSING or lead[0] == "1"
        if len(lead) == 2:
            return lead in _HISSING_TEENS or lead[0] in "3467"
        return lead in _HISSING


def _frame(one: str) -> tuple[str, str]:
    """What a language writes before and after a number, from how it writes 1."""
    before, _, after = one.partition("1")
    return before, after


@lru_cache(maxsize=64)
def written(language: str, currency: str) -> Written:
    """One a language and currency."""
    return Written(language, currency)


class Plural:
    """A text for `n` things under a key of the catalogues, formatted once for each `n`."""

    def __init__(self, speak: Words, key: str) -> None:
        self._speak, self._key = speak, key
        self._made: dict[int, str] = {}

    def of(self, n: int) -> str:
        """The text for `n`; what is made is kept, up to ten thousand days."""
        found = self._made.get(n)
        if found is None:
            found = self._speak.count(self._key, n)
            if 0 <= n < 10_000:
                self._made[n] = found
        return found
