"""`revml backtest`: the past replayed from several origins, told in sentences, a page, JSON and MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from revml.cli.options import err, json_option, out, print_json, progress_bar, table, workspace_option
from revml.cli.page_file import write_page
from revml.config import QUESTIONS, QuestionName, Workspace

if TYPE_CHECKING:
    from revml.backtesting import Backtest
    from revml.backtesting.origins import Every


@click.command()
@click.argument("question", type=click.Choice(QUESTIONS))
@click.option("--origins", type=click.IntRange(1, 60), default=6, show_default=True, help="How many, the newest first.")
@click.option(
    "--every", type=click.Choice(["month", "quarter"]), default="month", show_default=True, help="How far apart."
)
@click.option("--sheet", type=click.Path(path_type=Path), help="Model sheet; default is models/QUESTION.yaml.")
@click.option(
    "--out",
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="The page; default is in the work folder.",
)
@workspace_option
@json_option
def backtest(
    question: QuestionName,
    origins: int,
    every: Every,
    sheet: Path | None,
    page: Path | None,
    workspace: Workspace,
    as_json: bool,
) -> None:
    """Replay the past of QUESTION as it would have been lived.

    At each origin (the first of a month whose label window has since closed) a model learns from what was known then,
    as `revml train` would have, scores everyone at risk, and meets what came. Told are ranking, calibration and money:
    how many of the events a list of capacity.accounts_per_month reached, beside lists by the best rule, renewal date,
    money, at random, and a perfect one. Writes a page and tells MLflow; nothing that serves is touched.

    \b
    Example:
      revml backtest churn
      revml backtest churn --origins 8 --every quarter --out churn.html
      revml backtest lapse --json | jq '.overall.lists'
    """
    from revml.backtesting import backtest as replay
    from revml.backtesting import must_have_a_past
    from revml.backtesting.page import render
    from revml.backtesting.tracked import track
    from revml.models.sheet import read_sheet
    from revml.retraining import needs_facts
    from revml.sources.facts import Facts

    needs_facts(workspace, question)
    own = read_sheet(sheet, question) if sheet is not None else None
    must_have_a_past(workspace, question)
    facts = Facts.open(workspace.staged_dir)
    with progress_bar(f"Replaying {question}") as report:
        told = replay(workspace, facts, question, origins=origins, every=every, sheet=own, progress=report)
    text = render(told, language=workspace.language)
    place = page or workspace.work_dir / "backtests" / f"{question}.html"
    write_page(place, text, option="--out")
    away = track(workspace, told, text)
    if as_json:
        print_json({**told.to_json(), "page": str(place), "tracking_away": away})
        return
    _print(told)
    out.print(f"page: {escape(str(place))}", soft_wrap=True)
    if away:
        err.print(away, style="yellow", markup=False, soft_wrap=True)


def _print(told: Backtest) -> None:
    from revml.backtesting import sentences
    from revml.locales import words

    speak = words("en")
    rows = []
    for one, figures, expected in zip(told.origins, told.quality.each, told.quality.expected, strict=True):
        auc, loss, constant = (figures[n].value for n in ("roc_auc", "log_loss", "log_loss_constant"))
        rows.append(
            (
                f"{one.as_of:%Y-%m}",
                one.served + ("" if one.passed else " *"),
                "" if auc is None else f"{auc:.3f}",
                "" if loss is None else f"{loss:.4f}",
                "" if constant is None else f"{constant:.4f}",
                f"{expected.predicted:.1f}" + ("" if expected.inside else " !"),
                f"{one.events}",
                f"{one.lists['model'].events:.0f}",
            )
        )
    headers = ("origin", "served", "AUC", "log-loss", "constant", "expected", "came", "reached")
    title = f"{told.question}: {len(told.origins)} origins, a list of {told.capacity:,} at each"
    out.print(table(title, headers, rows, right=headers[2:]))
    if not all(one.passed for one in told.origins):
        out.print("* in place of the rung that was chosen: it did not pass its test, so it would not have served")
    if not all(expected.inside for expected in told.quality.expected):
        out.print("! what came lies outside the range that true probabilities give in 95 of 100 cases")
    for sentence in (sentences.headline(told, speak), sentences.others(told, speak), *sentences.drift(told, speak)):
        out.print(sentence, markup=False, soft_wrap=True)
    if told.note:
        out.print(f"{sentences.fewer(told, speak)} ({told.note})", style="yellow", markup=False, soft_wrap=True)


commands = [backtest]
