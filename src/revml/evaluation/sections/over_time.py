"""The curve of risk over the horizons: how good it is at each, on what that was measured, and what was estimated."""

from __future__ import annotations

from typing import Any

from revml.evaluation.sections.markdown import Manifest, table
from revml.locales import Words

FIGURES = (("roc_auc", 3), ("log_loss", 4), ("log_loss_constant", 4))


def over_time(say: Words, manifest: Manifest) -> list[str]:
    """A row a horizon; nothing where the question has one."""
    curve = manifest.get("curve")
    if not curve:
        spans = manifest["question"] == "growth" and not manifest.get("ready")
        return [say.text("card.horizons.growth")] if spans else []
    rows = [_row(say, one) for one in curve["horizons"]]
    names = ("days", "observed", "expected", "roc_auc", "log_loss", "constant", "on")
    headers = [say.text(f"card.horizons.{name}") for name in names]
    guessed = [say.number(one["days"]) for one in curve["horizons"] if one["extrapolated"]]
    average = [say.number(one["days"]) for one in curve["horizons"] if one.get("kind") == "average"]
    near = [one["days"] for one in curve["horizons"] if one["days"] > curve["main"] and _near(one)]
    return [
        say.text("card.horizons.falling" if curve["falls"] else "card.horizons.how", days=say.number(curve["main"])),
        table(headers, rows),
        say.text("card.horizons.measured"),
        say.text("card.horizons.extrapolated", days=", ".join(guessed)) if guessed else "",
        say.text("card.horizons.average", days=", ".join(average)) if average else "",
        say.text("card.horizons.near", days=", ".join(say.number(d) for d in near)) if near else "",
    ]


def _near(one: dict[str, Any]) -> bool:
    """Whether what was measured at a horizon is no better than the average rate."""
    told, constant = one["log_loss"], one["log_loss_constant"]
    return told is not None and constant is not None and told >= constant


def _row(say: Words, one: dict[str, Any]) -> list[str]:
    unknown = say.text("card.figures.unknown")
    observed, expected = one["observed"], one["expected"]
    return [
        say.number(one["days"]),
        unknown if observed is None else say.number(observed),
        unknown if expected is None else say.number(expected, 1),
        *(unknown if one[name] is None else say.number(one[name], digits) for name, digits in FIGURES),
        say.text(f"card.horizons.on.{one['on']}") if one["on"] else unknown,
    ]
