"""Workspaces of ready mappings: what `revml map` writes, with the samples where it says."""

from __future__ import annotations

import shutil
from pathlib import Path

from revml.config import Workspace, load_workspace
from revml.contract.report import CheckReport
from revml.mappings import compose
from revml.sources.staging import stage_workspace
from tests.mappings.make_samples import FOLDER


def mapped(folder: Path, *names: str) -> Workspace:
    """A workspace whose file is the mappings' own text."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    (folder / "revml.yaml").write_text(compose(names).text, encoding="utf-8")
    return load_workspace(folder)


def staged(folder: Path, *names: str) -> CheckReport:
    """The same, checked and staged."""
    return stage_workspace(mapped(folder, *names))
