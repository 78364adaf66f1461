"""The command line: the same functions that the package offers, as commands.

Each module of this package lists its commands; nothing is computed here. A `RevmlError` ends a command with its message
on stderr and its own exit code; any other exception is a defect and shows its traceback.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from revml import __version__
from revml.cli.options import err
from revml.errors import RevmlError
from revml.yaml_file import nearest

# Section by section: command, the module of this package that holds it, and what it does in a few words. Only that
# module is imported, so that `revml tables` does not wait for LightGBM; a test holds the list against the modules.
SECTIONS = {
    "Begin": (
        ("demo", "start", "Everything once, on a sample company."),
        ("init", "start", "Write a new workspace."),
        ("map", "map", "Ready mappings: Stripe, HubSpot, Salesforce and others."),
        ("check", "check", "Check the data and stage the accepted rows."),
    ),
    "Look before you train": (
        ("preview", "preview", "How many events a definition gives."),
        ("kpis", "kpis", "MRR and its movements, retention, CAC, CLV."),
    ),
    "Learn and score": (
        ("build", "build", "Features of what is new, as one table."),
        ("train", "train", "Train a question, or all of them."),
        ("compare", "promote", "Champion and challenger on the same window."),
        ("promote", "promote", "Let the challenger serve, if the gate says yes."),
        ("backtest", "backtest", "Replay the past as it would have been lived."),
        ("score", "score", "Score and explain every account; publish it."),
        ("score-file", "score_file", "Score and explain the rows of a file."),
        ("forecast", "score", "The same, with the lifetime values shown."),
        ("scenario", "scenario", "What if: retention, prices, saved accounts."),
        ("run", "start", "Run a pipeline of such steps."),
    ),
    "Use": (
        ("accounts", "published", "List accounts, most expected money first."),
        ("account", "published", "One account: scores, reasons, lifetime value."),
        ("whatif", "whatif", "Ask the model about other values; find levers."),
        ("export", "published", "Write the scores as CSV or Parquet."),
        ("serve", "serve", "The pages in the browser, and the API."),
        ("keys", "keys", "Who may ask the service what."),
    ),
    "Look after it": (
        ("runs", "published", "The published runs."),
        ("audit", "keys", "Who exported, promoted, changed keys, was refused."),
        ("rollback", "promote", "Back to the champion before, or to an earlier run."),
        ("models", "promote", "The models of a question; who was champion when."),
        ("importance", "importance", "What weighs in a model, how, and for whom."),
        ("register", "train", "Tell MLflow what it does not know yet."),
        ("fetch", "promote", "Bring MLflow's champion to this machine."),
    ),
    "Look up": (
        ("tables", "describe", "The tables and columns that revml reads."),
        ("features", "describe", "What revml makes of them."),
        ("schema", "schema", "JSON Schema of revml.yaml."),
        ("commands", "describe", "All commands with examples."),
        ("sample", "sample", "Make the tables of a sample company."),
    ),
}
COMMANDS = {name: module for commands in SECTIONS.values() for name, module, _ in commands}


class RevmlGroup(click.Group):
    """Finds its commands in the modules of this package when they are asked for, so that start-up stays lean."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command; a `RevmlError` becomes a message and an exit code."""
        try:
            return super().invoke(context)
        except click.BadParameter as error:
            raise _with_nearest(error) from None
        except RevmlError as error:
            err.print(str(error), style="red", markup=False, soft_wrap=True)
            context.exit(error.exit_code)

    def list_commands(self, context: click.Context) -> list[str]:
        """All commands by name."""
        return sorted(COMMANDS)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in the order in which they are met, without importing any of them."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<8}", words) for name, _, words in commands])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        return _load(name) if name in COMMANDS else None


def _with_nearest(error: click.BadParameter) -> click.BadParameter:
    """The same error; of a misspelt name among several with the one that was meant."""
    quoted = error.message.split("'")
    if error.param is None or not isinstance(error.param.type, click.Choice) or len(quoted) < 3:
        return error
    # not map(): once the module of `revml map` is imported, that name means it here
    near = nearest(quoted[1], [str(choice) for choice in error.param.type.choices])
    return click.BadParameter(f"{error.message} {near}".strip(), error.ctx, error.param, error.param_hint)


def _load(name: str) -> click.Command:
    module = importlib.import_module(f"{__name__}.{COMMANDS[name]}")
    commands: list[click.Command] = module.commands
    return next(command for command in commands if command.name == name)


@click.group(cls=RevmlGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="revml")
def main() -> None:
    """Which customers will leave, which are ready to buy more, why, and what each is worth.

    First look: `revml demo`. Your own data: `revml init FOLDER`, then check, preview, train, score, serve.
    `revml COMMAND --help` shows each with an example.
    """
