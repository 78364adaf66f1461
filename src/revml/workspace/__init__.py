"""A new workspace: the folders and files that a company starts from.

The texts stand in `files/` inside the package, so that `revml init` works from an installed wheel; the repository's own
`pipelines/`, `models/` and `notebooks/` are held equal to them by a test.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from revml.errors import ConfigError

FOLDERS = ("pipelines", "models", "notebooks")


def workspace_files() -> dict[str, bytes]:
    """Every file of a new workspace by its relative path."""

    def walk(folder: Traversable, prefix: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for entry in sorted(folder.iterdir(), key=lambda e: e.name):
            if entry.name.startswith((".", "__")):
                continue
            if entry.is_dir():
                found |= walk(entry, f"{prefix}{entry.name}/")
            else:
                found[prefix + entry.name] = entry.read_bytes()
        return found

    return walk(files(__package__).joinpath("files"), "")


def init_workspace(folder: Path) -> list[Path]:
    """Write a new workspace into a folder that does not hold one yet; returns the files written.

    Raises:
        ConfigError: one of the files is already there; nothing is written then.
    """
    wanted = {folder / name: content for name, content in workspace_files().items()}
    there = [path for path in wanted if path.exists()]
    if there:
        raise ConfigError(
            "this folder already holds a workspace; nothing was written",
            where=str(folder),
            wanted="a new or empty folder",
            got=", ".join(str(path.relative_to(folder)) for path in there[:4]),
            do="choose another folder, or edit the files that are there",
        )
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(wanted)
