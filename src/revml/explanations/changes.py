"""What changed since the score before: the difference in log-odds by concept, adding up exactly.

Comes in: what two runs tell of one score, and, where the model is another one, what the new model says of the old row.
Goes out: a `Change`. Where the same model scored both times every line is a concept. Where another model did,

    new - old  =  (new model on the old row - old model on the old row)     a line of its own: the model
                + (new model on the new row - new model on the old row)     concept by concept

Where the old row was not kept the two cannot be told apart, and it says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from revml.explanations.amounts import Value, amount, concept_name
from revml.features.catalog import feature_words
from revml.features.spec import Feature
from revml.locales import words

DIGITS = 6


@dataclass(frozen=True)
class Scored:
    """One score with what it is made of; `base` and the parts add up to its log-odds."""

    as_of: datetime
    probability: float
    band: str
    model_version: str
    bundle: str
    base: float
    parts: Mapping[str, float]

    @property
    def log_odds(self) -> float:
        """Before calibration."""
        return round(self.base + sum(self.parts.values()), DIGITS)


@dataclass(frozen=True)
class Line:
    """One part of a difference.

    Args:
        kind: a concept; the base; or the model, which is what another model makes of the same row.
        feature, before, after: the feature of the concept that moved most in its direction, where it is known.
    """

    kind: Literal["concept", "base", "model"]
    concept: str
    log_odds: float
    feature: Feature | None = None
    before: Value = None
    after: Value = None


@dataclass(frozen=True)
class Change:
    """What changed of one score; `lines` add up to `log_odds`.

    Attributes:
        split: whether the part of another model is told apart; True where the model is the same.
    """

    question: str
    item: str
    before: Scored
    after: Scored
    lines: tuple[Line, ...]
    same_model: bool
    split: bool

    @property
    def log_odds(self) -> float:
        """The difference that the lines add up to."""
        return round(self.after.log_odds - self.before.log_odds, DIGITS)

    @property
    def probability(self) -> float:
        """The difference of the published probabilities."""
        return self.after.probability - self.before.probability


class Rows(Protocol):
    """The kept rows of both runs as the present model sees them."""

    @property
    def bridge(self) -> tuple[float, Mapping[str, float]]:
        """What the model says of the old row: its base, and what each concept adds."""

    def fact(self, concept: str, sign: float) -> tuple[Feature, Value, Value] | None:
        """The feature of a concept that moved most in a direction, with its value before and now."""


def change(question: str, item: str, before: Scored, after: Scored, rows: Rows | None) -> Change:
    """Take the difference of two scores apart.

    Args:
        rows: the old and the new row under the model of `after`; None where they are not known.
    """
    same = before.bundle == after.bundle
    split = same or rows is not None
    base, parts = before.base, before.parts
    lines: list[Line] = []
    if not same and rows is not None:
        base, parts = rows.bridge
        base, parts = round(base, DIGITS), {name: round(value, DIGITS) for name, value in parts.items()}
        told = round(base + sum(parts.values()), DIGITS)
        lines.append(Line("model", "", round(told - before.log_odds, DIGITS)))
    moved = round(after.base - base, DIGITS)
    if moved:
        lines.append(Line("base", "", moved))
    for concept in sorted({*parts, *after.parts}):
        value = round(after.parts.get(concept, 0.0) - parts.get(concept, 0.0), DIGITS)
        if value:
            fact = None if rows is None else rows.fact(concept, math.copysign(1.0, value))
            lines.append(Line("concept", concept, value, *(fact or ())))
    lines.sort(key=lambda line: (-abs(line.log_odds), line.kind, line.concept))
    return Change(question, item, before, after, tuple(lines), same, split)


def told(found: Change, language: str, currency: str) -> dict[str, Any]:
    """A change as a document, with its words in one language."""
    return {
        "question": found.question,
        "item": found.item,
        "before": _side(found.before),
        "after": _side(found.after),
        "probability": found.probability,
        "log_odds": found.log_odds,
        "same_model": found.same_model,
        "model_told_apart": found.split,
        "text": summary(found, language),
        "lines": [
            {
                "kind": line.kind,
                "concept": line.concept or None,
                "log_odds": line.log_odds,
                "feature": line.feature.name if line.feature else None,
                "before": line.before,
                "after": line.after,
                "text": sentence(found, line, language, currency),
            }
            for line in found.lines
        ],
    }


def _side(one: Scored) -> dict[str, Any]:
    told = {"as_of": one.as_of, "probability": one.probability, "band": one.band, "log_odds": one.log_odds}
    return told | {"model_version": one.model_version}


def summary(found: Change, language: str) -> str:
    """The difference in one sentence."""
    speak = words(language)
    sides = {
        "before": speak.percent(found.before.probability, 1),
        "after": speak.percent(found.after.probability, 1),
        "since": speak.date(found.before.as_of),
    }
    if abs(found.probability) < 0.0005:
        text = speak.text("change.same", **sides)
    else:
        text = speak.text("change.rose" if found.probability > 0 else "change.fell", **sides)
    if found.same_model:
        return text
    return f"{text} {speak.text('change.other_model' if found.split else 'change.not_split')}"


def sentence(found: Change, line: Line, language: str, currency: str) -> str:
    """One line of a change in words: what it did to the odds, and the fact behind it."""
    speak = words(language)
    name = concept_name(line.concept, language) if line.kind == "concept" else speak.text(f"change.{line.kind}")
    factor = math.exp(line.log_odds)
    times = speak.number(factor, 2) if abs(factor - 1) >= 0.005 else speak.number(factor, 3)
    text = speak.text("change.raised" if line.log_odds > 0 else "change.lowered", name=name, factor=times)
    if line.feature is None:
        return text
    before, after = (amount(line.feature, value, language, currency) for value in (line.before, line.after))
    if before == after:
        return text
    fact = speak.text("change.fact", label=feature_words(line.feature, language), before=before, after=after)
    return f"{text}: {fact}"
