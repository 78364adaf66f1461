"""What a bundle learned: its definition, and until when it knows what came (the end of its last label window).

Whoever scores an instant before that gets probabilities that look better than they would have been then. Comes in: a
bundle. Goes out: an instant, or a sentence for the reader of such scores.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from revml.config import QuestionName, QuestionSpec
from revml.models.bundle import Bundle


def definition(bundle: Bundle) -> QuestionSpec:
    """The definition that a bundle learned: its probabilities mean that, whatever the workspace says today."""
    told = bundle.manifest["definition"]
    return QuestionSpec(**{name: told[name] for name in QuestionSpec.model_fields if name in told})


def learned_until(bundle: Bundle) -> datetime | None:
    """When the last label window closed that the model learned from; None where its rows bear no dates."""
    data = bundle.manifest.get("data", {})
    split = data.get("split", {})
    taken = [*split.get("train", ()), *split.get("valid", ())]
    if not taken or not data.get("dated", True):
        return None
    newest = max(datetime.fromisoformat(str(at)) for at in taken)
    return newest + definition(bundle).window(cast(QuestionName, bundle.question)).reach


def looks_back(bundle: Bundle, as_of: datetime) -> str | None:
    """That scores of an instant before what the model learned from look too good; None where they do not."""
    until = learned_until(bundle)
    if until is None or until - as_of < timedelta(days=1):  # the last full day is scored, the last hours are learned
        return None
    return (
        f"{bundle.question}: the model in service learned from what came until {until:%Y-%m-%d}, so its scores as of"
        f" {as_of:%Y-%m-%d} look better than they would have been then; `revml backtest {bundle.question}` replays"
        " the past as it was lived"
    )
