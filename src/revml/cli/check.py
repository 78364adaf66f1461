"""`revml check`: read the sources, check every row, stage what is in order, say what is missing and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from revml.cli.options import json_option, out, print_json, progress_bar, table, workspace_option
from revml.cli.page_file import write_page
from revml.config import Workspace
from revml.contract.comparing import Changed
from revml.contract.pictures import gap_words
from revml.contract.report import CheckReport, OverLimit, TableReport
from revml.contract.retried import Retried
from revml.contract.since import Since
from revml.locales import words
from revml.sources.retrying import former_quarantine, retry
from revml.sources.staging import stage_workspace

if TYPE_CHECKING:
    from revml.ready import ReadyReport

PAGE = "check.html"


@click.command()
@workspace_option
@click.option("--retry", "again", is_flag=True, help="Tell what became of the rows that were in quarantine.")
@click.option("--full", is_flag=True, help="Read every row again, although files have not changed.")
@click.option("--accept-changes", is_flag=True, help="Stage even where something is gone that the last check had.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    is_flag=False,
    flag_value="",
    default=None,
    help="Write the report as a page; without FILE into the work folder.",
)
@json_option
def check(workspace: Workspace, again: bool, full: bool, accept_changes: bool, page: str | None, as_json: bool) -> None:
    """Check the data against the contract and stage the accepted rows.

    Every row is counted once: filtered by `where`, accepted, an exact duplicate, or in quarantine with a reason and a
    file that holds it. What looks odd though no row breaks the contract is told with its figures; nothing is repaired.

    Exit code 3 when a table has more rows in quarantine than quarantine_limit allows, or when a table, a column that
    held values or a large part of the past is gone since the last check; the facts of the last good check stay then.

    Of tables under `ready:` it tells what each column holds, and which columns seem to know the answer.

    \b
    Example:
      revml check -w revml.yaml
      revml check --html report.html     # a page to read and to send on, in the workspace's language
      revml check --retry                # after mending: which rows came out of quarantine, which remain
      revml check --accept-changes       # yes, that table is gone for good
      revml check --json | jq '.tables[] | {table, accepted}'
    """
    if workspace.ready and not workspace.has_tables:
        from revml.cli.ready import check_ready_alone

        check_ready_alone(workspace, as_json=as_json)
        return
    stopped: OverLimit | Changed | None = None
    with former_quarantine(workspace) as former:
        try:
            with progress_bar("checking") as report_progress:
                report = stage_workspace(
                    workspace, progress=report_progress, accept_changes=accept_changes, full=again or full
                )
        except (OverLimit, Changed) as error:
            stopped, report = error, error.report
        retried = retry(workspace, former) if again else ()
    own: Sequence[ReadyReport] = ()
    if workspace.ready:
        from revml.cli.ready import look_at_ready

        own = look_at_ready(workspace)
    _show(report, retried if again else None, own, as_json=as_json)
    if page is not None:
        place = Path(page) if page else workspace.work_dir / PAGE
        _write_page(place, workspace, report, retried, str(stopped) if stopped else "")
        if not as_json:
            out.print(f"\nReport: {escape(str(place))}", soft_wrap=True)
    if stopped:
        raise stopped
    if not as_json:
        contract = any(one.table == "subscriptions" and one.accepted for one in report.tables)
        out.print(
            f"\nStaged in {escape(str(workspace.staged_dir))}.\n"
            f"Next: `revml preview {'churn' if contract else 'lapse'}` counts the events that a model could learn from,"
            " `revml train all` trains.",
            soft_wrap=True,
        )


def _write_page(
    place: Path, workspace: Workspace, report: CheckReport, retried: Sequence[Retried], stopped: str
) -> None:
    from revml.contract.page import render
    from revml.sources.quarantine import examples

    text = render(
        report,
        company=workspace.company.name,
        language=workspace.language,
        examples=examples(workspace.quarantine_dir, report),
        retried=retried,
        stopped=stopped,
    )
    write_page(place, text, option="--html")


def _show(report: CheckReport, retried: Sequence[Retried] | None, own: Sequence[ReadyReport], *, as_json: bool) -> None:
    if as_json:
        told = report.to_dict() | ({} if retried is None else {"retried": [one.to_dict() for one in retried]})
        print_json(told | ({"ready": [one.to_dict() for one in own]} if own else {}))
        return
    filtered = any(one.filtered for one in report.tables)
    numbers = ("rows in", *(["filtered"] if filtered else []), "accepted", "duplicates", "quarantined")
    rows = [_counts(one, filtered=filtered) for one in report.tables]
    out.print(table("Rows", ("table", *numbers, "span"), rows, right=numbers, plain=True))
    for read in report.tables:
        if read.reading:
            out.print(f"{read.table}: {read.reading}", markup=False, soft_wrap=True)
    if report.since:
        _list(f"Since the last check ({report.since.checked_at:%Y-%m-%d %H:%M} UTC)", _since(report.since))
    if retried is not None:
        _list("Tried again", [line for one in retried for line in _retried(one)] or ["nothing was in quarantine"])
    _list("In quarantine", [line for one in report.tables for line in _quarantined(one)])
    _list("Looks like today's value: make sure that it was true at the time", _suspects(report, used=True))
    _list("Far fewer rows than usual: did the feed stop, or bring a part only?", _gaps(report))
    _list("Worth a look", [*(f"{one.table}: {note}" for one in report.tables for note in one.notes), *report.notes])
    _list("Columns that are not there, and what they cost", [line for one in report.tables for line in _missing(one)])
    _list("Tables that are not there, and what they cost", [f"{m.name}: {m.without}" for m in report.missing_tables])
    _list("Columns left out", [line for one in report.tables for line in _left_out(one)])
    _list("Left out, and rightly so", _suspects(report, used=False))
    if any(one.accepted for one in report.tables):
        out.print(f"\nData until {report.observed_until:%Y-%m-%d %H:%M} UTC, fingerprint {report.fingerprint[:12]}.")
    if own:
        from revml.cli.ready import show_ready

        for one in own:
            show_ready(one)


def _counts(one: TableReport, *, filtered: bool) -> tuple[str, ...]:
    numbers = (one.rows_in, *([one.filtered] if filtered else []), one.accepted, one.duplicates, one.quarantined_rows)
    span = f"{one.first:%Y-%m}…{one.last:%Y-%m}" if one.first and one.last else ""
    return (one.table, *(f"{n:,}" for n in numbers), span)


def _since(since: Since) -> list[str]:
    return [
        f"{'! ' if change.stops else ''}{f'{change.table}: ' if change.table else ''}{change.told}"
        for change in since.changes
    ] or ["nothing has changed that would be worth a word"]


def _retried(one: Retried) -> list[str]:
    lines = [f"{one.table}: {one.accepted:,} of {one.rows:,} rows that were in quarantine are accepted now"]
    for reason in one.reasons:
        fates = [
            (reason.accepted, "accepted"),
            (reason.duplicates, "duplicates"),
            (reason.filtered, "filtered"),
            *((rows, f"remain: {now}") for now, rows in reason.remaining.items()),
            (reason.gone, f"gone from the source ({reason.would_pass:,} would be accepted)"),
        ]
        told = "; ".join(f"{rows:,} {fate}" for rows, fate in fates if rows)
        lines.append(f"  {reason.reason}: {reason.rows:,} rows: {told}")
    return [*lines, *([f"  {one.note}"] if one.note else [])]


def _gaps(report: CheckReport) -> list[str]:
    english = words("en")
    return [
        f"{one.table}: {gap_words(gap, english)}"
        for one in report.tables
        for gap in (one.profile.gaps if one.profile else ())
    ]


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
