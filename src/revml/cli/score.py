"""`revml score` and `revml forecast`: one complete run, published; what differs is the part of it that is printed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from revml.cli.forecast_backtest import or_backtest
from revml.cli.forecast_tables import horizons_of, print_forecast
from revml.cli.options import account_cell, json_option, out, print_json, progress_bar, table, workspace_option
from revml.cli.published import ATTENDED, simply
from revml.config import LOSSES, Workspace
from revml.errors import NotEnoughData
from revml.windows import instant

if TYPE_CHECKING:
    from revml.locales import Words
    from revml.store.runs import ScoreRun

MONEYS = ("money", "expected_money")
UNKNOWN = "not known"


def _as_of(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    return instant(value) if value else None


def _horizons(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    return horizons_of(value) if value is not None else None


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
    rungs = {model.question: model.rung for model in run.models}
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
            _print_simple(one["question"], rungs)
            out.print(table("most likely", ("account and first reason", "probability"), likely, right=("probability",)))
            _print_attention(one["attention"], w)
            continue
        unknown = f"; nothing is known of the money of {one['unknown_money']:,}" if one["unknown_money"] else ""
        out.print(
            f"\n{one['question']}: {counted}, {w.money(one['money'], run.currency)} a year; "
            f"expected {'loss' if loss else 'gain'} {w.money(one['expected_money'], run.currency)} a year{unknown}"
        )
        _print_simple(one["question"], rungs)
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


def _print_simple(question: str, rungs: Mapping[str, str]) -> None:
    if simple := simply(question, rungs[question]):
        out.print(simple, markup=False)


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
    "--horizon-months",
    "horizons",
    default=None,
    metavar="MONTHS",
    callback=_horizons,
    help="One or several with commas, to 120; the longest is the main one. Default: 12, 24 and the workspace's own.",
)
@json_option
@or_backtest
def forecast(workspace: Workspace, as_of: datetime | None, horizons: tuple[int, ...] | None, as_json: bool) -> None:
    """Forecast what every account is worth, and publish it with fresh scores.

    With --backtest nothing is published: forecasts are made at earlier origins from what was known then (churn and
    upsell learned anew) and laid beside what came, with the simple methods that they must beat: run-rate, pooled churn,
    past NRR, the churn score as a hazard. Writes a page and tells MLflow.

    \b
    Example:
      revml forecast --horizon-months 12,24,36
      revml forecast --backtest --origins 4 --months 12 --out forecast.html
    """
    from revml.exports.forecast import forecast_summary
    from revml.exports.summary import run_head
    from revml.locales import words

    if workspace.ready and not workspace.has_tables:
        raise NotEnoughData(
            "ready tables alone say nothing of lifetime value",
            where="revml.yaml",
            wanted="contract tables: accounts and subscriptions or orders",
            got=f"ready: {', '.join(workspace.ready)}",
            do="run `revml score` for probabilities and reasons, or add the tables",
        )
    number, run = _publish(workspace, as_of, horizons, "Forecasting")
    told = forecast_summary(run)
    if as_json:
        print_json({"run": number, **run_head(run), **told})
        return
    w = words(workspace.language)
    out.print(
        f"Run {number}: lifetime value over {told['horizon_months']} months from {run.as_of:%Y-%m-%d}, "
        f"discounted margin: {w.money(told['clv'], run.currency)}"
    )
    print_forecast(run, told, w)


def _publish(
    workspace: Workspace, as_of: datetime | None, horizons: tuple[int, ...] | None, title: str
) -> tuple[int, ScoreRun]:
    from revml.retraining import facts_for
    from revml.scoring import publish_run, score_workspace

    facts = facts_for(workspace, "all")
    with progress_bar(title) as report:
        run = score_workspace(workspace, facts, as_of=as_of, horizon_months=horizons, progress=report)
        report("publishing", 1.0)
        return publish_run(workspace, run), run


commands = [score, forecast]
