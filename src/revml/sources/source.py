"""A source of rows: what every reader hands on.

A `Source` is an SQL relation on the scratch connection with the names and types of its columns. It says whether its
values are text (CSV), so that messages can tell the user to cast, and whether unreadable lines were set aside while
scanning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import duckdb

from revml.errors import ConfigError, DataError
from revml.sources.facts import literal

FILE_COLUMN = "source:file"


@dataclass(frozen=True)
class Source:
    """Rows to be mapped.

    Attributes:
        words: what messages call it.
        relation: SQL that can stand after FROM.
        columns: names and DuckDB types, in the source's order.
        is_text: values are text because the format has no types.
        has_files: the relation carries `FILE_COLUMN`, the file of each row.
        sets_aside: unreadable lines are recorded in the connection's table `csv_errors` by each scan.
        notes: what the reader noticed.
        lacking: columns that some of the files do not have, with those files' names.
        copied: folders of temporary copies, and the place that each stands for.
        inputs: further sources that the table's query joins, by the name it calls them.
    """

    words: str
    relation: str
    columns: dict[str, str]
    is_text: bool = False
    has_files: bool = False
    sets_aside: bool = False
    notes: tuple[str, ...] = ()
    lacking: dict[str, tuple[str, ...]] = field(default_factory=dict)
    copied: tuple[tuple[str, str], ...] = ()
    inputs: dict[str, Source] = field(default_factory=dict)

    def original(self, path: str) -> str:
        """SQL for the place that people know, from SQL for a path that may be that of a temporary copy."""
        for copy, place in self.copied:
            path = f"replace({path}, {literal(copy)}, {literal(place)})"
        return path


def lacking_in(files: Mapping[Path, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Columns that some files have and others do not, with the names of the latter.

    >>> lacking_in({Path("a.csv"): ["id", "Amount"], Path("b.csv"): ["ID"]})
    {'Amount': ('b.csv',)}
    """
    folded = {file: {name.casefold() for name in names} for file, names in files.items()}
    every = {name.casefold(): name for names in files.values() for name in names}
    found = {
        name: tuple(file.name for file, there in folded.items() if key not in there) for key, name in every.items()
    }
    return {name: without for name, without in found.items() if without}


def describe(con: duckdb.DuckDBPyConnection, relation: str, words: str) -> dict[str, str]:
    """The columns of a relation with their DuckDB types, without `FILE_COLUMN`.

    Raises:
        DataError: the relation cannot be read.
    """
    try:
        rows = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        raise unreadable(words, error) from None
    return {row[0]: row[1] for row in rows if row[0] != FILE_COLUMN}


def unreadable(words: str, error: Exception, *, wanted: str = "a whole, readable file or table") -> DataError:
    """The error for a source that is there but cannot be read."""
    return DataError(
        "this cannot be read",
        where=words,
        wanted=wanted,
        got=first_line(error),
        do="write it again from its origin, or name another source",
    )


def first_line(error: Exception) -> str:
    """The part of a database's message that a user can use."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def nearest(word: str, known: Iterable[str]) -> str:
    """A 'did you mean' for a misspelt name, or nothing; case does not matter.

    >>> nearest("acount_id", ["ACCOUNT_ID", "created_at"])
    "did you mean 'ACCOUNT_ID'?"
    """
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else ""


def pick_table(there: Sequence[str], asked: str | None, name: str, words: str) -> str:
    """The table of a database that feeds a contract table: the one asked for, its namesake, or the only one.

    Raises:
        ConfigError: there is no such table, or the choice is not clear.
    """
    if asked is not None and asked in there:
        return asked
    if asked is None and name in there:
        return name
    if asked is None and len(there) == 1:
        return there[0]
    raise ConfigError(
        "there is no such table in the database" if asked else "which table of the database is meant?",
        where=f"revml.yaml: tables.{name}.table",
        wanted=f"a table of {words}: {', '.join(there) or 'it has none'}",
        got=asked or "nothing",
        do=(nearest(asked, there) if asked else "") or f"write table: {there[0] if there else '...'}",
    )
