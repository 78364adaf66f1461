"""What-if and levers as documents, with words: what the model would give, never what will be.

Comes in: a `WhatIf` or `Levers`. Goes out: plain dictionaries for JSON, the same for the command line, the API and the
pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from revml.config import LOSSES
from revml.explanations.amounts import Value, amount, concept_name
from revml.explanations.levers import Lever, Levers
from revml.explanations.one_row import Said, feature_of
from revml.explanations.what_if import WhatIf, reasons_after
from revml.features.catalog import feature_words
from revml.locales import words
from revml.models.bundle import Bundle

LEAST = 0.0005  # log-odds; a concept that moved less did not move


def what_if_told(bundle: Bundle, found: WhatIf, language: str, currency: str) -> dict[str, Any]:
    """The answer to a what-if."""
    say = words(language)

    def moved(pairs: Mapping[str, tuple[Value, Value]]) -> list[dict[str, Any]]:
        return [_moved(bundle, name, *pair, language, currency) for name, pair in pairs.items()]

    concepts = sorted(
        found.before.concepts, key=lambda c: (-abs(found.after.concepts[c] - found.before.concepts[c]), c)
    )
    return {
        "before": _said(found.before),
        "after": _said(found.after),
        "base": found.before.base,
        "concepts": [
            {
                "concept": name,
                "text": concept_name(name, language),
                "before": found.before.concepts[name],
                "after": found.after.concepts[name],
                "difference": found.after.concepts[name] - found.before.concepts[name],
            }
            for name in concepts
        ],
        "set": moved(found.asked),
        "recomputed": moved(found.moved),
        "left": [{"feature": name, "label": _label(bundle, name, language)} for name in found.left],
        "warnings": [one.text(language, currency) for one in found.warnings],
        "reasons": reasons_after(bundle, found, language, currency),
        "text": say.text(
            "whatif.gives",
            before=say.percent(found.before.probability, 1),
            after=say.percent(found.after.probability, 1),
        ),
        "caution": say.text("whatif.caution"),
    }


def levers_told(bundle: Bundle, found: Levers, language: str, currency: str) -> dict[str, Any]:
    """The answer about levers."""
    best = found.best
    return {
        "probability": found.probability,
        "band": found.band,
        "log_odds": found.log_odds,
        "wanted": found.wanted,
        "threshold": found.threshold,
        "best": None if best is None else _lever(bundle, best, language, currency),
        "singles": [_lever(bundle, one, language, currency) for one in found.singles],
        "tried": [
            {
                "feature": name,
                "label": _label(bundle, name, language),
                "kind": feature_of(bundle, name).kind,
                "value": value,
                "text": amount(feature_of(bundle, name), value, language, currency),
            }
            for name, value in found.tried.items()
        ],
        "text": _verdict(bundle, found, language, currency),
        "caution": words(language).text("whatif.caution"),
    }


def _lever(bundle: Bundle, lever: Lever, language: str, currency: str) -> dict[str, Any]:
    return {
        "steps": [
            {
                **_moved(bundle, step.feature, step.before, step.after, language, currency),
                "goal": step.goal,
                "goal_text": words(language).text(f"lever.goal.{step.goal}"),
                "effort": step.effort,
                "reason": step.why.told(language),
            }
            for step in lever.steps
        ],
        "probability": lever.probability,
        "band": lever.band,
        "log_odds": lever.log_odds,
        "enough": lever.enough,
        "recomputed": [_moved(bundle, name, *pair, language, currency) for name, pair in lever.moved.items()],
        "text": _sentence(bundle, lever, language, currency),
    }


def _verdict(bundle: Bundle, found: Levers, language: str, currency: str) -> str:
    say, loss = words(language), found.question in LOSSES
    if not found.tried:
        return say.text("lever.none_declared")
    if found.wanted is None:
        return say.text("lever.lowest" if loss else "lever.highest")
    wanted = say.text(f"lever.band.{found.wanted}")
    if found.best is None:
        return say.text("lever.nothing", wanted=wanted)
    key = "lever.enough" if found.best.enough else "lever.not_enough"
    return say.text(key, wanted=wanted, change=_sentence(bundle, found.best, language, currency))


def _sentence(bundle: Bundle, lever: Lever, language: str, currency: str) -> str:
    say = words(language)
    changes = []
    for step in lever.steps:
        told = _moved(bundle, step.feature, step.before, step.after, language, currency)
        changes.append(told["text"])
    return say.text("lever.gives", changes="; ".join(changes), probability=say.percent(lever.probability, 1))


def _moved(bundle: Bundle, name: str, before: Value, after: Value, language: str, currency: str) -> dict[str, Any]:
    feature, label = feature_of(bundle, name), _label(bundle, name, language)
    shown = [amount(feature, value, language, currency) for value in (before, after)]
    text = words(language).text("whatif.moved", label=label, before=shown[0], after=shown[1])
    return {"feature": name, "label": label, "before": before, "after": after, "text": text}


def _label(bundle: Bundle, name: str, language: str) -> str:
    return feature_words(feature_of(bundle, name), language)


def _said(said: Said) -> dict[str, Any]:
    return {"probability": said.probability, "band": said.band, "log_odds": said.log_odds}
