"""The verdict in a line, and the question in words with the numbers of its definition."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, dated
from revml.locales import Words


def verdict(say: Words, manifest: Manifest) -> str:
    """The verdict, quoted under the title."""
    verdict = manifest["verdict"]
    undated = "" if dated(manifest) else f" {say.text('card.verdict.undated')}"
    if verdict["passed"]:
        borrowed = f" {say.text('card.verdict.borrowed')}" if verdict["borrowed"] else ""
        return f"> {say.text('card.verdict.passed')}{borrowed}{undated}"
    reasons = "; ".join(say.text(f"card.verdict.{r}") for r in verdict["reasons"])
    return f"> {say.text('card.verdict.failed')} {reasons}.{undated}"


def asked(say: Words, manifest: Manifest) -> list[str]:
    """What was asked of every account."""
    question = manifest["question"]
    definition = manifest["definition"]
    if manifest.get("ready"):
        return [_own_question(say, manifest["ready"], definition)]
    horizon = say.days(definition["horizon_days"])
    gap = definition["gap_days"]
    window = say.text("card.window_gap", horizon=horizon, gap=say.days(gap)) if gap else ""
    told = say.text(
        f"card.question.{question}",
        window=window or say.text("card.window", horizon=horizon),
        horizon=horizon,
        grace=say.days(definition["grace_days"]),
        lookback=say.days(definition["lookback_days"]),
        uplift=say.percent(definition["uplift"]),
        drop=say.percent(definition["drop"]),
        ratio=say.number(definition["growth_ratio"], 2),
    )
    priced = question in ("contraction", "upsell") and definition.get("price_changes") is False
    return [f"{told} {say.text('card.question.no_price')}" if priced else told]


def _own_question(say: Words, own: Manifest, definition: Manifest) -> str:
    """What a ready table was asked: its label is its definition."""
    names = {k: f"`{own[k]}`" for k in ("table", "label")}
    key = "card.question.own" if own["positive"] is None else "card.question.own_value"
    asked = say.text(key, **names, value=f"`{own['positive']}`")
    if not definition["horizon_days"]:
        return f"{asked} {say.text('card.question.own_undated')}"
    window = {"horizon": say.days(definition["horizon_days"]), "gap": say.days(definition["gap_days"])}
    key = "card.question.own_gap" if definition["gap_days"] else "card.question.own_window"
    return f"{asked} {say.text(key, **window)}"
