"""`revml tables` and `revml features`: what revml reads and what it makes of it, printed from the code itself."""

from __future__ import annotations

import inspect

import click

from revml.cli.options import json_option, out, print_json, table
from revml.contract.tables import ONE_OF, REQUIRED, TABLES, Table
from revml.features.catalog import catalog, feature_words


def _columns(described: Table) -> str:
    return ", ".join(c.name if c.required else f"{c.name}?" for c in described.columns)


def tables_markdown() -> str:
    """The contract's tables as a Markdown document (`docs/tables.md` is held equal to it)."""
    lines = [
        "# The tables that revml reads",
        "",
        "Written by `revml tables --markdown`. Only `accounts` and one of `subscriptions` / `orders` are required;",
        "a column without a mark is required in its table, `?` marks an optional one. Every table may also bring",
        "`known_at`: when the company knew the row, where that was later than it happened.",
        "",
    ]
    for described in TABLES.values():
        need = (
            "required"
            if described.name in REQUIRED
            else "one of these two is required"
            if described.name in ONE_OF
            else "optional"
        )
        lines += [f"## {described.name}", "", f"One row is {described.one_row_is} ({need})."]
        if described.key:
            lines.append(f"Key: {', '.join(f'`{k}`' for k in described.key)}.")
        if described.happened_at:
            lines.append(f"Happened at: `{described.happened_at}`.")
        if described.without:
            lines.append(f"Without it revml cannot tell: {described.without}.")
        lines += ["", "| column | type | range | refers to | without it |", "|---|---|---|---|---|"]
        for c in described.columns:
            bounds = "" if c.minimum is None and c.maximum is None else f"{_bound(c.minimum)} to {_bound(c.maximum)}"
            name = f"`{c.name}`" + ("" if c.required else "?")
            lines.append(f"| {name} | {c.type} | {bounds} | {c.references or ''} | {c.without} |")
        lines.append("")
    return "\n".join(lines)


def _bound(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


def features_markdown() -> str:
    """All features as a Markdown document (`docs/features.md` is held equal to it)."""
    features = catalog()
    lines = [
        "# The features",
        "",
        f"Written by `revml features --markdown`. {len(features)} features; a workspace gets those whose tables",
        "it has. All of them see only what was known at the snapshot.",
        "",
        "| feature | in words | česky | kind | concept | more is |",
        "|---|---|---|---|---|---|",
    ]
    for f in features.values():
        english, czech = feature_words(f, "en"), feature_words(f, "cs")
        lines.append(f"| `{f.name}` | {english} | {czech} | {f.kind} | {f.concept} | {f.direction} |")
    return "\n".join([*lines, ""])


def commands_markdown() -> str:
    """All commands with their options as a Markdown document (`docs/commands.md` is held equal to it)."""
    lines = [
        "# The commands",
        "",
        "Written by `revml commands --markdown`. What prints a table also takes `--json`. Exit codes stand in",
        "[your-data.md](your-data.md#exit-codes).",
        "",
    ]
    for name, command in _all_commands().items():
        about, _, example = inspect.cleandoc(command.help or "").partition("Example:")
        lines += [f"## revml {name}", "", " ".join(about.split()), "", "```console"]
        lines += [*(line.strip() for line in example.strip().splitlines()), "```", ""]
        rows = [record for p in command.params if (record := _help_record(command, p))]
        if rows:
            lines += ["| option | what it does |", "|---|---|", *(f"| `{n}` | {t} |" for n, t in rows), ""]
    return "\n".join(lines)


def _all_commands() -> dict[str, click.Command]:
    from revml.cli import COMMANDS, main

    context = click.Context(main)
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        if command := main.get_command(context, name):
            found[name] = command
            if isinstance(command, click.Group):
                found |= {f"{name} {part}": one for part, one in command.commands.items()}
    return found


def _help_record(command: click.Command, parameter: click.Parameter) -> tuple[str, str] | None:
    record = parameter.get_help_record(click.Context(command, info_name=command.name))
    return (record[0].replace("|", "\\|"), record[1].replace("|", "\\|")) if record else None


@click.command()
@click.option("--markdown", is_flag=True, help="Print the document docs/tables.md.")
@json_option
def tables(markdown: bool, as_json: bool) -> None:
    """What revml reads: the tables of the contract and their columns.

    Example: revml tables
    """
    if markdown:
        click.echo(tables_markdown(), nl=False)
    elif as_json:
        print_json(
            {
                t.name: {"one_row_is": t.one_row_is, "columns": {c.name: c.type for c in t.columns}}
                for t in TABLES.values()
            }
        )
    else:
        rows = [(t.name, t.one_row_is, _columns(t)) for t in TABLES.values()]
        out.print(table("The contract's tables (? = optional column)", ("table", "one row is", "columns"), rows))


@click.command()
@click.option("--markdown", is_flag=True, help="Print the document docs/features.md.")
@click.option("--language", type=click.Choice(["en", "cs"]), default="en", show_default=True)
@json_option
def features(markdown: bool, language: str, as_json: bool) -> None:
    """What revml makes of the tables: every feature in words.

    Example: revml features --language cs
    """
    if markdown:
        click.echo(features_markdown(), nl=False)
    elif as_json:
        print_json({n: {"words": feature_words(f, language), "kind": f.kind} for n, f in catalog().items()})
    else:
        rows = [(f.name, feature_words(f, language), f.kind, f.concept) for f in catalog().values()]
        out.print(table(f"{len(rows)} features", ("feature", "in words", "kind", "concept"), rows))


@click.command()
@click.option("--markdown", is_flag=True, help="Print the document docs/commands.md.")
@json_option
def commands_(markdown: bool, as_json: bool) -> None:
    """All commands, each with an example.

    Example: revml commands
    """
    if markdown:
        click.echo(commands_markdown(), nl=False)
        return
    rows = [
        (name, command.get_short_help_str(90), inspect.cleandoc(command.help or "").partition("Example:")[2].strip())
        for name, command in _all_commands().items()
    ]
    if as_json:
        print_json({name: {"does": does, "example": example} for name, does, example in rows})
    else:
        out.print(table("Commands", ("command", "does", "for example"), rows))


commands_.name = "commands"
commands = [tables, features, commands_]
