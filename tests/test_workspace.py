"""A new workspace holds the repository's own files, and is never written over one that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.config import load_workspace
from revml.errors import ConfigError
from revml.pipeline import load_pipeline
from revml.workspace import FOLDERS, init_workspace, workspace_files

ROOT = Path(__file__).parent.parent


def _tracked(folder: Path) -> dict[str, bytes]:
    kept = (p for p in sorted(folder.rglob("*")) if p.is_file() and ".ipynb_checkpoints" not in p.parts)
    return {str(p.relative_to(ROOT)): p.read_bytes() for p in kept if p.name != "README.md"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_wheel_ships_what_the_repository_shows(folder: str) -> None:
    """`revml init` writes the same pipelines, model sheets and notebooks as stand at the top of the repository."""
    shipped = {name: text for name, text in workspace_files().items() if name.startswith(f"{folder}/")}
    assert shipped == _tracked(ROOT / folder)


def test_a_new_workspace_is_valid(tmp_path: Path) -> None:
    """The workspace file and every pipeline that `init` writes can be read."""
    init_workspace(tmp_path / "acme")
    workspace = load_workspace(tmp_path / "acme")
    assert workspace.data == "data"
    pipelines = sorted((tmp_path / "acme" / "pipelines").glob("*.yaml"))
    assert len(pipelines) >= 4
    for path in pipelines:
        assert load_pipeline(path)[1]


def test_an_existing_workspace_is_left_alone(tmp_path: Path) -> None:
    """Where one of the files is already there, nothing is written at all."""
    (tmp_path / "revml.yaml").write_text("company: {name: Mine}")
    with pytest.raises(ConfigError, match="already holds a workspace"):
        init_workspace(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["revml.yaml"]
