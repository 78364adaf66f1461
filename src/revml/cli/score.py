"""`revml score` and `revml forecast`: one complete run, published; what differs is the part of it that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import pandas as pd
from rich.markup import escape

from revml.cli.options import json_option, out, print_json, progress_bar, table, workspace_option
from revml.clv.cautions import caution_words
from revml.config import Workspace
from revml.locales import Words, words
from revml.scoring import score_workspace
from revml.sources.facts import Facts
from revml.store.runs import ScoreRun
from revml.store.scores import Store
from revml.windows import instant

SHOWN = 10
LOSSES = ("churn", "lapse")
NUMBERS = ("probability", "money", "at stake")
SEGMENTS = ("industry", "region", "country")


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
    number, run = _publish(workspace, as_of, None, "Scoring")
    told = [_question(run, model.question, workspace.language) for model in run.models]
    if as_json:
        print_json({"run": number, **_head(run), "questions": told})
        return
    w = words(workspace.language)
    out.print(f"Run {number}: {len(run.accounts):,} accounts as of {run.as_of:%Y-%m-%d}, {run.company}.")
    for one in told:
        loss = one["question"] in LOSSES
        out.print(
            f"\n{one['question']}: {one['accounts']:,} accounts, {w.money(one['money'], run.currency)} a year; "
            f"expected {'loss' if loss else 'gain'} {w.money(one['expected_money'], run.currency)} a year"
        )
        rows = (
            (
                account_cell(top["account_id"], top["name"], top["reason"]),
                w.percent(top["probability"], 1),
                w.money(top["money"], run.currency),
                w.money(top["expected_money"], run.currency),
            )
            for top in one["top"]
        )
        title = "most money at risk" if loss else "most money to gain"
        out.print(table(title, ("account and first reason", *NUMBERS), rows, right=NUMBERS))
    out.print(
        "\n`revml account ID` shows one account, `revml serve` all of them, `revml export` writes them for the CRM."
    )


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
    number, run = _publish(workspace, as_of, horizon_months, "Forecasting")
    told = forecast_summary(run)
    if as_json:
        print_json({"run": number, **_head(run), **told})
        return
    w = words(workspace.language)

    def money(value: float) -> str:
        return w.money(value, run.currency)

    out.print(
        f"Run {number}: lifetime value over {told['horizon_months']} months from {run.as_of:%Y-%m-%d}, "
        f"discounted margin: {money(told['clv'])}"
    )
    sums = ("accounts", "CLV", "expected revenue", "extrapolated")
    relations = _clv_rows(told["relations"], "relation", money, w)
    out.print(table("By relation", ("relation", *sums), relations, right=sums))
    if told["segments"]:
        segments = _clv_rows(told["segments"], "segment", money, w)
        out.print(table(f"By {told['segment']}", (told["segment"], *sums), segments, right=sums))
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
    for warning, count in told["warnings"].items():
        out.print(f"  {count:,} accounts: {caution_words(warning, workspace.language)}", markup=False)
    for note in run.notes:
        out.print(f"  {note}", markup=False)


def account_cell(account_id: str, name: str | None, reason: str | None = None) -> str:
    """An account's name and id, the reason below; nothing in them is taken for a rich tag."""
    head = escape(f"{name} ({account_id})" if name else account_id)
    return f"{head}\n  [dim]{escape(reason)}[/dim]" if reason else head


def _publish(
    workspace: Workspace, as_of: datetime | None, horizon_months: int | None, title: str
) -> tuple[int, ScoreRun]:
    facts = Facts.open(workspace.staged_dir)
    with progress_bar(title) as report:
        run = score_workspace(workspace, facts, as_of=as_of, horizon_months=horizon_months, progress=report)
        with Store.open(workspace.store_url) as store:
            return store.publish(run), run


def _head(run: ScoreRun) -> dict[str, Any]:
    return {
        "as_of": run.as_of.isoformat(),
        "company": run.company,
        "currency": run.currency,
        "accounts": len(run.accounts),
        "models": [
            {"question": m.question, "version": m.version, "rung": m.rung, "horizon_days": m.horizon_days}
            for m in run.models
        ],
    }


def _question(run: ScoreRun, question: str, language: str) -> dict[str, Any]:
    """Sums of a question, and the accounts with most money at stake with their first reason."""
    scores = run.scores[run.scores["question"] == question]
    first = run.reasons[(run.reasons["question"] == question) & (run.reasons["rank"] == 1)]
    top = (
        scores.sort_values(["expected_money", "account_id"], ascending=[False, True])
        .head(SHOWN)
        .merge(run.accounts[["account_id", "name"]], on="account_id")
        .merge(first[["account_id", f"text_{language}"]], on="account_id", how="left")
        .rename(columns={f"text_{language}": "reason"})
    )
    return {
        "question": question,
        "accounts": len(scores),
        "money": float(scores["money"].sum()),
        "expected_money": float(scores["expected_money"].sum()),
        "bands": {str(band): int(n) for band, n in scores["band"].value_counts().sort_index().items()},
        "top": _records(top, ("account_id", "name", "probability", "band", "money", "expected_money", "reason")),
    }


def forecast_summary(run: ScoreRun) -> dict[str, Any]:
    """Totals of the lifetime values by relation and by the segment that most accounts have; they add up to `clv`."""
    clv = run.clv.merge(run.accounts[["account_id", "name", *SEGMENTS]], on="account_id", how="left")
    known = {name: int(clv[name].notna().sum()) for name in SEGMENTS}
    segment = max(SEGMENTS, key=lambda name: known[name])
    top = clv.sort_values(["clv", "account_id", "relation"], ascending=[False, True, True]).head(SHOWN)
    warned = clv.loc[clv["warning"].fillna("") != "", "warning"]
    return {
        "horizon_months": int(clv["horizon_months"].max()) if len(clv) else 0,
        "clv": float(clv["clv"].sum()),
        "relations": _clv_totals(clv, "relation", "relation"),
        "segment": segment,
        "segments": _clv_totals(clv.fillna({segment: "not known"}), segment, "segment") if known[segment] else [],
        "top": _records(top, ("account_id", "name", "relation", "clv", "p_alive", "extrapolated_share", "warning")),
        "warnings": {str(text): int(n) for text, n in warned.value_counts().sort_index().items()},
        "notes": list(run.notes),
    }


def _clv_totals(clv: pd.DataFrame, by: str, called: str) -> list[dict[str, Any]]:
    clv = clv.assign(beyond=clv["clv"] * clv["extrapolated_share"].fillna(0.0))
    sums = clv.groupby(by).agg(
        accounts=("account_id", "nunique"),
        clv=("clv", "sum"),
        expected_revenue=("expected_revenue", "sum"),
        beyond=("beyond", "sum"),
    )
    sums["extrapolated_share"] = (sums["beyond"] / sums["clv"].where(sums["clv"] != 0)).fillna(0.0)
    sums = sums.sort_values("clv", ascending=False, kind="stable").rename_axis(called).reset_index()
    return _records(sums, (called, "accounts", "clv", "expected_revenue", "extrapolated_share"))


def _clv_rows(totals: Sequence[dict[str, Any]], by: str, money: Any, w: Words) -> list[tuple[str, ...]]:
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


def _records(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows as plain Python values; missing values become None."""
    plain = frame[list(columns)].astype("object")
    return [{str(k): v for k, v in row.items()} for row in plain.where(plain.notna(), None).to_dict("records")]


commands = [score, forecast]
