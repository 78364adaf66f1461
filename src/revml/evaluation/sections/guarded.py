"""What the guard found before training: features that seem to know the answer, each with its evidence."""

from __future__ import annotations

from collections.abc import Mapping

from revml.evaluation.sections.markdown import Manifest, bullets, label
from revml.locales import Words

SHARES = frozenset({"events", "others", "share", "alike"})
WHOLE = frozenset({"rows", "tested", "expected", "days"})


def leaks(say: Words, manifest: Manifest) -> list[str]:
    """What blocks, what was allowed and why, what is worth a look; nothing where nothing was found."""
    found = manifest.get("leaks", [])
    if not found:
        return []
    groups = (
        ("blocks", [one for one in found if one["blocks"]]),
        ("allowed", [one for one in found if one["allowed"]]),
        ("look", [one for one in found if not one["blocks"] and not one["allowed"]]),
    )
    out = []
    for key, some in groups:
        if some:
            out += [say.text(f"card.leaks.{key}"), bullets(_line(say, manifest, one) for one in some)]
    return out


def _line(say: Words, manifest: Manifest, one: Manifest) -> str:
    told = say.text(f"card.leak.{one['kind']}", **_figures(say, one["figures"]))
    name = label(manifest, one["feature"], say.language) if one["feature"] else say.text("card.leaks.rows")
    reason = f" {say.text('card.leaks.reason', reason=one['allowed'])}" if one["allowed"] else ""
    return f"{name}: {told}{reason}"


def _figures(say: Words, figures: Mapping[str, float]) -> dict[str, str]:
    def told(name: str, value: float) -> str:
        if name in SHARES:
            return say.percent(value)
        return say.number(value, 0 if name in WHOLE else 2)

    return {name: told(name, value) for name, value in figures.items()}
