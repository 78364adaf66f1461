"""Which model serves: compare, promote, go back, see who was champion when, fetch from MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from revml.cli.auditing import audited
from revml.cli.options import err, json_option, out, print_json, progress_bar, table, workspace_option
from revml.config import QUESTIONS, QuestionName, Workspace
from revml.errors import ConfigError

if TYPE_CHECKING:
    from revml.comparing import Comparison, Side
    from revml.evaluation.paired import Difference
    from revml.promoting import Row

bundle_option = click.option(
    "--bundle", metavar="HASH", help="First digits of a bundle's hash; default: the challenger."
)
AFTER = "Next: `revml score` publishes with it; until then readers see what was published before"
WORDS = {"log_loss": "log-loss", "roc_auc": "ROC-AUC", "money_caught": "money caught"}


@click.command()
@click.argument("question", type=click.Choice(QUESTIONS))
@bundle_option
@workspace_option
@json_option
def compare(question: QuestionName, bundle: str | None, workspace: Workspace, as_json: bool) -> None:
    """Compare champion and challenger of QUESTION on the same newest closed window, and show what the gate says.

    The window's rows are those that a model trained today would be tested on, less what one of the two learned from.
    Differences are paired: accounts are resampled whole, and both models meet the same resamples. "better in" is the
    share of resamples in which the challenger is the better one. Nothing is changed.

    \b
    Example:
      revml compare churn
      revml compare churn --bundle 3fa9 --json
    """
    from revml.comparing import compare as compare_models
    from revml.promoting import failing, gate
    from revml.retraining import facts_for

    with progress_bar(f"Comparing {question}") as report:
        told = compare_models(workspace, facts_for(workspace, question), question, bundle=bundle, progress=report)
    rows = gate(workspace, told)
    if as_json:
        print_json(told.to_json() | {"gate": [asdict(row) for row in rows], "passes": not failing(rows)})
        return
    _print_comparison(told)
    _print_gate(rows)
    whose = f" --bundle {told.challenger.bundle.hash[:12]}" if bundle else ""
    over = " --force --reason TEXT` promotes it all the same" if failing(rows) else "` makes it champion"
    out.print(f"Next: `revml promote {question}{whose}{over}", markup=False, soft_wrap=True)


def _print_comparison(told: Comparison) -> None:
    when = f"as of {', '.join(told.as_of)}" if told.as_of else "accounts held out"
    both = [("challenger", told.challenger), *([("champion", told.champion)] if told.champion else [])]
    for name, side in both:
        bundle = side.bundle
        out.print(f"{name}: {bundle.hash[:12]}, {bundle.rung}, trained {bundle.manifest['made']['at']}", markup=False)
    if told.champion is None:
        out.print("no model serves yet: the challenger is judged alone")
    for note in (told.seen, told.unlike, told.unfit):
        if note:
            out.print(note, style="yellow", markup=False)
    title = f"{told.question}: {told.rows:,} rows, {told.accounts:,} accounts, {told.events:,} events, {when}"
    headers = ("figure", "challenger", "champion", "difference, 90 %", "better in")
    if told.differences:
        rows = [(WORDS[name], *_difference(one)) for name, one in told.differences.items()]
        out.print(table(title, headers, rows, right=headers[1:]))
    elif told.challenger.figures:
        rows = [(WORDS[n], _number(told.challenger.figures.values[n].value), "", "", "") for n in WORDS]
        out.print(table(title, headers, rows, right=headers[1:]))
    calibration = [(name, *_calibration(side)) for name, side in both if side.figures]
    told_of = ("", "expected", "95 % interval", "observed", "error", "drift (PSI)")
    out.print(table("Calibration", told_of, calibration, right=told_of[1:]))
    _print_segments(told)
    if told.rank_agreement is not None or told.same_first_reason is not None:
        out.print(
            f"reasons: concepts agree at {_number(told.rank_agreement, 2)}, the first reason stays for "
            f"{_share(told.same_first_reason)} of the accounts; {_share(told.changed_band)} change their band"
        )
    if told.top_reasons is not None:
        top = told.top_reasons
        out.print(
            f"of an account's three strongest reasons {_share(top.shared)} stay, {_share(top.low)} for the tenth that "
            f"agree least (Jaccard {_number(top.jaccard, 2)}, rank-biased overlap {_number(top.ranked, 2)})"
        )


def _print_segments(told: Comparison) -> None:
    from revml.comparing import side_by_side

    rows = []
    for one in side_by_side(told):
        other = one["champion"] or {}
        rows.append(
            (
                one["column"],
                one["value"],
                f"{one['n']:,}",
                one["events"],
                _two(one, other, "expected", 1),
                f"{one['expected_low']:.0f} to {one['expected_high']:.0f}",
                _two(one, other, "log_loss", 4),
                _two(one, other, "roc_auc", 3),
            )
        )
    headers = ("segment", "", "rows", "events", "expected", "95 %", "log-loss", "ROC-AUC")
    if rows:
        out.print(table("By segment: challenger | champion", headers, rows, right=headers[2:]))


def _two(one: Mapping[str, Any], other: Mapping[str, Any], name: str, digits: int) -> str:
    mine, theirs = _number(one[name], digits), _number(other.get(name), digits)
    return f"{mine} | {theirs}" if other else mine


def _difference(one: Difference) -> tuple[str, ...]:
    away = "" if one.low is None or one.high is None else f"{one.low:+.4f} to {one.high:+.4f}"
    return _number(one.challenger), _number(one.champion), away, _share(one.better)


def _calibration(side: Side) -> tuple[str, ...]:
    figures = side.figures
    if figures is None:
        return "", "", "", "", ""
    told = figures.expected
    interval = f"{told.low:.0f} to {told.high:.0f}"
    return (
        f"{told.events:.1f}",
        interval,
        str(told.observed),
        _number(figures.values["calibration_error"].value),
        _number(side.drift, 3),
    )


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _print_gate(rows: tuple[Row, ...]) -> None:
    shown = [("yes" if row.ok else "NO", row.name, row.wanted, row.got) for row in rows]
    out.print(table("Gate", ("", "row", "wanted", "got"), shown))
    failed = [row.name for row in rows if not row.ok]
    said = f"the gate says no: {', '.join(failed)}" if failed else "the gate is open"
    out.print(said, style="yellow" if failed else "green", markup=False)


@click.command()
@click.argument("question", type=click.Choice(QUESTIONS))
@bundle_option
@click.option("--force", is_flag=True, help="Promote it whatever the gate says; needs --reason.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the history and in MLflow.")
@workspace_option
@json_option
def promote(
    question: QuestionName, bundle: str | None, force: bool, reason: str, workspace: Workspace, as_json: bool
) -> None:
    """Make the challenger of QUESTION champion, if the gate of `revml compare` lets it through.

    Ends with exit code 10 and the rows that say no where it does not. What serves changes at once, a running service
    included; published scores stay as they are until the next `revml score`.

    \b
    Example:
      revml promote churn
      revml promote churn --bundle 3fa9 --force --reason "new price list, the old model is off"
    """
    from revml.promoting import promote as promote_model
    from revml.retraining import facts_for

    if force and not reason.strip():
        raise ConfigError(
            "a forced promotion needs a reason",
            wanted="--reason with a sentence that whoever reads the history will understand",
            got="none",
            do="add --reason, or leave --force out and see what the gate says",
        )
    with progress_bar(f"Promoting {question}") as report:
        facts = facts_for(workspace, question)
        done = promote_model(workspace, facts, question, bundle=bundle, force=force, reason=reason, progress=report)
    audited(workspace, "promote", f"{question} {done.champion.hash[:12]}", "forced" if done.forced else "done")
    if as_json:
        told = {"bundle": done.champion.hash, "before": done.before, "forced": done.forced, "note": done.note}
        print_json({"question": question, **told, "gate": [asdict(row) for row in done.rows]})
        return
    if done.forced:
        _print_gate(done.rows)
    out.print(done.summary(), markup=False, soft_wrap=True)
    out.print(AFTER, markup=False)


@click.command()
@click.argument("what", metavar="[QUESTION|RUN]", required=False)
@click.option("--reason", default="", metavar="TEXT", help="Of a question: why; kept in the history and in MLflow.")
@workspace_option
@json_option
def rollback(what: str | None, reason: str, workspace: Workspace, as_json: bool) -> None:
    """Go back: with a QUESTION to the champion before, with a RUN to that run's scores, alone to the run before.

    A question's name changes the model that serves from now on and no published score; `revml score` publishes with it.
    A number, or nothing, changes which published run readers see and no model. Neither needs MLflow.

    \b
    Example:
      revml rollback churn --reason "calls went to the wrong accounts"
      revml rollback 12
      revml rollback
    """
    if what in QUESTIONS:
        from revml.promoting import roll_back

        done = roll_back(workspace, what, reason=reason)
        audited(workspace, "rollback", f"{what} {done.champion.hash[:12]}")
        if as_json:
            print_json({"question": what, "bundle": done.champion.hash, "before": done.before, "note": done.note})
        else:
            out.print(done.summary(), markup=False, soft_wrap=True)
            out.print(AFTER, markup=False)
        return
    if what is not None and not what.isdecimal():
        raise ConfigError(
            "that is neither a question nor the number of a run",
            where="revml rollback",
            wanted=f"one of {', '.join(QUESTIONS)}, or a run of `revml runs`",
            got=repr(what),
            do="`revml rollback QUESTION` changes the model, `revml rollback RUN` the scores that readers see",
        )
    from revml.store import Store

    with Store.open(workspace.store_url) as store:
        now = store.rollback(None if what is None else int(what))
    audited(workspace, "rollback", f"run {now}")
    if as_json:
        print_json({"run": now})
    else:
        out.print(f"Readers see run {now} now.")


@click.command()
@click.argument("question", type=click.Choice(QUESTIONS))
@click.option("--local", is_flag=True, help="Do not ask MLflow for versions and aliases.")
@workspace_option
@json_option
def models(question: QuestionName, local: bool, workspace: Workspace, as_json: bool) -> None:
    """List the models of QUESTION, newest first, with what serves, and who was champion when.

    \b
    Example:
      revml models churn
      revml models churn --local --json
    """
    from revml.inventory import inventory
    from revml.models.registry import history

    found = inventory(workspace, question, ask_mlflow=not local)
    entries = history(workspace, question)
    if as_json:
        told: dict[str, Any] = {"models": [asdict(one) for one in found.models], "note": found.note}
        print_json(told | {"history": [asdict(entry) for entry in entries]})
        return
    rows = [
        (
            one.bundle[:12],
            one.version or "",
            one.serves,
            one.rung,
            one.tested,
            _number(one.log_loss),
            _number(one.roc_auc, 3),
            one.verdict,
        )
        for one in found.models
    ]
    headers = ("bundle", "version", "serves", "rung", "tested on", "log-loss", "ROC-AUC", "verdict")
    out.print(table(f"Models of {question}", headers, rows, right=("version", "log-loss", "ROC-AUC")))
    changes = [(e.at or "before", e.event, e.bundle, e.before or "", _why(e)) for e in reversed(entries)]
    if changes:
        out.print(table("Champions, newest first (UTC)", ("at", "event", "bundle", "before", "why"), changes))
    if found.note:
        err.print(found.note, style="yellow", markup=False)


def _why(entry: Any) -> str:
    past = f"forced past {', '.join(entry.failed)}" if entry.forced else ""
    return ": ".join(filter(None, (past, entry.reason)))


@click.command()
@click.argument("question", type=click.Choice(QUESTIONS))
@workspace_option
@json_option
def fetch(question: QuestionName, workspace: Workspace, as_json: bool) -> None:
    """Bring the champion of QUESTION here from MLflow: on a new server, or when the work folder was lost.

    The bundle is verified before it serves. A champion that serves here already is replaced and stays in the history.

    \b
    Example:
      revml fetch churn
    """
    from revml.models.registry import training
    from revml.tracking import fetch_champion

    with training(workspace.bundles_dir / question, question):
        bundle = fetch_champion(workspace, question)
    audited(workspace, "fetch", f"{question} {bundle.hash[:12]}")
    if as_json:
        print_json({"question": question, "bundle": bundle.hash, "version": bundle.version})
    else:
        out.print(f"{question}: version {bundle.version} ({bundle.hash[:12]}, {bundle.rung}) serves here now")


commands = [compare, promote, rollback, models, fetch]
