"""`revml map`: ready mappings of tables that people have."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape
from rich.padding import Padding

from revml.cli.options import err, json_option, out, print_json
from revml.errors import ConfigError
from revml.mappings import NAMES, compose, shape


@click.command(name="map")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--out", "file", type=click.Path(path_type=Path), default=None, help="Write it into this file, which must be new."
)
@json_option
def map_(names: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Write a revml.yaml for tables of systems that people have, ready for editing; without a NAME, list them.

    Several names give one file. Where two have the same table the first one gives it, and account ids of the others are
    matched to those of the first: look for EDIT in the file.

    \b
    Example:
      revml map
      revml map stripe --out revml.yaml
      revml map hubspot stripe segment --out revml.yaml
    """
    if not names:
        _list(as_json=as_json)
        return
    composed = compose(names)
    if as_json:
        print_json({"shapes": list(dict.fromkeys(names)), "notes": composed.notes, "yaml": composed.text})
    elif file is None:
        click.echo(composed.text, nl=False)
    if file is not None:
        _write(file, composed.text)
        err.print(
            f"Written to {file}. Next: edit its paths, then `revml check -w {file}`.", markup=False, soft_wrap=True
        )
    if not as_json:
        for note in composed.notes:
            err.print(f"  {note}", markup=False, soft_wrap=True)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise ConfigError(
            "this file is already there; nothing was written",
            where=str(file),
            wanted="a new file",
            do="choose another name, or print the mapping without --out and copy what you need",
        ) from None
    except OSError as error:
        raise ConfigError(
            "this file cannot be written", where=str(file), got=error.strerror or str(error), do="name another place"
        ) from None


def _list(*, as_json: bool) -> None:
    shapes = [shape(name) for name in NAMES]
    if as_json:
        told = [
            {"name": one.name, "title": one.title, "expects": one.expects, "gives": list(one.tables)} for one in shapes
        ]
        print_json({"mappings": told})
        return
    for one in shapes:
        out.print(f"[bold]{one.name:<14}[/bold] {escape(one.title)}")
        for word, told_in in (("gives", ", ".join(one.tables)), ("expects", one.expects)):
            out.print(Padding(f"{word:<8} {escape(told_in)}", (0, 0, 0, 15)), highlight=False)
    out.print("\n`revml map NAME --out revml.yaml` writes one; several names are joined into one file.", soft_wrap=True)


commands: list[click.Command] = [map_]
