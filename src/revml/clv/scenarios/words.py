"""What a scenario assumed, in words: keys and values of `outcome` filled into the catalogues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from revml.locales import Words

SHARES = ("before", "after", "goal", "success")
POINTS = ("points", "percent", "response")


def assumed_words(assumed: Sequence[Mapping[str, Any]], say: Words, currency: str) -> list[str]:
    """One sentence for each thing that was assumed."""
    return [say.text(f"scenario.assumed.{one['key']}", **_filled(one, say, currency)) for one in assumed]


def _filled(one: Mapping[str, Any], say: Words, currency: str) -> dict[str, str]:
    out = {}
    for name, value in one.items():
        if name == "key":
            continue
        if name in SHARES:
            out[name] = say.percent(value, 1)
        elif name == "cost":
            out[name] = say.money(value, currency)
        else:
            out[name] = ("+" if value > 0 and name in POINTS[:2] else "") + say.number(value, 2)
    return out


def with_words(document: Mapping[str, Any], say: Words, currency: str) -> dict[str, Any]:
    """The published scenarios, each with its title, the labels of its figures and what was assumed."""
    told = []
    for one in document["scenarios"]:
        [change] = one["changes"]
        sizes = {"points": change.get("points"), "percent": change.get("percent"), "accounts": change.get("riskiest")}
        title = {name: say.number(size, 2) for name, size in sizes.items() if size is not None}
        figures = [{**row, "label": label(row, say)} for row in one["figures"]]
        texts = assumed_words(one["assumed"], say, currency)
        told.append(
            {**one, "title": say.text(f"scenario.{one['name']}", **title), "figures": figures, "assumed_texts": texts}
        )
    return {**document, "scenarios": told}


def label(figure: Mapping[str, Any], say: Words) -> str:
    """The name of a figure."""
    return say.text(f"scenario.figure.{figure['name']}", n=figure["months"])
