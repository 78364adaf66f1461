"""What the model looks at: concepts, how the strongest features act, for whom it is otherwise, how far reasons stay.

Comes in: the manifest with `views` (None for a bundle that was written before there were any).
"""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, feature_label, table
from revml.evaluation.view_tables import LEAST, Told, acting_table, concept_table, segment_table, stability_words
from revml.locales import Words

TOP_FEATURES = 8


def looks_at(say: Words, manifest: Manifest) -> list[str]:
    """Shares of concepts, what the largest features do, directions held; nothing for a rung that looks at nothing."""
    told = manifest["importance"]
    if not told["features"]:
        return []
    views = manifest.get("views")
    if views:
        parts = [build(say, manifest, views) for build in (concept_table, acting_table, segment_table)]
        out = [paragraph for part in parts for paragraph in _markdown(part)]
    else:
        out = _shares(say, manifest)
    held = [name for name in manifest["sheet"]["monotone"] if name in manifest["held"]]
    if held and not manifest.get("ready"):
        out.append(say.text("card.monotone", list="; ".join(feature_label(n, say.language) for n in held)))
    return [*out, stability_words(say, manifest)]


def _markdown(told: Told) -> list[str]:
    return [told.intro, table(told.headers, told.rows), told.after] if told.rows else []


def _shares(say: Words, manifest: Manifest) -> list[str]:
    """Of a bundle of before: shares alone."""
    told = manifest["importance"]
    if manifest.get("ready"):
        # Columns of a table of its own belong to no concept: each is shown with its own share.
        shares = [(f"`{name}`", say.percent(share)) for name, share in told["features"].items() if share >= LEAST]
        return [
            say.text("card.importance.own"),
            table([say.text("card.importance.column"), say.text("card.importance.share")], shares),
        ]
    rows = [
        (say.text(f"concept.{name}"), say.percent(share)) for name, share in told["concepts"].items() if share >= LEAST
    ]
    top = "; ".join(feature_label(name, say.language) for name in list(told["features"])[:TOP_FEATURES])
    return [
        say.text("card.importance.how"),
        table([say.text("card.importance.concept"), say.text("card.importance.share")], rows),
        say.text("card.importance.features", list=top),
    ]
