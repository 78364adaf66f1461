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

# command: the module of this package that holds it. Only that module is imported, so that `revml tables` does not wait
# for LightGBM; a test holds the list against the modules.
COMMANDS = {
    "account": "published",
    "accounts": "published",
    "check": "check",
    "commands": "describe",
    "demo": "start",
    "export": "published",
    "features": "describe",
    "forecast": "score",
    "init": "start",
    "kpis": "kpis",
    "preview": "preview",
    "register": "train",
    "rollback": "published",
    "run": "start",
    "runs": "published",
    "sample": "sample",
    "schema": "schema",
    "score": "score",
    "serve": "serve",
    "tables": "describe",
    "train": "train",
}


class RevmlGroup(click.Group):
    """Finds its commands in the modules of this package when they are asked for, so that start-up stays lean."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command; a `RevmlError` becomes a message and an exit code."""
        try:
            return super().invoke(context)
        except RevmlError as error:
            err.print(str(error), style="red", markup=False)
            context.exit(error.exit_code)

    def list_commands(self, context: click.Context) -> list[str]:
        """All commands by name."""
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        return _load(name) if name in COMMANDS else None


def _load(name: str) -> click.Command:
    module = importlib.import_module(f"{__name__}.{COMMANDS[name]}")
    commands: list[click.Command] = module.commands
    return next(command for command in commands if command.name == name)


@click.group(cls=RevmlGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="revml")
def main() -> None:
    """Which customers will leave, which are ready to buy more, why, and what each is worth."""
