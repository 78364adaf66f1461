"""What the commands share: the workspace option, JSON or table output, progress bars on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from revml.config import WORKSPACE_FILE, Workspace, load_workspace
from revml.progress import Progress as ReportProgress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def _load(_context: click.Context, _parameter: click.Parameter, value: str) -> Workspace:
    return load_workspace(value)


workspace_option = click.option(
    "--workspace",
    "-w",
    "workspace",
    default=WORKSPACE_FILE,
    show_default=True,
    metavar="PATH",
    callback=_load,
    help="Workspace file, or the folder that holds it.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")


@contextmanager
def progress_bar(title: str) -> Iterator[ReportProgress]:
    """A progress bar on stderr; yields `report(what, share_done)`."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=28),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}"),
    )
    with Progress(*columns, console=err, transient=False) as bar:
        task = bar.add_task(title, total=1.0, what="")

        def report(what: str, share: float) -> None:
            bar.update(task, completed=min(max(share, 0.0), 1.0), what=what)

        yield report
        bar.update(task, completed=1.0, what="")


def print_json(value: Any) -> None:
    """JSON on stdout, keys in order, times as ISO text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(title: str, headers: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()) -> Table:
    """A rich table; columns named in `right` are aligned to the right."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for header in headers:
        made.add_column(header, justify="right" if header in right else "left")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def account_cell(account_id: str, name: str | None, reason: str | None = None, item: str = "") -> str:
    """An account's name and id and the item of a pair, the reason below; nothing in them is taken for a rich tag."""
    head = escape(f"{name} ({account_id})" if name else account_id) + (f" → {escape(item)}" if item else "")
    return f"{head}\n  [dim]{escape(reason)}[/dim]" if reason else head
