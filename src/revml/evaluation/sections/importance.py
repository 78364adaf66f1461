"""What the model looks at: concepts, features, and what is held to one direction."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, feature_label, table
from revml.locales import Words

TOP_FEATURES = 8


def looks_at(say: Words, manifest: Manifest) -> list[str]:
    """Shares of concepts, the largest features, directions held; nothing for a rung that looks at nothing."""
    told = manifest["importance"]
    if not told["features"]:
        return []
    rows = [
        (say.text(f"concept.{name}"), say.percent(share)) for name, share in told["concepts"].items() if share >= 0.005
    ]
    if manifest.get("ready"):
        # Columns of a table of its own belong to no concept: each is shown with its own share.
        shares = [(f"`{name}`", say.percent(share)) for name, share in told["features"].items() if share >= 0.005]
        return [
            say.text("card.importance.own"),
            table([say.text("card.importance.column"), say.text("card.importance.share")], shares),
        ]
    top = "; ".join(feature_label(name, say.language) for name in list(told["features"])[:TOP_FEATURES])
    out = [
        say.text("card.importance.how"),
        table([say.text("card.importance.concept"), say.text("card.importance.share")], rows),
        say.text("card.importance.features", list=top),
    ]
    held = [name for name in manifest["sheet"]["monotone"] if name in manifest["held"]]
    if held:
        out.append(say.text("card.monotone", list="; ".join(feature_label(n, say.language) for n in held)))
    return out
