"""Which contract tables a workspace has, and in which files.

Comes in: a workspace. Goes out: for each contract table that is there, its `TableSource` and its files. `tables:`
overrides `data:`. Nothing is opened; a name that fits no contract table is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from revml.config import TableSource, Workspace
from revml.contract.tables import TABLES
from revml.errors import ConfigError, DataError
from revml.sources.readers import CSV, PARQUET

SUFFIXES = (*PARQUET, *CSV)


@dataclass(frozen=True)
class Located:
    """A table's mapping and the files it stands in (none for a database URL)."""

    source: TableSource
    files: tuple[Path, ...]
    words: str


def locate(workspace: Workspace) -> dict[str, Located]:
    """The tables of a workspace, in the contract's order.

    Raises:
        ConfigError: nothing is named, or a folder that is named does not exist.
        DataError: a mapped file is not there.
    """
    found = _in_folder(workspace)
    for name, source in workspace.tables.items():
        found[name] = _mapped(workspace, name, source)
    if not found and workspace.data is None:
        raise ConfigError(
            "the workspace names no data",
            where="revml.yaml",
            wanted="data: a folder with contract tables, or tables: with a source for each",
            got="neither",
            do="write `data: data` and put accounts.parquet there, or see `revml schema`",
        )
    return {name: found[name] for name in TABLES if name in found}


def _in_folder(workspace: Workspace) -> dict[str, Located]:
    if workspace.data is None:
        return {}
    folder = workspace.root / workspace.data
    if not folder.is_dir():
        raise ConfigError(
            "there is no such folder",
            where="revml.yaml: data",
            wanted="a folder with contract tables",
            got=workspace.data,
            do="write the path of the folder, relative to revml.yaml",
        )
    found = {}
    for name in TABLES:
        files = _files_of(folder, name)
        if files:
            shown = files[0].relative_to(folder) if len(files) == 1 else f"{name} ({len(files)} files)"
            path = str(files[0].relative_to(workspace.root))
            found[name] = Located(TableSource(path=path), tuple(files), str(shown))
    return found


def _files_of(folder: Path, name: str) -> list[Path]:
    single = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").is_file()]
    many = files_in(folder / name) if (folder / name).is_dir() else []
    if len(single) > 1 or (single and many):
        raise DataError(
            f"the table {name} is there twice",
            where=str(folder),
            wanted="one file, or one folder of files",
            got=", ".join(path.name for path in [*single, *([folder / name] if many else [])]),
            do="remove one, or map the right one under tables: in revml.yaml",
        )
    return single or many


def files_in(folder: Path) -> list[Path]:
    """The Parquet or CSV files under a folder, sorted by path."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name.lower().endswith(SUFFIXES))


def _mapped(workspace: Workspace, name: str, source: TableSource) -> Located:
    if source.path is None:
        return Located(source, (), f"{name} at its URL")
    path = workspace.root / source.path
    if any(mark in source.path for mark in "*?["):
        files = sorted(workspace.root.glob(source.path))
    elif path.is_dir():
        files = files_in(path)
    else:
        files = [path] if path.is_file() else []
    if not files:
        raise DataError(
            f"there is no file for the table {name}",
            where=f"revml.yaml: tables.{name}.path",
            wanted="a file, a folder of files or a glob",
            got=source.path,
            do="write the path relative to revml.yaml",
        )
    return Located(source, tuple(files), source.path)
