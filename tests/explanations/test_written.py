"""Numbers written fast read as Babel writes them."""

from __future__ import annotations

import numpy as np
import pytest

from revml.explanations.written import rounded, rounded_one, written
from revml.locales import LANGUAGES, words

SOME = [*np.round(10 ** np.linspace(-2, 6.9, 80), 2).tolist(), 0.0, 1.0, 999.0, 1000.0, 12_345_678.0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_babels(language: str) -> None:
    """Grouping, decimals and the sign are the language's."""
    fast, slow = written(language, "EUR"), words(language)
    for one in (*SOME, *(-v for v in SOME[:-5])):
        for number in rounded("number", np.array([one])).tolist():
            assert fast.number(number) == slow.number(number, 2)


@pytest.mark.parametrize("currency", ["EUR", "CZK", "USD", "XYZ"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_money_is_babels(language: str, currency: str) -> None:
    """The sign of the currency stands where the language puts it."""
    fast, slow = written(language, currency), words(language)
    for one in (*SOME, -5.0, -1234.0):
        [number] = rounded("money", np.array([one])).tolist()
        assert fast.money(number) == slow.money(number, currency)


@pytest.mark.parametrize("language", LANGUAGES)
def test_percent_are_babels(language: str) -> None:
    """Whole percent from ten on, one decimal where there is one below."""
    fast, slow = written(language, "EUR"), words(language)
    for share in (0.0, 0.1, 0.5, 1.0, 12.5, -0.25):
        assert fast.percent(share) == slow.percent(share)
    assert fast.percent(0.012) == slow.percent(0.012, 1)
    assert fast.percent(0.06) == slow.percent(0.06)


def test_rounding_keeps_what_is_unknown() -> None:
    """NaN and infinities are unknown in every kind."""
    for kind in ("count", "number", "money", "share", "ratio", "deviation", "days", "score", "flag"):
        assert np.isnan(rounded(kind, np.array([np.nan, np.inf, -np.inf]))).all()  # type: ignore[arg-type]


def test_one_is_rounded_as_many() -> None:
    """A row alone reads like the same row among others, to the last digit."""
    rng = np.random.default_rng(0)
    some = np.concatenate([rng.lognormal(1, 3, 500), rng.normal(size=500), np.arange(-300, 300) / 200, [np.nan]])
    for kind in ("count", "number", "money", "share", "ratio", "deviation", "days", "score", "flag"):
        many = [None if v != v else v for v in rounded(kind, some).tolist()]  # type: ignore[arg-type]
        assert [rounded_one(kind, v) for v in some.tolist()] == many  # type: ignore[arg-type]
