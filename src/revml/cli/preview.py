"""`revml preview`: what the definition of a question gives, before anything is trained."""

from __future__ import annotations

import inspect
from typing import Any

import click
import pandas as pd

from revml.cli.options import json_option, out, print_json, table, workspace_option
from revml.config import Workspace


@click.command()
@click.argument("question")
@workspace_option
@json_option
def preview(question: str, workspace: Workspace, as_json: bool) -> None:
    """How often the event of QUESTION (churn, contraction, upsell, lapse ...) comes under its definition.

    Prints who was at risk at each snapshot, how many had the event in the horizon after it, what a model would learn
    from and be measured on, and what other horizons would give.

    \b
    Example:
      revml preview churn
      revml preview lapse --json
    """
    from revml.labels import question_named
    from revml.preview import preview_question
    from revml.snapshots import PAIR_QUESTIONS
    from revml.sources.facts import Facts

    found = preview_question(Facts.open(workspace.staged_dir), workspace, question_named(question))
    if as_json:
        print_json(found.to_dict())
        return
    spec = found.spec
    out.print(f"[bold]{found.question}[/bold]: {_definition(found.question)}")
    out.print(
        f"horizon {spec.horizon_days} days, gap {spec.gap_days} days, data until {found.observed_until:%Y-%m-%d}\n"
    )
    rows = (
        (f"{m:%Y-%m-%d}", f"{at_risk:,}", _count(events), _rate(rate), "" if closed else "still open")
        for m, at_risk, events, rate, closed in found.months.itertuples(index=False)
    )
    headers = ("as of", "at risk", "events", "rate", "")
    out.print(table("Each snapshot", headers, rows, right=headers[1:4]))
    closed = found.months[found.months["closed"]]
    at_risk, events = int(closed["at_risk"].sum()), int(closed["events"].sum())
    things = "pairs of account and family" if found.question in PAIR_QUESTIONS else "account-snapshots"
    out.print(f"{len(closed)} closed snapshots, {at_risk:,} {things}, {events:,} events\n")
    if len(found.parts):
        parts = (
            (f"{p} ({n})", f"{a:%Y-%m-%d}", f"{b:%Y-%m-%d}", f"{size:,}", f"{hit:,}", f"{who:,}", _rate(rate))
            for p, a, b, n, size, hit, who, rate in found.parts.itertuples(index=False)
        )
        titles = ("part", "first", "last", "rows", "events", "accounts", "rate")
        out.print(table("What a model would see (accounts: with an event)", titles, parts, right=titles[1:]))
    rows = (
        (f"{days} days", f"{n:,}", f"{size:,}", f"{hit:,}", _rate(rate))
        for days, n, size, hit, rate in found.horizons.itertuples(index=False)
    )
    headers = ("horizon", "closed", "at risk", "events", "rate")
    out.print(table("Other horizons", headers, rows, right=headers[1:]))
    for warning in found.warnings:
        out.print(f"Warning: {warning}", style="yellow", markup=False)


def _definition(question: str) -> str:
    from revml.labels import DEFINITIONS

    text: str = inspect.getdoc(DEFINITIONS[question]) or ""  # type: ignore[index]
    return text.partition("\n")[0]


def _count(value: Any) -> str:
    return "" if pd.isna(value) else f"{int(value):,}"


def _rate(value: Any) -> str:
    return "" if value is None or pd.isna(value) else f"{value:.1%}"


commands = [preview]
