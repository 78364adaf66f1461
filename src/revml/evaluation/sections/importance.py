"""What the model looks at: concepts, how the strongest features act, for whom it is otherwise, how far reasons stay.

Comes in: the manifest with `views` (None for a bundle that was written before there were any).
"""

from __future__ import annotations

from collections.abc import Sequence

from revml.evaluation.sections.markdown import Manifest, feature_label, label, table
from revml.evaluation.sections.segments import column_words, value_words
from revml.evaluation.view_words import concept_words, most_and_least, odds
from revml.locales import Words

TOP_FEATURES = 8
WITHIN = 2  # features named of a concept
HEAVIEST = 3  # concepts named of a segment
LEAST = 0.005  # share that is worth a line


def looks_at(say: Words, manifest: Manifest) -> list[str]:
    """Shares of concepts, what the largest features do, directions held; nothing for a rung that looks at nothing."""
    told = manifest["importance"]
    if not told["features"]:
        return []
    views = manifest.get("views")
    out = _concepts(say, manifest, views) if views else _shares(say, manifest)
    if views:
        out += [*_acting(say, manifest, views["dependence"]), *_by_segment(say, manifest, views)]
    held = [name for name in manifest["sheet"]["monotone"] if name in manifest["held"]]
    if held and not manifest.get("ready"):
        out.append(say.text("card.monotone", list="; ".join(feature_label(n, say.language) for n in held)))
    return [*out, _stability(say, manifest)]


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
    rows = [(say.text(f"concept.{name}"), say.percent(share)) for name, share in told["concepts"].items()]
    top = "; ".join(feature_label(name, say.language) for name in list(told["features"])[:TOP_FEATURES])
    return [
        say.text("card.importance.how"),
        table([say.text("card.importance.concept"), say.text("card.importance.share")], rows),
        say.text("card.importance.features", list=top),
    ]


def _concepts(say: Words, manifest: Manifest, views: Manifest) -> list[str]:
    """A line a concept: its share, for how many it raises the probability, through which features."""
    own = bool(manifest.get("ready"))
    names = ["concept", "share", "raises", *(() if own else ("through",))]
    rows: list[Sequence[str]] = []
    for one in views["concepts"]:
        if one["share"] < LEAST:
            continue
        inside = [f["feature"] for f in views["features"] if f["concept"] == one["concept"]][:WITHIN]
        through = "; ".join(label(manifest, name, say.language) for name in inside)
        cells = (concept_words(say, one["concept"], own=own), say.percent(one["share"]), say.percent(one["raises"]))
        rows.append(cells if own else (*cells, through))
    headers = [say.text("card.importance.column" if own and k == "concept" else f"views.{k}") for k in names]
    return [say.text("views.how", rows=say.number(views["rows"])), table(headers, rows)]


def _acting(say: Words, manifest: Manifest, dependence: Sequence[Manifest]) -> list[str]:
    """Where the strongest features raise the odds most, and where they lower them most."""
    rows = []
    for one in dependence:
        if len(one["bins"]) < 2:
            continue
        most, least = most_and_least(say, one)
        unknown = odds(say, one["unknown"]["median"]) if one["unknown"] else ""
        rows.append((label(manifest, one["feature"], say.language), most, least, unknown))
    if not rows:
        return []
    headers = [say.text(f"views.{name}") for name in ("feature", "most", "least", "unknown")]
    return [say.text("views.acting"), table(headers, rows)]


def _by_segment(say: Words, manifest: Manifest, views: Manifest) -> list[str]:
    """The heaviest concepts of each segment."""
    own = bool(manifest.get("ready"))
    rows = []
    for one in views["segments"]:
        heaviest = sorted(one["concepts"].items(), key=lambda item: (-item[1], item[0]))[:HEAVIEST]
        told = ", ".join(f"{concept_words(say, name, own=own)} {say.percent(share)}" for name, share in heaviest)
        called = f"{column_words(say, manifest, one['column'])}: {value_words(say, one)}"
        rows.append((called, say.number(one["accounts"]), told))
    if not rows:
        return []
    headers = [say.text(f"views.{name}") for name in ("segment", "accounts", "heaviest")]
    small = say.count("views.small", len(views["small"])) if views["small"] else ""
    return [say.text("views.segments"), table(headers, rows), small]


def _stability(say: Words, manifest: Manifest) -> str:
    """How far the reasons stay under other seeds."""
    told = manifest.get("stability")
    if not told:
        return ""
    shared, low = say.percent(told["shared"]), say.percent(told["low"])
    return say.count("views.stability", told["seeds"], shared=shared, low=low)
