"""What `revml forecast --backtest` does and prints: the forecast replayed from earlier origins."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType
from rich.markup import escape

from revml.cli.options import err, out, print_json, progress_bar, table
from revml.cli.page_file import write_page
from revml.config import Workspace
from revml.whole_file import whole

if TYPE_CHECKING:
    from revml.backtesting.money import MoneyBacktest
    from revml.backtesting.money_table import Row
    from revml.locales import Words

ORIGINS, MONTHS = 4, 12
NAMES = {"as_of": "--as-of", "horizons": "--horizon-months"}
HEADS = {
    "bias": "revenue",
    "exit_bias": "exit MRR",
    "rmse": "RMSE",
    "gini": "Gini",
    "brier": "Brier",
    "coverage": "held",
}


def or_backtest(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--backtest` and its options to a command that takes a workspace and `as_json`, and runs without them."""

    @click.option(
        "--backtest", is_flag=True, help="Publish nothing: replay forecasts of earlier origins against what came."
    )
    @click.option(
        "--origins", type=click.IntRange(1, 40), default=None, help=f"Of the back-test, a quarter apart [{ORIGINS}]."
    )
    @click.option(
        "--months", type=click.IntRange(3, 60), default=None, help=f"That follow every origin at least [{MONTHS}]."
    )
    @click.option("--without-scores", is_flag=True, help="Train no model at the origins: hazards of groups alone.")
    @click.option("--without-intervals", is_flag=True, help="Make no intervals at the origins, which takes long.")
    @click.option(
        "--out",
        "--report",
        "report",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        metavar="FILE.html",
        help="The back-test's page; default is in the work folder.",
    )
    @wraps(command)
    def either(
        workspace: Workspace,
        as_json: bool,
        backtest: bool,
        origins: int | None,
        months: int | None,
        without_scores: bool,
        without_intervals: bool,
        report: Path | None,
        **own: Any,
    ) -> None:
        ours = {
            "--origins": origins,
            "--months": months,
            "--without-scores": without_scores or None,
            "--out": report,
        }
        theirs = {NAMES.get(name, f"--{name}"): value for name, value in own.items()}
        stray = [name for name, value in (theirs if backtest else ours).items() if value is not None]
        if stray:
            raise click.UsageError(f"{', '.join(stray)} {'is not for' if backtest else 'is for'} --backtest")
        if not backtest:
            command(workspace=workspace, as_json=as_json, **own)
            return
        backtest_forecast(
            workspace,
            origins=origins or ORIGINS,
            months=months or MONTHS,
            scored=not without_scores,
            intervals=not without_intervals,
            report=report,
            as_json=as_json,
        )

    return either


def backtest_forecast(
    workspace: Workspace,
    *,
    origins: int,
    months: int,
    scored: bool,
    intervals: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Replay, write the page and the document, tell MLflow, print."""
    import json

    from revml.backtesting.money import backtest_money, kept_file
    from revml.backtesting.money_page import render
    from revml.backtesting.money_tracked import track
    from revml.sources.facts import Facts

    facts = Facts.open(workspace.staged_dir)
    with progress_bar("Replaying the forecast") as tell:
        told = backtest_money(
            workspace, facts, origins=origins, months=months, scored=scored, intervals=intervals, progress=tell
        )
    page = render(told, language=workspace.language)
    place = report or workspace.work_dir / "backtests" / "forecast.html"
    write_page(place, page, option="--out")
    kept_file(workspace).parent.mkdir(parents=True, exist_ok=True)
    with whole(kept_file(workspace)) as new:
        new.write_text(json.dumps(told.to_json(), ensure_ascii=False, allow_nan=False), encoding="utf-8")
    away = track(workspace, told, page)
    if as_json:
        print_json({**told.to_json(), "page": str(place), "tracking_away": away})
        return
    _print(told)
    out.print(f"page: {escape(str(place))}", soft_wrap=True)
    if away:
        err.print(away, style="yellow", markup=False, soft_wrap=True)


def _print(told: MoneyBacktest) -> None:
    from revml.backtesting import money_sentences
    from revml.locales import words

    speak = words("en")
    for relation in told.relations:
        out.print(_table(told, relation, speak))
    out.print("revenue, exit MRR: forecast against what came; held: accounts within their 80 % interval; * the best")
    for sentence in (
        *money_sentences.headlines(told, speak),
        *money_sentences.held(told, speak),
        *money_sentences.better(told, speak),
        *money_sentences.lost(told, speak, horizon=told.months),
    ):
        out.print(sentence, markup=False, soft_wrap=True)
    for note in told.notes:
        out.print(note, style="yellow", markup=False, soft_wrap=True)


def _table(told: MoneyBacktest, relation: str, speak: Words) -> RenderableType:
    """The main horizon over all origins; the others, origins and cohorts stand on the page."""
    from revml.backtesting.money_sentences import KEY, value_of
    from revml.backtesting.money_table import best

    found = told.at(relation, told.months)
    winners = best(found)

    def cell(row: Row, figure: str) -> str:
        mark = "*" if row.method in winners.get(figure, ()) else ""
        return value_of(figure, getattr(row, figure), told, speak) + mark

    rows = [(speak.text(f"{KEY}.method.{row.method}"), *(cell(row, figure) for figure in HEADS)) for row in found]
    months, origins = speak.count(f"{KEY}.months", told.months), speak.count(f"{KEY}.origins", found[0].origins)
    title = f"{speak.text(f'{KEY}.relation.{relation}')}, {months} from {origins}"
    return table(title, ("", *HEADS.values()), rows, right=tuple(HEADS.values()))
