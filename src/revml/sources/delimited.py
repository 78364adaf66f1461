"""CSV files: every value is read as text, and the contract converts it row by row later.

Comes in: files of one table. Goes out: a `Source` of VARCHAR columns named by the header lines. The separator is the
one of `, ; tab |` that the header holds most of; UTF-8 (with or without mark) and UTF-16 are read. A line that does
not fit the header is set aside with its reason by each scan, never skipped in silence.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from revml.errors import DataError
from revml.sources.facts import literal
from revml.sources.source import FILE_COLUMN, Source

SEPARATORS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 18


@dataclass(frozen=True)
class Header:
    """How a CSV file is written; files with the same header are scanned together."""

    names: tuple[str, ...]
    separator: str
    encoding: str


def open_csv(con: duckdb.DuckDBPyConnection, files: Sequence[Path], words: str) -> Source:
    """CSV files of one table, united by column name.

    Raises:
        DataError: a file is empty, is not text, or names a column twice.
    """
    headers: dict[Header, list[Path]] = {}
    for file in files:
        headers.setdefault(read_header(file), []).append(file)
    several = len(files) > 1
    scans = [_scan(header, group, several=several) for header, group in headers.items()]
    relation = scans[0] if len(scans) == 1 else f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {s}' for s in scans)})"
    columns = {name: "VARCHAR" for header in headers for name in header.names}
    notes = tuple(
        f"{file.name} does not end with a line break: its last line may be cut off"
        for file in files
        if not _ends_with_break(file)
    )
    return Source(words, relation, columns, is_text=True, has_files=several, sets_aside=True, notes=notes[:5])


def read_header(file: Path) -> Header:
    """The header line of a CSV file.

    Raises:
        DataError: the file is empty, is not text, or names a column twice.
    """
    head = _head(file)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\r\n \t"):
        raise _broken(file, "there is no header line", got="an empty file")
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    if encoding == "utf-8" and b"\x00" in head:
        raise _broken(file, "this is not a text file", got="zero bytes")
    text = head.decode("utf-16" if encoding == "utf-16" else "utf-8-sig", errors="replace")
    lines = text.splitlines()
    separator = max(SEPARATORS, key=lambda mark: _outside_quotes(lines[0]).count(mark))
    names = tuple(
        name.strip() or f"column{number}"
        for number, name in enumerate(next(csv.reader(lines, delimiter=separator)), start=1)
    )
    twice = [name for name, n in Counter(name.casefold() for name in names).items() if n > 1]
    if twice:
        raise _broken(file, f"the header names the column {twice[0]!r} twice", got=", ".join(names))
    return Header(names, separator, encoding)


def _head(file: Path) -> bytes:
    try:
        if file.name.lower().endswith(".gz"):
            with gzip.open(file, "rb") as packed:
                return packed.read(HEAD_BYTES)
        with file.open("rb") as plain:
            return plain.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise _broken(file, "this cannot be read", got=str(error)) from None


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _ends_with_break(file: Path) -> bool:
    if file.name.lower().endswith(".gz"):
        return True
    with file.open("rb") as content:
        content.seek(max(file.stat().st_size - 2, 0))
        return bool({b"\n"[0], b"\r"[0]} & set(content.read()))


def _scan(header: Header, files: list[Path], *, several: bool) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header.names)
    options = [
        "auto_detect = false",
        "header = true",
        f"delim = {literal(header.separator)}",
        "quote = '\"'",
        "escape = '\"'",
        f"encoding = {literal(header.encoding)}",
        f"columns = {{{columns}}}",
        "store_rejects = true",
        "rejects_table = 'csv_errors'",
        "rejects_scan = 'csv_scans'",
        *([f"filename = {literal(FILE_COLUMN)}"] if several else []),
    ]
    return f"read_csv([{', '.join(literal(file) for file in files)}], {', '.join(options)})"


def _broken(file: Path, what: str, *, got: str) -> DataError:
    return DataError(
        what,
        where=file.name,
        wanted="a CSV file whose first line names its columns, each once, in UTF-8",
        got=got[:300],
        do="save the table again as CSV (UTF-8) with a header line",
    )
