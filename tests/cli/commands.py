"""The command line as a user calls it, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from revml.cli import main


def call(root: Path, *words: str) -> Result:
    """Run a command in a workspace; tables may take 200 columns."""
    return CliRunner().invoke(main, [*words, "-w", str(root)], env={"COLUMNS": "200"})


def answer(root: Path, *words: str) -> Any:
    """What a command says with --json."""
    result = call(root, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
