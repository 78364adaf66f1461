"""Plays: how many labelled rows were attended to or held out, and what the model says of each group."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, table
from revml.locales import Words


def attended(say: Words, manifest: Manifest) -> list[str]:
    """Counts, what the probability then means, and the groups of the test; nothing where no plays are known."""
    told = manifest.get("treated")
    if not told:
        return []
    counts = {
        key: say.number(told[key])
        for key in ("rows", "treated_rows", "treated_accounts", "held_out_rows", "held_out_accounts")
    }
    out = [say.text("card.treated.counts", **counts, share=say.percent(told["share"], 1))]
    if told["how"] == "leave_out":
        out.append(say.text("card.treated.left_out"))
    elif told["many"]:
        out.append(say.text("card.treated.many"))
    headers = [say.text(f"card.treated.{key}") for key in ("group", "n", "events", "rate", "score")]
    rows = [
        (
            say.text(f"card.treated.{group['group']}"),
            say.number(group["rows"]),
            say.number(group["events"]),
            _between(say, group["rate"]),
            _between(say, group["score"]),
        )
        for group in told["test"]
    ]
    return [*out, table(headers, rows), say.text("card.treated.no_effect")]


def _between(say: Words, figure: Manifest) -> str:
    if figure["value"] is None:
        return say.text("card.figures.unknown")
    value = say.percent(figure["value"], 1)
    if figure["low"] is None:
        return value
    between = say.text("card.figures.between", low=say.percent(figure["low"], 1), high=say.percent(figure["high"], 1))
    return f"{value} ({between})"
