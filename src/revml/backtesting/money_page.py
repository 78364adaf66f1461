"""A back-test of money as one HTML file that people read, in the manner of `page`.

Comes in: a `MoneyBacktest` and the language. Goes out: HTML text. Every value of the data is escaped; the file asks for
nothing from outside, and its policy forbids it to.
"""

from __future__ import annotations

from datetime import UTC, datetime

from revml.backtesting import money_pictures, money_sentences
from revml.backtesting.money import MoneyBacktest
from revml.backtesting.money_methods import BASELINES, Method
from revml.backtesting.money_table import FIGURES, best
from revml.backtesting.page import template
from revml.locales import words


def render(told: MoneyBacktest, *, language: str, now: datetime | None = None) -> str:
    """The page.

    Args:
        now: when the past was replayed.
    """
    speak = words(language)
    there = {row.method for row in told.rows}
    return template("money.html").render(
        t=speak.text,
        n=speak.number,
        words=speak,
        key=money_sentences.KEY,
        told=told,
        say=money_sentences,
        pictures=money_pictures,
        figures=tuple(FIGURES),
        best=best,
        shown=lambda figure, value: money_sentences.value_of(figure, value, told, speak),
        baselines=[str(method) for method in BASELINES if method in there],
        methods=[str(method) for method in Method if method in there],
        classes={str(method): name for method, name in money_pictures.CLASSES.items()},
        revml=str(Method.REVML),
        now=now or datetime.now(UTC),
    )
