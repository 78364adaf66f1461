"""The command line: the same functions that the package offers, as commands.

Each module of this package lists its commands; nothing is computed here. A `RevmlError` ends a command with its message
on stderr and its own exit code; any other exception is a defect and shows its traceback.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click

from revml import __version__
from revml.cli.options import err
from revml.errors import RevmlError


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
        return sorted(_commands())

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        return _commands().get(name)


def _commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for module in pkgutil.iter_modules(__path__):
        for command in getattr(importlib.import_module(f"{__name__}.{module.name}"), "commands", ()):
            found[command.name] = command
    return found


@click.group(cls=RevmlGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="revml")
def main() -> None:
    """Which customers will leave, which are ready to buy more, why, and what each is worth."""
