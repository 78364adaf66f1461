"""A back-test as one HTML file that people read: self-contained, without a script, for screen, dark room and printer.

Comes in: a `Backtest` and the language. Goes out: HTML text. Every value of the data is escaped; the file asks for
nothing from outside, and its policy forbids it to.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from revml.backtesting import pictures, sentences
from revml.backtesting.replay import Backtest
from revml.evaluation.figures import Figure
from revml.locales import Words, words


def render(told: Backtest, *, language: str, now: datetime | None = None) -> str:
    """The page.

    Args:
        now: when the past was replayed.
    """
    speak = words(language)
    question = f"page.question.{told.question}"
    window = told.spec.window(told.question)
    names = [name for name in pictures.SHOWN if name in told.lists]
    return template("backtest.html").render(
        t=speak.text,
        n=speak.number,
        words=speak,
        told=told,
        question=speak.text(question) if question in speak else told.question,
        window=speak.days(window.horizon_days),
        names=names,
        columns=[*names, "random"],
        pictures=pictures,
        say=sentences,
        figure=lambda figure, digits=3: _figure(figure, digits, speak),
        now=now or datetime.now(UTC),
    )


def _figure(figure: Figure, digits: int, speak: Words) -> Markup:
    """A figure with its interval below it."""
    if figure.value is None:
        return Markup("–")
    told = escape(speak.number(figure.value, digits))
    if figure.low is None or figure.high is None:
        return told
    return told + Markup("<small>{} – {}</small>").format(
        speak.number(figure.low, digits), speak.number(figure.high, digits)
    )


@cache
def template(name: str) -> Template:
    """A page's template, read once."""
    loader = PackageLoader("revml.backtesting", "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)
