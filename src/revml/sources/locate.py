"""Which contract tables a workspace has, and where they stand.

Comes in: a workspace. Goes out: for each contract table that is there, its `TableSource` and its files. `tables:`
overrides `data:`, which is a folder, or a DuckDB or SQLite file, with tables under the contract's names. A folder or
file may stand in an object store. No rows are read.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from revml.config import Place, TableSource, Workspace
from revml.contract.tables import TABLES
from revml.errors import ConfigError, DataError
from revml.sources.databases import tables_of
from revml.sources.parts import SourceFile, local_file
from revml.sources.remote import Remote, is_remote, look
from revml.sources.source import nearest

SUFFIXES = (".parquet", ".pq", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst")


@dataclass(frozen=True)
class Located:
    """A place of rows.

    Attributes:
        files: its files on this machine; none for a database URL and for an object store.
        words: what messages call it.
        inputs: what its query joins to it.
        remote: its files in an object store.
        compared: its files were compared with their manifests already, when the whole was opened.
    """

    source: TableSource
    files: tuple[Path, ...]
    words: str
    inputs: dict[str, Located] = field(default_factory=dict)
    remote: Remote | None = None
    compared: bool = False

    @property
    def parts(self) -> tuple[SourceFile, ...]:
        """The files, wherever they are, with the size and version by which a later run knows them again."""
        return self.remote.files if self.remote else tuple(local_file(file) for file in self.files)

    def only(self, parts: Collection[SourceFile]) -> Located:
        """The same place, opened before, with some of its files."""
        paths = {part.path for part in parts}
        if self.remote is None:
            return replace(self, files=tuple(file for file in self.files if str(file) in paths), compared=True)
        chosen = tuple(file for file in self.remote.files if file.path in paths)
        return replace(self, remote=replace(self.remote, files=chosen), compared=True)


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
    if workspace.data is None or is_remote(workspace.data) or not (folder := workspace.root / workspace.data).is_dir():
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
    if is_remote(workspace.data):
        return _in_store(look(workspace.data, workspace.storage), workspace.data)
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
    named = [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").exists()]
    # Some programs write a folder orders.csv with the parts of the table in it.
    folders = [path for path in [*named, folder / name] if path.is_dir()]
    single = [path for path in named if path.is_file()]
    many = {path: files for path in folders if (files := _files_in(path))}
    if len(single) + len(many) > 1:
        raise _twice(name, str(folder), [path.name for path in [*single, *many]])
    return single or [file for files in many.values() for file in files]


def _twice(name: str, where: str, got: list[str]) -> DataError:
    return DataError(
        f"the table {name} is there twice",
        where=where,
        wanted="one file, or one folder of files",
        got=", ".join(got),
        do="remove one, or map the right one under tables: in revml.yaml",
    )


def _files_in(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if _readable(path.relative_to(folder).as_posix()))
    return sorted(path for path in found if path.is_file())


def _readable(relative: str) -> bool:
    """A table's file, by its name; what starts with _ or . is a writer's own (_SUCCESS, _temporary, ._orders.csv)."""
    return relative.lower().endswith(SUFFIXES) and not any(
        part.startswith(("_", ".")) for part in PurePosixPath(relative).parts
    )


def _below(remote: Remote) -> dict[str, SourceFile]:
    """The files of a store that may be a table's, by their path below the folder."""
    names = {file.path.removeprefix(remote.root).lstrip("/"): file for file in remote.files}
    return {name: file for name, file in names.items() if _readable(name)}


def _in_store(remote: Remote, place: str) -> dict[str, Located]:
    """The contract tables below a folder of an object store."""
    found = {}
    files = _below(remote)
    for name in TABLES:
        tops = {f"{name}{suffix}" for suffix in SUFFIXES} | {name}
        mine: dict[str, list[SourceFile]] = {}
        for relative, file in files.items():
            top = relative.partition("/")[0]
            if top in tops:
                mine.setdefault(top, []).append(file)
        if len(mine) > 1:
            raise _twice(name, place, list(mine))
        for top, chosen in mine.items():
            words = chosen[0].name if len(chosen) == 1 else f"{top}/ ({len(chosen)} files)"
            found[name] = Located(
                TableSource(path=chosen[0].path), (), words, remote=replace(remote, files=tuple(chosen))
            )
    return found


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
    if is_remote(source.path):
        return _there(name, source, look(source.path, workspace.storage))
    path = workspace.root / source.path
    if path.is_dir():
        files = _files_in(path)
    elif path.is_file():
        files = [path]
    else:
        files = _glob(workspace.root, source.path)
    if not files:
        raise _no_file(name, source.path)
    return Located(source, tuple(files), source.path)


def _no_file(name: str, path: str) -> DataError:
    return DataError(
        f"there is no file for the table {name}",
        where=f"revml.yaml: tables.{name}.path",
        wanted="a file, a folder of Parquet or CSV files, or a glob such as usage/*.csv",
        got=path,
        do="look at the spelling" if is_remote(path) else "write the path relative to revml.yaml",
    )


def _there(name: str, source: TableSource, remote: Remote) -> Located:
    place = source.path or ""
    # A file that is named itself may be called anything.
    files = remote.files if [file.path for file in remote.files] == [place] else tuple(_below(remote).values())
    if not files:
        raise _no_file(name, place)
    return Located(source, (), place, remote=replace(remote, files=files))


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
