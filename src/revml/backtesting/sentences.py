"""A back-test in sentences for people: what the list reached, what other lists did, whether quality holds."""

from __future__ import annotations

from revml.backtesting.figures import TRENDS
from revml.backtesting.lists import ListName, Reach
from revml.backtesting.replay import Backtest, Replayed
from revml.locales import Words
from revml.snapshots import PAIR_QUESTIONS

SHORT_FROM = 10_000
OTHERS: tuple[ListName, ...] = ("expected", "rule", "renewal", "money", "random", "perfect")


def headline(told: Backtest, words: Words) -> str:
    """The team's list over all origins: how many of the events, worth how much."""
    mine = told.lists["model"]
    return words.count(
        of_pairs(told, "backtest.headline"),
        told.capacity,
        origins=words.count("backtest.origins", len(told.origins)),
        caught=words.number(mine.events),
        events=of_events(told, sum(one.events for one in told.origins), words),
        money=money(told, mine.money, words),
    )


def of_pairs(told: Backtest, key: str) -> str:
    """The text that speaks of accounts, or the one that speaks of offers of a family to an account."""
    return f"{key}.pairs" if told.question in PAIR_QUESTIONS else key


def others(told: Backtest, words: Words, lists: dict[ListName, Reach] | None = None) -> str:
    """What other lists of the same length reached."""
    found = told.lists if lists is None else lists
    return words.text(
        "backtest.others", lists="; ".join(reached(told, n, found[n], words) for n in OTHERS if n in found)
    )


def reached(told: Backtest, name: ListName, reach: Reach, words: Words) -> str:
    """One list: its name, the events it reached and their money."""
    return words.text(
        "backtest.reached",
        list=words.text(f"backtest.list.{name}"),
        events=count(reach.events, words),
        money=money(told, reach.money, words),
    )


def money(told: Backtest, value: float, words: Words) -> str:
    """Money short where it is much: `€410.0K`, `€914`."""
    return words.money(value, told.currency, compact=value >= SHORT_FROM)


def count(events: float, words: Words) -> str:
    """A whole number, or what is to be expected with one decimal."""
    return words.number(events, 0 if events == int(events) else 1)


def of_events(told: Backtest, n: int, words: Words) -> str:
    """`31 leavers`, in the words of the question."""
    key = f"backtest.of.{told.question}"
    return words.count(key if key in words else "backtest.of.other", n)


def served(told: Replayed, words: Words) -> str:
    """What would have scored at an origin, and what was refused."""
    name = words.text(f"backtest.rung.{told.served}")
    if told.passed:
        return name
    return f"{name} ({words.text('backtest.refused', chosen=words.text(f'backtest.rung.{told.chosen}'))})"


def drift(told: Backtest, words: Words) -> list[str]:
    """Each trend in a sentence; that there are too few origins, where there are."""
    out = []
    for name in TRENDS:
        figure = told.quality.trend.get(name)
        if figure is None or figure.value is None or figure.low is None or figure.high is None:
            continue
        way = "up" if figure.low > 0 else "down" if figure.high < 0 else "flat"
        change, low, high = (signed(value, words) for value in (figure.value, figure.low, figure.high))
        out.append(
            words.text(
                f"backtest.drift.{way}", figure=words.text(f"backtest.figure.{name}"), change=change, low=low, high=high
            )
        )
    return out or [words.text("backtest.drift.none")]


def signed(value: float, words: Words) -> str:
    """A change with its sign."""
    return ("+" if value >= 0 else "−") + words.number(abs(value), 3)


def fewer(told: Backtest, words: Words) -> str:
    """That fewer origins were possible than asked for; empty where none is missing."""
    if len(told.origins) >= told.asked:
        return ""
    said = words.count("backtest.fewer", len(told.origins), asked=words.number(told.asked))
    return f"{said} {words.text('backtest.fewer.more')}"
