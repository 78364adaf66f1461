"""Where the model ends: its limits, what it must not be used for, and how to get it again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from revml.evaluation.sections.markdown import Manifest, bullets, dated
from revml.locales import Words


def _always(_: Manifest) -> bool:
    return True


# Text `card.limits.<key>`, and whether it is true of this model.
LIMITS: tuple[tuple[str, Callable[[Manifest], bool]], ...] = (
    ("causes", _always),
    ("sudden", _always),
    ("acted", _always),
    ("same", _always),
    ("outside", _always),
    ("drift", lambda m: dated(m) and bool(m.get("uncertainty", {}).get("drift"))),
    ("borrowed", lambda m: bool(m["verdict"]["borrowed"])),
    ("held_out", lambda m: not dated(m)),
    ("undated", lambda m: not dated(m)),
    ("test", dated),
    ("account", lambda m: dated(m) and not m["data"]["by_time"]),
)
NEVER = ("people", "credit", "effect", "other", "alone")


def limited(say: Words, manifest: Manifest) -> list[str]:
    """The limits that are true of this model."""
    told = {
        "events": say.number(manifest["figures"]["events"]),
        # A move of the log-odds is, for events that are not frequent, about that share more or fewer of them.
        "drift": say.percent(float(np.expm1(manifest.get("uncertainty", {}).get("drift", 0.0)))),
    }
    return [bullets(say.text(f"card.limits.{key}", **told) for key, holds in LIMITS if holds(manifest))]


def never(say: Words, manifest: Manifest) -> list[str]:
    """What no model of revml may be used for."""
    return [bullets(say.text(f"card.never.{key}") for key in NEVER)]


def reproduced(say: Words, manifest: Manifest) -> list[str]:
    """How to get the same model again."""
    question, own = manifest["question"], manifest.get("ready")
    sheet = f"models/{own['table'] if own else question}.yaml"
    told = {
        "command": f"`revml train {question}`",
        "sheet": f"`{sheet}`",
        "seed": str(manifest["seed"]),
        "fingerprint": f"`{manifest['data']['fingerprint'][:12]}`",
    }
    return [say.text("card.reproduce.how", **told), say.text("card.reproduce.where")]


def notes(say: Words, manifest: Manifest) -> list[str]:
    """What the model sheet says about itself."""
    told = manifest["sheet"]["notes"]
    text = told.get(say.language, "") if isinstance(told, dict) else told
    return [text.strip()] if text.strip() else []
