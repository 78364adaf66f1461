"""A back-test of money in sentences for people: totals against what came, whom revml beat, and where it lost."""

from __future__ import annotations

from revml.backtesting.money import MoneyBacktest
from revml.backtesting.money_methods import BASELINES, Method
from revml.backtesting.money_table import DIGITS, Loss, Row, beaten
from revml.locales import Words

SHORT_FROM = 10_000
KEY = "backtest.forecast"
SHARES = ("bias", "exit_bias")
MONEY = ("rmse", "actual", "forecast")


def headlines(told: MoneyBacktest, words: Words) -> list[str]:
    """By relation what was forecast over the main horizon and what came, revenue and MRR at the end."""
    out = []
    for relation in told.relations:
        own = row_of(told, relation, told.months, Method.REVML)
        if own is None:
            continue
        said = words.text(
            f"{KEY}.headline",
            relation=words.text(f"{KEY}.relation.{relation}"),
            months=words.count(f"{KEY}.months", told.months),
            origins=words.count(f"{KEY}.origins", own.origins),
            forecast=money(told, own.forecast, words),
            actual=money(told, own.actual, words),
            bias=value_of("bias", own.bias, told, words),
        )
        if own.exit_actual is not None:
            said += " " + words.text(
                f"{KEY}.exit",
                forecast=money(told, own.exit_forecast, words),
                actual=money(told, own.exit_actual, words),
                bias=value_of("exit_bias", own.exit_bias, told, words),
            )
        out.append(said)
    return out


def held(told: MoneyBacktest, words: Words) -> list[str]:
    """How intervals and bands held over the main horizon; that there are none, where there are none."""
    out = []
    for relation in told.relations:
        own = row_of(told, relation, told.months, Method.REVML)
        if own is None or (own.coverage is None and not own.bands):
            continue
        said = []
        if own.coverage is not None:
            share, months = words.percent(own.coverage, 1), words.count(f"{KEY}.months", told.months)
            said.append(words.text(f"{KEY}.coverage", share=share, months=months))
        if own.bands:
            n = words.count(f"{KEY}.origins", own.bands)
            said.append(words.text(f"{KEY}.bands", held=words.number(own.bands_held), n=n))
        out.append(f"{words.text(f'{KEY}.relation.{relation}')}: {' '.join(said)}")
    return out or [words.text(f"{KEY}.coverage.none")]


def better(told: MoneyBacktest, words: Words) -> list[str]:
    """Against each baseline in how many figures revml was better."""
    counts = beaten(told.rows)
    return [
        words.text(
            f"{KEY}.beaten",
            method=words.text(f"{KEY}.method.{method}"),
            won=words.number(counts[method][0]),
            of=words.number(counts[method][1]),
        )
        for method in BASELINES
        if method in counts
    ]


def lost(told: MoneyBacktest, words: Words, *, horizon: int | None = None) -> list[str]:
    """Where a baseline was better, one sentence a figure; that there is none, where there is none.

    Args:
        horizon: only of this one.
    """
    found = [one for one in told.losses if horizon is None or one.horizon_months == horizon]
    return [_lost(told, one, words) for one in found] or [words.text(f"{KEY}.lost.none")]


def _lost(told: MoneyBacktest, one: Loss, words: Words) -> str:
    return words.text(
        f"{KEY}.lost",
        relation=words.text(f"{KEY}.relation.{one.relation}"),
        months=words.count(f"{KEY}.months", one.horizon_months),
        figure=words.text(f"{KEY}.figure.{one.figure}"),
        method=words.text(f"{KEY}.method.{one.method}"),
        baseline=value_of(one.figure, one.baseline, told, words),
        revml=value_of(one.figure, one.revml, told, words),
    )


def row_of(told: MoneyBacktest, relation: str, horizon: int, method: Method) -> Row | None:
    """The row of a method over all origins."""
    return next((row for row in told.at(relation, horizon) if row.method == method), None)


def money(told: MoneyBacktest, value: float | None, words: Words) -> str:
    """Money short where it is much; a dash where there is none."""
    if value is None:
        return "–"
    return words.money(value, told.currency, compact=abs(value) >= SHORT_FROM)


def value_of(figure: str, value: float | None, told: MoneyBacktest, words: Words) -> str:
    """A figure as people read it: biases signed and in percent, errors in money."""
    if value is None:
        return "–"
    if figure in SHARES:
        return ("+" if value >= 0 else "−") + words.percent(abs(value), 1)
    if figure == "coverage":
        return words.percent(value, 1)
    return money(told, value, words) if figure in MONEY else words.number(value, DIGITS.get(figure, 3))


def cohort(row: Row, words: Words) -> str:
    """What a cohort is called."""
    if row.cut == "start_year":
        return words.text(f"{KEY}.start_year", year=row.of)
    return words.text(f"{KEY}.tenure.{row.of}")


def fewer(told: MoneyBacktest, words: Words) -> str:
    """That fewer origins were possible than asked for; empty where none is missing."""
    if len(told.origins) >= told.asked:
        return ""
    return words.count(f"{KEY}.fewer", len(told.origins), asked=words.number(told.asked))
