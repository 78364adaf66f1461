"""What `revml check` says of ready tables: their rows, and each column that is held back, left out or changed."""

from __future__ import annotations

from rich.markup import escape

from revml.cli.options import out, print_json, progress_bar
from revml.config import Workspace
from revml.ready import ReadyReport, check_ready

SHOWN = 12


def look_at_ready(workspace: Workspace) -> list[ReadyReport]:
    """Look at every ready table of a workspace."""
    found = []
    with progress_bar("checking ready tables") as progress:
        for number, name in enumerate(workspace.ready):
            progress(name, number / len(workspace.ready))
            found.append(check_ready(workspace, name))
    return found


def check_ready_alone(workspace: Workspace, *, as_json: bool) -> None:
    """The whole check of a workspace that has no contract tables."""
    found = look_at_ready(workspace)
    if as_json:
        print_json({"ready": [one.to_dict() for one in found]})
        return
    for one in found:
        show_ready(one)
    out.print("\nNext: `revml train all` trains, `revml score` scores and explains.")


def show_ready(report: ReadyReport) -> None:
    """Print what was found of one table."""
    dates = "by date" if report.dated else "without dates: tests will be out of sample, not out of time"
    out.print(f"\n[bold]Ready table {escape(report.name)}[/bold], answers {report.question}, {dates}", soft_wrap=True)
    unlabelled = f", {report.unlabelled:,} rows without a label" if report.unlabelled else ""
    out.print(
        f"  {report.rows:,} rows, {report.accounts:,} accounts, {report.events:,} events{unlabelled}", soft_wrap=True
    )
    kinds = [kind for kind in ("number", "flag", "days", "category") if kind in report.features.values()]
    counts = ", ".join(f"{list(report.features.values()).count(kind):,} {kind}" for kind in kinds)
    out.print(f"  {len(report.features):,} features: {counts}", soft_wrap=True)
    _lines(
        "Seems to know the answer: held back until `allow` names it",
        [f"{one.column}: {one.evidence}{'' if one.certain else ' (less certain)'}" for one in report.held_back],
    )
    _lines("Seems to know the answer, and is let in by `allow`", [f"{s.column}: {s.evidence}" for s in report.allowed])
    _lines("No features", [f"{column}: {why}" for column, why in report.left_out.items()], most=SHOWN)
    _lines("Worth a look", list(report.notes), most=SHOWN)


def _lines(title: str, lines: list[str], *, most: int | None = None) -> None:
    if not lines:
        return
    out.print(f"  [bold]{escape(title)}[/bold]")
    for line in lines[:most]:
        out.print(f"    {line}", markup=False, soft_wrap=True)
    if most is not None and len(lines) > most:
        out.print(f"    and {len(lines) - most} more; --json lists them all")
