"""`revml score` and `revml forecast`: one complete run, published; what differs is the part of it that is printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from revml.cli.options import json_option, out, print_json, progress_bar, table, workspace_option
from revml.config import LOSSES, Workspace
from revml.errors import NotEnoughData
from revml.windows import instant

if TYPE_CHECKING:
    from revml.locales import Words
    from revml.store.runs import ScoreRun

SUMS = ("accounts", "CLV", "expected revenue", "extrapolated")
SHOWN_SEGMENTS = 12
MONEYS = ("money", "expected_money")
UNKNOWN = "not known"
ATTENDED = {"treated": "treated", "held_out": "held out"}


def _as_of(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    return instant(value) if value else None


as_of_option = click.option(
    "--as-of",
    default=None,
    metavar="DATE",
    callback=_as_of,
    help="Score as if it were this day; facts known later are not seen. Default: the last full day of the data.",
)


@click.command()
@workspace_option
@as_of_option
@json_option
def score(workspace: Workspace, as_of: datetime | None, as_json: bool) -> None:
    """Score, explain and forecast every account with the models in service, and publish the run.

    Example: revml score --as-of 2026-03-01
    """
    from revml.exports.summary import question_summary, run_head
    from revml.locales import words

    number, run = _publish(workspace, as_of, None, "Scoring")
    told = [question_summary(run, model.question, language=workspace.language) for model in run.models]
    if as_json:
        print_json({"run": number, **run_head(run), "questions": told, "notes": list(run.score_notes)})
        return
    w = words(workspace.language)
    out.print(f"Run {number}: {len(run.accounts):,} accounts as of {run.as_of:%Y-%m-%d}, {run.company}.", markup=False)
    for one in told:
        loss = one["question"] in LOSSES
        pairs = f" with {one['rows']:,} offers" if one["rows"] != one["accounts"] else ""
        counted = f"{one['accounts']:,} accounts{pairs}"
        if not one["money"]:
            likely = (
                (
                    account_cell(top["account_id"], top["name"], top["reason"], top.get("item", "")),
                    w.percent(top["probability"], 1),
                )
                for top in one["top"]
            )
            out.print(f"\n{one['question']}: {counted}, nothing is known of their money")
            out.print(table("most likely", ("account and first reason", "probability"), likely, right=("probability",)))
            _print_attention(one["attention"], w)
            continue
        unknown = f"; nothing is known of the money of {one['unknown_money']:,}" if one["unknown_money"] else ""
        out.print(
            f"\n{one['question']}: {counted}, {w.money(one['money'], run.currency)} a year; "
            f"expected {'loss' if loss else 'gain'} {w.money(one['expected_money'], run.currency)} a year{unknown}"
        )
        rows = (
            (
                account_cell(top["account_id"], top["name"], top["reason"], top.get("item", "")),
                w.percent(top["probability"], 1),
                *(UNKNOWN if top[name] is None else w.money(top[name], run.currency) for name in MONEYS),
            )
            for top in one["top"]
        )
        title = "most money at risk" if loss else "most money to gain"
        numbers = ("probability", "money a year", f"expected {'loss' if loss else 'gain'}")
        out.print(table(title, ("account and first reason", *numbers), rows, right=numbers))
        _print_attention(one["attention"], w)
    for note in run.score_notes:
        out.print(f"\n{note}", markup=False, soft_wrap=True)
    out.print(
        "\n`revml account ID` shows one account, `revml serve` all of them, `revml export` writes them for a CRM."
    )


def _print_attention(groups: list[dict[str, Any]] | None, w: Words) -> None:
    """One line on accounts that were attended to lately, where there are any."""
    if groups is None or not any(one["accounts"] for one in groups if one["group"] in ATTENDED):
        return
    told = (
        f"{ATTENDED.get(one['group'], 'neither')} {one['accounts']:,} (mean {w.percent(one['probability'], 1)})"
        for one in groups
        if one["accounts"]
    )
    out.print(f"  plays in the horizon before: {', '.join(told)}; groups differ in more than that")


@click.command()
@workspace_option
@as_of_option
@click.option(
    "--horizon-months", type=click.IntRange(1, 120), default=None, help="Horizon; default: the workspace's economics."
)
@json_option
def forecast(workspace: Workspace, as_of: datetime | None, horizon_months: int | None, as_json: bool) -> None:
    """Forecast what every account is worth, and publish it with fresh scores.

    Example: revml forecast --horizon-months 24
    """
    from revml.exports.summary import forecast_summary, run_head
    from revml.locales import words

    if workspace.ready and not workspace.has_tables:
        raise NotEnoughData(
            "ready tables alone say nothing of lifetime value",
            where="revml.yaml",
            wanted="contract tables: accounts and subscriptions or orders",
            got=f"ready: {', '.join(workspace.ready)}",
            do="run `revml score` for probabilities and reasons, or add the tables",
        )
    number, run = _publish(workspace, as_of, horizon_months, "Forecasting")
    told = forecast_summary(run)
    if as_json:
        print_json({"run": number, **run_head(run), **told})
        return
    w = words(workspace.language)

    def money(value: float) -> str:
        return w.money(value, run.currency)

    out.print(
        f"Run {number}: lifetime value over {told['horizon_months']} months from {run.as_of:%Y-%m-%d}, "
        f"discounted margin: {money(told['clv'])}"
    )
    relations = _total_rows(told["relations"], "relation", money, w)
    out.print(table("By relation", ("relation", *SUMS), relations, right=SUMS))
    if told["segments"]:
        segments = _total_rows(told["segments"][:SHOWN_SEGMENTS], "segment", money, w)
        out.print(table(f"By {told['segment']}", (told["segment"], *SUMS), segments, right=SUMS))
        if left := told["segments"][SHOWN_SEGMENTS:]:
            out.print(f"  and {len(left)} more worth {money(sum(row['clv'] for row in left))}; --json prints them all")
    headers = ("account", "relation", "CLV", "still here at the end", "extrapolated")
    top = [
        (
            account_cell(row["account_id"], row["name"]),
            row["relation"],
            money(row["clv"]),
            w.percent(row["p_alive"]),
            w.percent(row["extrapolated_share"]),
        )
        for row in told["top"]
    ]
    out.print(table("Worth most", headers, top, right=headers[2:]))
    for name, count in told["warnings"].items():
        out.print(f"  {count:,} accounts: {w.text(f'clv.caution.{name}')}", markup=False)
    for note in told["notes"]:
        out.print(f"  {note}", markup=False)


def account_cell(account_id: str, name: str | None, reason: str | None = None, item: str = "") -> str:
    """An account's name and id and the item of a pair, the reason below; nothing in them is taken for a rich tag."""
    head = escape(f"{name} ({account_id})" if name else account_id) + (f" → {escape(item)}" if item else "")
    return f"{head}\n  [dim]{escape(reason)}[/dim]" if reason else head


def _publish(
    workspace: Workspace, as_of: datetime | None, horizon_months: int | None, title: str
) -> tuple[int, ScoreRun]:
    from revml.retraining import facts_for
    from revml.scoring import publish_run, score_workspace

    facts = facts_for(workspace, "all")
    with progress_bar(title) as report:
        run = score_workspace(workspace, facts, as_of=as_of, horizon_months=horizon_months, progress=report)
        report("publishing", 1.0)
        return publish_run(workspace, run), run


def _total_rows(
    totals: Sequence[dict[str, Any]], by: str, money: Callable[[float], str], w: Words
) -> list[tuple[str, ...]]:
    return [
        (
            escape(str(row[by])),
            f"{row['accounts']:,}",
            money(row["clv"]),
            money(row["expected_revenue"]),
            w.percent(row["extrapolated_share"]),
        )
        for row in totals
    ]


commands = [score, forecast]
