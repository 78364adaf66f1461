"""Where the model ends: limits that always hold, limits of this training, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Callable

from revml.evaluation.sections.markdown import Manifest, bullets, dated
from revml.locales import Words


def _always(_: Manifest) -> bool:
    return True


# Text `card.limits.<key>`, and whether it is true of this model.
LIMITS: tuple[tuple[str, Callable[[Manifest], bool]], ...] = (
    ("causes", _always),
    ("sudden", _always),
    ("same", _always),
    ("held_out", lambda m: not dated(m)),
    ("undated", lambda m: not dated(m)),
    ("test", dated),
    ("account", lambda m: dated(m) and not m["data"]["by_time"]),
)
NEVER = ("people", "credit", "other", "alone")


def limited(say: Words, manifest: Manifest) -> list[str]:
    """The limits that are true of this model."""
    events = say.number(manifest["figures"]["events"])
    return [bullets(say.text(f"card.limits.{key}", events=events) for key, holds in LIMITS if holds(manifest))]


def never(say: Words, manifest: Manifest) -> list[str]:
    """What no model of revml may be used for."""
    return [bullets(say.text(f"card.never.{key}") for key in NEVER)]


def notes(say: Words, manifest: Manifest) -> list[str]:
    """What the model sheet says about itself."""
    told = manifest["sheet"]["notes"]
    text = told.get(say.language, "") if isinstance(told, dict) else told
    return [text.strip()] if text.strip() else []
