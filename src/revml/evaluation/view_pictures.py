"""Pictures of the global views, in the reader's language: concepts, what the strongest features do, segments.

Comes in: a bundle's views and words. Goes out: drawings of matplotlib, which only this module and `pictures` import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import shorten, wrap
from typing import Any

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Drawing

from revml.evaluation.pictures import ACCENT, INK, QUIET
from revml.evaluation.sections.markdown import Manifest, label
from revml.evaluation.sections.segments import column_words, value_words
from revml.evaluation.view_words import concept_words, span
from revml.locales import Words

MOST_CONCEPTS = 12
COLUMNS = 2  # of panels
ENDS = 4  # categories told from either end, where there are many
JOINED = 3  # bins from which a line is drawn through them
ACROSS = 8  # concepts of the table of segments
PALE = LinearSegmentedColormap.from_list("pale", ["#ffffff", "#f7c9b0", ACCENT])


def view_drawings(views: Mapping[str, Any], manifest: Manifest, say: Words) -> Iterator[tuple[str, Drawing]]:
    """The pictures by name; of views with nothing to draw, fewer.

    Args:
        manifest: of the bundle, for the names of its columns.
    """
    yield "importance_concepts", concepts(views, manifest, say)
    if any(len(one["bins"]) > 1 for one in views["dependence"]):
        yield "dependence", dependence(views, manifest, say)
    if views["segments"]:
        yield "importance_segments", segments(views, manifest, say)


def concepts(views: Mapping[str, Any], manifest: Manifest, say: Words) -> Drawing:
    """Shares of the concepts, the largest on top."""
    rows = views["concepts"][:MOST_CONCEPTS]
    drawing = Drawing(figsize=(8, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes = drawing.subplots()
    axes.barh([_concept(say, manifest, one["concept"]) for one in rows], [one["share"] for one in rows], color=ACCENT)
    for place, one in enumerate(rows):
        axes.text(one["share"], place, f" {say.percent(one['share'])}", va="center", color=INK)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: say.percent(value))
    axes.set(xlim=(0, 1.12 * rows[0]["share"]), title=say.text("views.picture.concepts"))
    axes.spines[["top", "right"]].set_visible(False)
    return drawing


def dependence(views: Mapping[str, Any], manifest: Manifest, say: Words) -> Drawing:
    """A panel a feature with its share: medians of the contribution by value, and where most accounts lie.

    Each has its own scale: the share tells how strong a feature is, the panel how it acts.
    """
    told = [one for one in views["dependence"] if len(one["bins"]) > 1]
    lines = -(-len(told) // COLUMNS)
    drawing = Drawing(figsize=(11, 0.8 + 2.5 * lines), layout="constrained")
    panels = drawing.subplots(lines, COLUMNS, squeeze=False).flatten()
    share = {one["feature"]: one["share"] for one in views["features"]}
    for axes, one in zip(panels, told, strict=False):
        _panel(axes, one, say)
        called = label(manifest, one["feature"], say.language).strip("`")
        axes.set_title("\n".join(wrap(f"{called} ({say.percent(share[one['feature']])})", 56)), fontsize=9)
    for axes in panels[len(told) :]:
        axes.set_visible(False)
    drawing.supylabel(f"{say.text('views.picture.contribution')} ({say.text('views.picture.band')})", fontsize=9)
    drawing.suptitle(say.text("views.picture.dependence"))
    return drawing


def _panel(axes: Any, one: Mapping[str, Any], say: Words) -> None:
    """Bins at equal distances; what is not known stands apart on the right."""
    bins = _ends(one["bins"]) if one["kind"] == "category" else one["bins"]
    places = range(len(bins))
    axes.axhline(0, color=QUIET, linewidth=0.8)
    low, high, middle = ([b[name] for b in bins] for name in ("p10", "p90", "median"))
    if one["kind"] == "category" or len(bins) < JOINED:
        axes.bar(places, middle, color=ACCENT, width=0.6)
        axes.vlines(places, low, high, color=INK, linewidth=1)
        axes.set_xlim(-1, len(bins) + bool(one["unknown"]))
    else:
        axes.fill_between(places, low, high, color=QUIET, alpha=0.35, linewidth=0)
        axes.plot(places, middle, "o-", color=ACCENT, markersize=4)
    names = [_narrow(span(say, one["feature"], b)) for b in bins]
    ticks = list(map(float, places))
    if one["unknown"]:
        unknown, at = one["unknown"], len(bins) + 0.3
        axes.vlines(at, unknown["p10"], unknown["p90"], color=QUIET, linewidth=4)
        axes.plot(at, unknown["median"], "D", color=INK, markersize=4)
        ticks, names = [*ticks, at], [*names, say.text("views.unknown")]
    axes.set_xticks(ticks, names, fontsize=7, rotation=25, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="y", labelsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: say.number(value, 3))
    axes.spines[["top", "right"]].set_visible(False)


def segments(views: Mapping[str, Any], manifest: Manifest, say: Words) -> Drawing:
    """A line a segment, a column a concept: the share, darker where it is larger."""
    rows = views["segments"]
    names = [one["concept"] for one in views["concepts"][:ACROSS]]
    shares = [[one["concepts"].get(name, 0.0) for name in names] for one in rows]
    drawing = Drawing(figsize=(2.8 + 1.0 * len(names), 1.6 + 0.3 * len(rows)), layout="constrained")
    axes = drawing.subplots()
    top = max(max(line) for line in shares)
    axes.imshow(shares, cmap=PALE, vmin=0, vmax=top, aspect="auto")
    for y, line in enumerate(shares):
        for x, share in enumerate(line):
            axes.text(
                x, y, say.percent(share), ha="center", va="center", fontsize=8, color=INK if share < 0.7 * top else "w"
            )
    called = [f"{column_words(say, manifest, one['column'])}: {value_words(say, one)}".replace("`", "") for one in rows]
    axes.set_yticks(range(len(rows)), called, fontsize=8)
    axes.set_xticks(range(len(names)), ["\n".join(wrap(_concept(say, manifest, n), 14)) for n in names], fontsize=8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    drawing.suptitle(say.text("views.picture.segments"))
    return drawing


def _concept(say: Words, manifest: Manifest, name: str) -> str:
    return shorten(concept_words(say, name, own=bool(manifest.get("ready"))).strip("`"), 40)


def _ends(bins: list[Any]) -> list[Any]:
    """Of many categories those that raise most and those that lower most."""
    return bins if len(bins) <= 2 * ENDS else [*bins[:ENDS], *bins[-ENDS:]]


def _narrow(text: str) -> str:
    return text if len(text) <= 22 else text[:21] + "…"
