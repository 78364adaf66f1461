"""The global views as tables in the reader's language: for the card, the page and the command line alike.

Comes in: a bundle's views, its manifest for the names of columns, words. Goes out: `Told`: what a table says, its
headers and rows of text. A table without rows says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from revml.evaluation.sections.markdown import Manifest, label
from revml.evaluation.sections.segments import column_words, value_words
from revml.evaluation.view_words import concept_words, most_and_least, odds
from revml.locales import Words

WITHIN = 2  # features named of a concept
HEAVIEST = 3  # concepts named of a segment
LEAST = 0.005  # share that is worth a line


@dataclass(frozen=True)
class Told:
    """A table with the sentence before it and the one after it, either may be empty."""

    intro: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    after: str = ""


def concept_table(say: Words, manifest: Manifest, views: Manifest) -> Told:
    """A line a concept: its share, for how many it raises the probability, through which features."""
    own = bool(manifest.get("ready"))
    rows: list[tuple[str, ...]] = []
    for one in views["concepts"]:
        if one["share"] < LEAST:
            continue
        inside = [f["feature"] for f in views["features"] if f["concept"] == one["concept"]][:WITHIN]
        through = "; ".join(label(manifest, name, say.language) for name in inside)
        cells = (concept_words(say, one["concept"], own=own), say.percent(one["share"]), say.percent(one["raises"]))
        rows.append(cells if own else (*cells, through))
    first = "card.importance.column" if own else "views.concept"
    headers = [say.text(key) for key in (first, "views.share", "views.raises", *(() if own else ("views.through",)))]
    return Told(say.text("views.how", rows=say.number(views["rows"])), tuple(headers), tuple(rows))


def acting_table(say: Words, manifest: Manifest, views: Manifest) -> Told:
    """Where the strongest features raise the odds most, and where they lower them most."""
    rows = []
    for one in views["dependence"]:
        if len(one["bins"]) >= 2:
            unknown = odds(say, one["unknown"]["median"]) if one["unknown"] else ""
            rows.append((label(manifest, one["feature"], say.language), *most_and_least(say, one), unknown))
    headers = tuple(say.text(f"views.{name}") for name in ("feature", "most", "least", "unknown"))
    return Told(say.text("views.acting"), headers, tuple(rows))


def segment_table(say: Words, manifest: Manifest, views: Manifest) -> Told:
    """The heaviest concepts of each segment."""
    own = bool(manifest.get("ready"))
    rows = []
    for one in views["segments"]:
        heaviest = sorted(one["concepts"].items(), key=lambda item: (-item[1], item[0]))[:HEAVIEST]
        told = ", ".join(f"{concept_words(say, name, own=own)} {say.percent(share)}" for name, share in heaviest)
        called = f"{column_words(say, manifest, one['column'])}: {value_words(say, one)}"
        rows.append((called, say.number(one["accounts"]), told))
    small = len(views["small"])
    headers = tuple(say.text(f"views.{name}") for name in ("segment", "accounts", "heaviest"))
    return Told(say.text("views.segments"), headers, tuple(rows), say.count("views.small", small) if small else "")


def stability_words(say: Words, manifest: Manifest) -> str:
    """How far the reasons stay under other seeds; empty where nobody looked."""
    told = manifest.get("stability")
    if not told:
        return ""
    shared, low = say.percent(told["shared"]), say.percent(told["low"])
    return say.count("views.stability", told["seeds"], shared=shared, low=low)
