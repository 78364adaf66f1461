"""Which contract tables a workspace has, and where they stand.

Comes in: a workspace. Goes out: for each contract table that is there, its `TableSource` and its files. `tables:`
overrides `data:`, which is a folder, or a DuckDB or SQLite file, with tables under the contract's names. No rows are
read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from revml.config import Place, TableSource, Workspace
from revml.contract.tables import TABLES
from revml.errors import ConfigError, DataError
from revml.sources.databases import tables_of
from revml.sources.source import nearest

SUFFIXES = (".parquet", ".pq", ".csv", ".tsv", ".csv.gz")


@dataclass(frozen=True)
class Located:
    """A place of rows, its files (none for a database URL), what messages call it, and what its query joins to it."""

    source: TableSource
    files: tuple[Path, ...]
    words: str
    inputs: dict[str, Located] = field(default_factory=dict)


def locate(workspace: Workspace) -> dict[str, Located]:
    """The tables of a workspace, in the contract's order.

    Raises:
        ConfigError: nothing is named, or a place that is named does not exist.
        DataError: a mapped file is not there, or a table is there twice.
    """
    found = _in_data(workspace)
    for name, source in workspace.tables.items():
        if source.static and name != "accounts":
            raise ConfigError(
                "only accounts have static columns",
                where=f"revml.yaml: tables.{name}.static",
                got=", ".join(source.static),
                do="remove 'static' here, or move it to tables: accounts:",
            )
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


def strangers(workspace: Workspace) -> list[str]:
    """Notes on files of the data folder whose names are nearly, but not quite, those of contract tables."""
    if workspace.data is None or not (folder := workspace.root / workspace.data).is_dir():
        return []
    notes = []
    for path in sorted(folder.iterdir()):
        stem = path.name.split(".")[0]
        readable = path.is_dir() or path.name.lower().endswith(SUFFIXES)
        if readable and stem not in TABLES and (guess := nearest(stem, TABLES)):
            notes.append(f"{path.name} is not read: no contract table has that name; {guess}")
    return notes


def _in_data(workspace: Workspace) -> dict[str, Located]:
    if workspace.data is None:
        return {}
    place = workspace.root / workspace.data
    if place.is_file():
        there = tables_of(place)
        return {
            name: Located(TableSource(path=workspace.data, table=name), (place,), place.name)
            for name in TABLES
            if name in there
        }
    if not place.is_dir():
        raise ConfigError(
            "there is no such folder",
            where="revml.yaml: data",
            wanted="a folder with contract tables, or a DuckDB or SQLite file that holds them",
            got=workspace.data,
            do="write its path, relative to revml.yaml",
        )
    found = {}
    for name in TABLES:
        if files := _files_of(place, name):
            words = files[0].name if len(files) == 1 else f"{name}/ ({len(files)} files)"
            found[name] = Located(TableSource(path=str(files[0])), tuple(files), words)
    return found


def _files_of(folder: Path, name: str) -> list[Path]:
    single = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").is_file()]
    many = _files_in(folder / name) if (folder / name).is_dir() else []
    if len(single) > 1 or (single and many):
        raise DataError(
            f"the table {name} is there twice",
            where=str(folder),
            wanted="one file, or one folder of files",
            got=", ".join(path.name for path in [*single, *([folder / name] if many else [])]),
            do="remove one, or map the right one under tables: in revml.yaml",
        )
    return single or many


def _files_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name.lower().endswith(SUFFIXES))


def _mapped(workspace: Workspace, name: str, source: TableSource) -> Located:
    inputs = {
        alias: _at(workspace, f"{name}.sources.{alias}", _input(alias, place)) for alias, place in source.inputs.items()
    }
    return replace(_at(workspace, name, source), inputs=inputs)


def _input(alias: str, place: Place) -> TableSource:
    """A further input; in a database its table bears the name that the query calls it, unless another is given."""
    given = {key: value for key, value in dict(place).items() if key in Place.model_fields}
    return TableSource(**{**given, "table": place.table or alias})


def _at(workspace: Workspace, name: str, source: TableSource) -> Located:
    if source.path is None:
        return Located(source, (), f"{name} at its URL")
    path = workspace.root / source.path
    if path.is_dir():
        files = _files_in(path)
    elif path.is_file():
        files = [path]
    else:
        files = _glob(workspace.root, source.path)
    if not files:
        raise DataError(
            f"there is no file for the table {name}",
            where=f"revml.yaml: tables.{name}.path",
            wanted="a file, a folder of Parquet or CSV files, or a glob such as usage/*.csv",
            got=source.path,
            do="write the path relative to revml.yaml",
        )
    return Located(source, tuple(files), source.path)


def _glob(root: Path, pattern: str) -> list[Path]:
    if not any(mark in pattern for mark in "*?["):
        return []
    absolute = Path(pattern)
    start, relative = (
        (Path(absolute.anchor), str(absolute.relative_to(absolute.anchor)))
        if absolute.anchor
        else (
            root,
            pattern,
        )
    )
    return sorted(p for p in start.glob(relative) if p.is_file())
