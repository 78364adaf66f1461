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
