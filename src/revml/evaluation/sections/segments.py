"""The test by segment: expected and observed events, whether they agree, and the ranking where events suffice."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, label, table
from revml.locales import Words

YEAR = 365
CALIBRATED = ("yes", "chance", "no")


def by_segment(say: Words, manifest: Manifest) -> list[str]:
    """A line a segment, and what chance alone does to so many of them."""
    found = manifest["figures"]["segments"]
    if not found:
        return []
    names = ("segment", "n", "expected", "interval", "observed", "agrees", "ranking")
    rows = [
        (
            f"{column_words(say, manifest, row['column'])}: {value_words(say, row)}",
            say.number(row["n"]),
            say.number(row["expected"], 1),
            _interval(say, row["expected_low"], row["expected_high"], 0),
            say.number(row["events"]),
            say.text(f"card.segments.{row['calibrated']}"),
            _ranking(say, row),
        )
        for row in found
    ]
    off = [row for row in found if row["calibrated"] == "no"]
    told = "; ".join(f"{column_words(say, manifest, row['column'])}: {value_words(say, row)}" for row in off)
    return [
        table([say.text(f"card.segments.{k}") for k in names], rows),
        say.text("card.segments.how", n=say.number(len(found)), chance=say.number(0.05 * len(found), 1)),
        say.text("card.segments.off", list=told) if off else "",
    ]


def _interval(say: Words, low: float, high: float, digits: int) -> str:
    return say.text("card.figures.between", low=say.number(low, digits), high=say.number(high, digits))


def _ranking(say: Words, row: Manifest) -> str:
    if row["roc_auc"] is None:
        return ""
    if row["roc_auc_low"] is None:
        return say.number(row["roc_auc"], 2)
    return f"{say.number(row['roc_auc'], 2)} ({_interval(say, row['roc_auc_low'], row['roc_auc_high'], 2)})"


def column_words(say: Words, manifest: Manifest, name: str) -> str:
    """What a column of segments is called."""
    key = f"card.segments.{name}"
    return say.text(key) if key in say and not manifest.get("ready") else label(manifest, name, say.language)


def value_words(say: Words, row: Manifest) -> str:
    """A category by its name, a band by its edges, in years where it is of days."""
    low, high = row["low"], row["high"]
    if low is None and high is None:
        return str(row["value"])
    if row["column"].endswith("_days") and all(edge is None or edge % YEAR == 0 for edge in (low, high)):
        if low is None:
            return say.count("card.segments.upto_years", int(high // YEAR))
        if high is None:
            return say.count("card.segments.above_years", int(low // YEAR))
        return say.count("card.segments.between_years", int(high // YEAR), low=say.number(low // YEAR))
    edges = {name: say.number(edge, 1) for name, edge in (("low", low), ("high", high)) if edge is not None}
    return say.text(f"card.segments.{'upto' if low is None else 'above' if high is None else 'between'}", **edges)
