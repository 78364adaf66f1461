"""`revml check`: read the sources, check every row, stage what is in order, say what is missing and what that costs."""

from __future__ import annotations

from pathlib import Path

import click
from rich import box
from rich.markup import escape

from revml.cli.options import json_option, out, print_json, progress_bar, table, workspace_option
from revml.config import Workspace
from revml.contract.report import CheckReport, OverLimit, TableReport
from revml.sources.staging import stage_workspace


@click.command()
@workspace_option
@json_option
def check(workspace: Workspace, as_json: bool) -> None:
    """Check the data against the contract and stage the accepted rows.

    Every row is counted once: filtered by `where`, accepted, an exact duplicate, or in quarantine with a reason and a
    file that holds it. Exit code 3 when a table has more rows in quarantine than quarantine_limit allows; the facts of
    the last good check stay then. Tables under `ready:` are looked at too: what each column holds, and which columns
    seem to know the answer.

    \b
    Example:
      revml check -w revml.yaml
      revml check --json | jq '.tables[] | {table, accepted}'
    """
    if workspace.ready and not workspace.has_tables:
        _ready(workspace, None, as_json=as_json)
        return
    try:
        with progress_bar("checking") as report_progress:
            report = stage_workspace(workspace, progress=report_progress)
    except OverLimit as error:
        _show(error.report, as_json=as_json)
        raise
    if workspace.ready:
        _ready(workspace, report, as_json=as_json)
        return
    _show(report, as_json=as_json)
    if not as_json:
        contract = any(one.table == "subscriptions" and one.accepted for one in report.tables)
        out.print(
            f"\nStaged in {escape(str(workspace.staged_dir))}.\n"
            f"Next: `revml preview {'churn' if contract else 'lapse'}` counts the events that a model could learn from,"
            " `revml train all` trains.",
            soft_wrap=True,
        )


def _ready(workspace: Workspace, report: CheckReport | None, *, as_json: bool) -> None:
    """Look at the ready tables, and show them after the contract tables, where there are any."""
    from revml.cli.ready import look_at_ready, show_ready

    with progress_bar("checking") as report_progress:
        found = look_at_ready(workspace, report_progress)
    if as_json:
        tables = report.to_dict() if report is not None else {}
        print_json({**tables, "ready": [one.to_dict() for one in found]})
        return
    if report is not None:
        _show(report, as_json=False)
    for one in found:
        show_ready(one)
    out.print("\nNext: `revml train all` trains, `revml score` scores and explains.")


def _show(report: CheckReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
        return
    filtered = any(one.filtered for one in report.tables)
    numbers = ("rows in", *(["filtered"] if filtered else []), "accepted", "duplicates", "quarantined")
    rows = [_counts(one, filtered=filtered) for one in report.tables]
    counts = table("Rows", ("table", *numbers, "span"), rows, right=numbers)
    counts.box, counts.padding = box.SIMPLE_HEAD, (0, 1, 0, 0)
    out.print(counts)
    _list("In quarantine", [line for one in report.tables for line in _quarantined(one)])
    _list("Looks like today's value: make sure that it was true at the time", _suspects(report, used=True))
    _list("Worth a look", [*(f"{one.table}: {note}" for one in report.tables for note in one.notes), *report.notes])
    _list("Columns that are not there, and what they cost", [line for one in report.tables for line in _missing(one)])
    _list("Tables that are not there, and what they cost", [f"{m.name}: {m.without}" for m in report.missing_tables])
    _list("Columns left out", [line for one in report.tables for line in _left_out(one)])
    _list("Left out, and rightly so", _suspects(report, used=False))
    if any(one.accepted for one in report.tables):
        out.print(f"\nData until {report.observed_until:%Y-%m-%d %H:%M} UTC, fingerprint {report.fingerprint[:12]}.")


def _counts(one: TableReport, *, filtered: bool) -> tuple[str, ...]:
    numbers = (one.rows_in, *([one.filtered] if filtered else []), one.accepted, one.duplicates, one.quarantined_rows)
    span = f"{one.first:%Y-%m}…{one.last:%Y-%m}" if one.first and one.last else ""
    return (one.table, *(f"{n:,}" for n in numbers), span)


def _quarantined(one: TableReport) -> list[str]:
    if not one.quarantined:
        return []
    over = f", over the limit of {one.limit:.1%}" if one.over_limit else ""
    file = Path(one.quarantine_file or "")
    head = f"{one.table}: {one.quarantined_rows:,} rows ({one.quarantined_share:.2%}{over}), see {file}"
    return [head, *(f"  {rows:,}  {reason}" for reason, rows in one.quarantined.items())]


def _missing(one: TableReport) -> list[str]:
    return [f"{one.table}.{missing.name}: {missing.without}" for missing in one.missing] if one.accepted else []


def _left_out(one: TableReport) -> list[str]:
    if not one.left_out:
        return []
    way = (
        " (list those that were true when the account was created under tables: accounts: static)"
        if one.table == "accounts"
        else ""
    )
    return [f"{one.table}: {', '.join(one.left_out)}{way}"]


def _suspects(report: CheckReport, *, used: bool) -> list[str]:
    return [f"{one.table}.{s.column}: {s.evidence}" for one in report.tables for s in one.suspects if s.used == used]


def _list(title: str, lines: list[str]) -> None:
    if lines:
        out.print(f"\n[bold]{escape(title)}[/bold]")
        for line in lines:
            out.print(f"  {line}", markup=False, soft_wrap=True)


commands: list[click.Command] = [check]
