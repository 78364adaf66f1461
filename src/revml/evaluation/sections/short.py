"""The card in three lines, for a reader who stops there."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, bullets, feature_label, label, listed
from revml.locales import Words

MOST = 3


def in_short(say: Words, manifest: Manifest) -> list[str]:
    """What its list is worth, whether its totals were right, and what it mostly looks at, where they can be told."""
    figures, values = manifest["figures"], manifest["figures"]["values"]
    told = []
    if manifest["rung"] != "constant" and values["lift"]["value"] is not None:
        lift = values["lift"]
        key = "card.short.list" if lift["low"] is not None else "card.short.list_alone"
        told.append(
            say.text(
                key,
                capacity=listed(say, manifest),
                caught=say.percent(values["events_caught"]["value"]),
                reach=say.percent(values["events_within_reach"]["value"]),
                lift=say.number(lift["value"], 1),
                low=say.number(lift["low"] or 0.0, 1),
                high=say.number(lift["high"] or 0.0, 1),
            )
        )
    if expected := figures.get("expected"):
        key = "card.short.inside" if expected["inside"] else "card.short.outside"
        told.append(say.text(key, **{k: say.number(expected[k]) for k in ("events", "low", "high", "observed")}))
    features, concepts = (list(manifest["importance"][k]) for k in ("features", "concepts"))
    if concepts:
        names = "; ".join(say.text(f"concept.{name}") for name in concepts[:MOST])
        first = feature_label(features[0], say.language)
        told.append(say.text("card.short.looks", concepts=names, feature=first))
    elif features:
        names = "; ".join(label(manifest, name, say.language) for name in features[:MOST])
        told.append(say.text("card.short.columns", columns=names))
    return [bullets(told)] if told else []
