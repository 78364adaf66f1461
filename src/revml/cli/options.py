"""What the commands share: the workspace option, JSON or table output, progress bars on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from revml.config import WORKSPACE_FILE, Workspace, load_workspace
from revml.progress import Progress as ReportProgress

LONGEST_NUMBER = 24  # what is longer in a column of numbers is a sentence

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


def table(
    title: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[str] = (),
    plain: bool = False,
) -> RenderableType:
    """A rich table; columns named in `right` are aligned to the right and never cut, a plain one has no frame.

    What does not fit the terminal beside each other stands below each other, the first column repeated.
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    sizes = [_sizes(header, [row[i] for row in cells], header in right) for i, header in enumerate(headers)]
    parts: list[Table] = []
    for places in _fitting([needed for needed, _ in sizes], out.width):
        made = Table(title=None if parts else title, title_justify="left", title_style="bold")
        if plain:
            made.box, made.padding = box.SIMPLE_HEAD, (0, 1, 0, 0)
        for i, width in zip(places, _widths([sizes[i] for i in places], out.width), strict=True):
            made.add_column(headers[i], justify="right" if headers[i] in right else "left", width=width)
        for row in cells:
            made.add_row(*(row[i] for i in places))
        parts.append(made)
    return parts[0] if len(parts) == 1 else Group(*parts)


def _sizes(header: str, cells: Sequence[str], number: bool) -> tuple[int, int]:
    """The width below which a column would be cut (its longest word, of numbers the longest line), and its longest."""
    lines = [header, *(line for cell in cells for line in Text.from_markup(cell).plain.splitlines())]
    words = [word for line in lines for word in line.split()]
    if number:
        words += [line for line in lines[1:] if len(line) <= LONGEST_NUMBER]
    return max(map(cell_len, words), default=1), max(map(cell_len, lines), default=1)


def _fitting(needed: Sequence[int], width: int) -> list[list[int]]:
    """Columns that stand beside each other, part by part; a cell has a space on either side and a line."""
    parts, used = [[0]], needed[0] + 4
    for i in range(1, len(needed)):
        if used + needed[i] + 3 > width and len(parts[-1]) > 1:
            parts.append([0])
            used = needed[0] + 4
        parts[-1].append(i)
        used += needed[i] + 3
    return parts


def _widths(sizes: Sequence[tuple[int, int]], width: int) -> list[int | None]:
    """What room is left is shared by the columns whose lines are longer than their words, and short lines come first;
    None where all have enough.

    >>> _widths([(4, 40), (6, 11)], 30)
    [12, 11]
    """
    room = width - 1 - sum(needed + 3 for needed, _ in sizes)
    wanted = [longest - needed for needed, longest in sizes]
    if room < 0 or sum(wanted) <= room:
        return [None] * len(sizes)
    given = [0] * len(sizes)
    for left, i in zip(range(len(sizes), 0, -1), sorted(range(len(sizes)), key=wanted.__getitem__), strict=True):
        given[i] = min(wanted[i], room // left)
        room -= given[i]
    return [needed + more for (needed, _), more in zip(sizes, given, strict=True)]


def print_notes(notes: Iterable[str], *, style: str = "dim") -> None:
    """Sentences of which each begins at a dash and keeps clear of it, however narrow the terminal is."""
    for note in notes:
        lines = Text(note).wrap(out, max(out.width - 2, 20))
        for i, line in enumerate(lines):
            out.print(Text("- " if i == 0 else "  ").append(line), style=style, soft_wrap=True)


def account_cell(account_id: str, name: str | None, reason: str | None = None, item: str = "") -> str:
    """An account's name and id and the item of a pair, the reason below; nothing in them is taken for a rich tag."""
    head = escape(f"{name} ({account_id})" if name else account_id) + (f" → {escape(item)}" if item else "")
    return f"{head}\n  [dim]{escape(reason)}[/dim]" if reason else head
