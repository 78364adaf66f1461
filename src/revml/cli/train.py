"""`revml train` and `revml register`: models from checked facts, tested once, tracked where MLflow answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from revml.cli.options import err, json_option, out, print_json, progress_bar, table, workspace_option
from revml.config import QUESTIONS, QuestionName, Workspace

if TYPE_CHECKING:
    from revml.retraining import Trained

SHOWN = (
    ("roc_auc", "ROC-AUC", 3),
    ("pr_auc", "PR-AUC", 3),
    ("log_loss", "log-loss", 4),
    ("log_loss_constant", "log-loss of the constant rate", 4),
    ("log_loss_gain", "log-loss gained over the constant rate", 4),
    ("brier", "Brier score", 4),
    ("calibration_error", "calibration error", 4),
    ("calibration_chance", "... that chance alone reaches in 1 of 20", 4),
    ("calibration_ratio", "predicted / observed events", 2),
    ("lift", "lift of the team's list", 2),
    ("events_caught", "share of events on the team's list", 3),
    ("events_within_reach", "... and on a perfect list", 3),
    ("money_caught", "share of the money on a list by expected money", 3),
)

TRIALS = 40  # of `--tune` alone


@click.command()
@click.argument("question", type=click.Choice([*QUESTIONS, "all"]))
@click.option("--sheet", type=click.Path(path_type=Path), help="Model sheet; default is models/QUESTION.yaml.")
@click.option("--truth", type=click.Path(path_type=Path), help="A sample company's truth folder, to compare with.")
@click.option("--tune", is_flag=True, help="Search for better LightGBM settings first; a stopped search goes on.")
@click.option("--trials", type=click.IntRange(1, 10_000), help="Settings to try, 40 unless told; means --tune.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Begin no trial after this; means --tune.")
@workspace_option
@json_option
def train(
    question: str,
    sheet: Path | None,
    truth: Path | None,
    tune: bool,
    trials: int | None,
    minutes: float | None,
    workspace: Workspace,
    as_json: bool,
) -> None:
    """Train QUESTION (churn, upsell, lapse ... or all), test it once on the newest closed window, register it.

    A question that a table under `ready:` in revml.yaml answers learns from that table; one without dates is tested on
    accounts held out. Prints every rung of the ladder and which one serves, the figures with their 90 % intervals, the
    verdict, and where the model card is. The first model that passes becomes champion.

    \b
    Example:
      revml train churn
      revml train all --json
      revml train churn --truth data/truth
      revml train churn --tune --trials 60 --minutes 30
    """
    from revml.models.sheet import Tuning
    from revml.retraining import facts_for, train_questions

    tuning = Tuning(trials=trials or TRIALS, minutes=minutes) if tune or trials or minutes else None

    facts = facts_for(workspace, question)  # type: ignore[arg-type]
    with progress_bar(f"Training {question}") as report:
        trained = train_questions(
            workspace,
            facts,
            question,  # type: ignore[arg-type]
            sheet=sheet,
            tuning=tuning,
            progress=report,
        )
    told = [_told(one, truth) for one in trained]
    if as_json:
        print_json(told)
        return
    for one in told:
        _print(one)


def _told(one: Trained, truth: Path | None) -> dict[str, Any]:
    result, registered = one.result, one.registered
    if result is None or registered is None:
        return {"question": one.question, "trained": False, "why": str(one.refused)}
    told: dict[str, Any] = {
        "question": one.question,
        "trained": True,
        "served": result.bundle.rung,
        "chosen": "out of time" if result.by_time else "across accounts",
        "tested": "out of time" if result.dated else "out of sample",
        "table": result.bundle.ready["table"] if result.bundle.ready else None,
        "held_back": result.bundle.ready["held_back"] if result.bundle.ready else {},
        "leaks": result.bundle.manifest["leaks"],
        "treated": result.bundle.manifest["treated"],
        "ladder": result.bundle.manifest["ladder"],
        "tuning": result.bundle.manifest["tuning"],
        "figures": result.figures.to_json(),
        "expected": result.figures.expected.sentence(),
        "verdict": result.verdict.sentence(),
        "passed": result.verdict.passed,
        "bundle": result.bundle.hash,
        "folder": str(result.bundle.folder),
        "card": str(result.bundle.folder / "card.md"),
        "version": registered.version,
        "alias": registered.alias,
        "note": registered.note,
        "tracking_away": registered.away,
        "stands_in": one.stands_in(),
    }
    if truth is not None:
        from revml.evaluation.truth import COLUMNS, compare_with_truth

        if one.question in COLUMNS:  # of the others, nobody knows the truth
            compared = compare_with_truth(result.predictions, truth, one.question, result.figures.constant)
            told["truth"] = compared.to_json()
    return told


def _print(told: dict[str, Any]) -> None:
    if not told["trained"]:
        out.print(f"[bold]{told['question']}[/bold]: not trained", end="\n")
        out.print(told["why"] + "\n", style="yellow", markup=False)
        return
    rungs = (
        (
            row["rung"] + (" *" if row["rung"] == told["served"] else ""),
            f"{row['log_loss']:.4f}",
            _share(row["better"]),
            _share(row["ranks"]),
        )
        for row in told["ladder"]
    )
    headers = ("rung", "log-loss", "lower than below in", "ranks better in")
    if told["tuning"]:
        out.print(f"tuning: {told['tuning']['why']}")
    out.print(table(f"{told['question']}: ladder, chosen {told['chosen']}", headers, rungs, right=headers[1:]))
    from revml.models.ladder import CLEARLY

    asked = next((row["asked"] for row in told["ladder"] if row["rung"] == told["served"]), CLEARLY)
    if told["served"] != "constant" and asked < CLEARLY:
        out.print(f"{told['served']} is not refuted: of it a lower log-loss in {asked:.0%} of the resamples is asked")
    figures = told["figures"]
    rows = [(words, *_cells(figures["values"][name], digits)) for name, words, digits in SHOWN]
    undated = "" if told["tested"] == "out of time" else "; no dates: out of sample, not out of time"
    title = f"Test: {figures['rows']:,} rows, {figures['events']:,} events ({figures['base_rate']:.1%}){undated}"
    out.print(table(title, ("figure", "value", "90 % interval"), rows, right=("value", "90 % interval")))
    if "truth" in told:
        out.print(table("Against the truth", ("figure", "value"), told["truth"]["words"].items(), right=("value",)))
    out.print(told["expected"])
    what = "a rule" if told["served"] == "rule" else told["served"]
    out.print(f"{'served' if told['passed'] else 'chosen'}: [bold]{what}[/bold] (*), verdict: {told['verdict']}")
    if told["held_back"]:
        names = ", ".join(told["held_back"])
        out.print(f"held back, for they seem to know the answer: {names} (`revml check` says why)", markup=False)
    for one in told["leaks"]:
        mark = "[red]leak[/red]" if one["blocks"] else "allowed" if one["allowed"] else "worth a look"
        out.print(f"{mark}: {escape(one['feature'] or 'rows')}: {escape(one['evidence'])}", soft_wrap=True)
    if told["treated"]:
        _print_treated(told["treated"])
    out.print(f"card: {told['card']}", soft_wrap=True)
    note = "\n".join(filter(None, (told["note"], told["stands_in"], _next(told))))
    (err if told["tracking_away"] else out).print(note + "\n", style="yellow" if told["tracking_away"] else None)


def _next(told: dict[str, Any]) -> str:
    """What to do with it, in a line; of a model that may not serve the note says why, and the card more."""
    question = told["question"]
    if told["alias"] == "champion":
        worth = "" if told["table"] else f", `revml backtest {question}` asks what it would have been worth"
        return f"Next: `revml score` publishes with it{worth}"
    if told["alias"] == "challenger":
        return f"Next: `revml compare {question}` shows both on the same rows, `revml promote {question}` changes over"
    return ""


def _print_treated(told: dict[str, Any]) -> None:
    out.print(
        f"plays: of {told['rows']:,} labelled rows {told['treated_rows']:,} were treated, {told['held_out_rows']:,}"
        f" held out{'; treated rows were not learned from' if told['how'] == 'leave_out' else ''}"
    )
    rows = [
        (
            one["group"].replace("_", " "),
            f"{one['rows']:,}",
            f"{one['events']:,}",
            *_rate(one["rate"]),
            *_rate(one["score"]),
        )
        for one in told["test"]
    ]
    headers = ("in the test", "rows", "events", "happened", "90 % interval", "predicted", "90 % interval")
    out.print(table("Treated and held out", headers, rows))


def _rate(figure: dict[str, float | None]) -> tuple[str, str]:
    value, low, high = (None if figure[k] is None else f"{figure[k]:.1%}" for k in ("value", "low", "high"))
    return value or "unknown", f"{low} to {high}" if low else ""


def _share(better: float | None) -> str:
    return "" if better is None else f"{better:.0%}"


def _cells(figure: dict[str, float | None], digits: int) -> tuple[str, str]:
    value, low, high = (None if figure[k] is None else f"{figure[k]:.{digits}f}" for k in ("value", "low", "high"))
    return value or "unknown", f"{low} to {high}" if low else ""


@click.command()
@click.argument("question", type=click.Choice(QUESTIONS))
@click.option("--bundle", help="First digits of a bundle's hash; default is the one trained last.")
@workspace_option
@json_option
def register(question: QuestionName, bundle: str | None, workspace: Workspace, as_json: bool) -> None:
    """Tell MLflow of QUESTION what it does not know yet: a model, promotions, roll-backs made while it was away.

    What serves here is the truth: the aliases champion and challenger follow it, and the history of each version is
    brought up to date.

    \b
    Example:
      revml register churn
    """
    from revml.comparing import candidate
    from revml.errors import TrackingError
    from revml.models.registry import newest_bundle, training
    from revml.tracking import register as register_bundle

    with training(workspace.bundles_dir / question, question):
        found = newest_bundle(workspace, question) if bundle is None else candidate(workspace, question, bundle)
        registered = register_bundle(workspace, found)
    if registered.away:
        raise TrackingError(registered.note, got=registered.away)
    if as_json:
        print_json({"version": registered.version, "alias": registered.alias, "note": registered.note})
        return
    out.print(registered.note)


commands = [train, register]
