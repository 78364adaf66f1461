"""CSV files: every value is read as text, and the contract converts it row by row later.

Comes in: files of one table. Goes out: a `Source` of VARCHAR columns named by the header lines. The separator is the
one of `, ; tab |` that the header holds most of; UTF-8 (with or without mark) and UTF-16 are read, packed or not. A
line that does not fit the header is set aside with its reason by each scan, never skipped in silence. A file that ends
in the middle of a line was cut off: an error where its last line lacks values, a note where that cannot be told.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from revml.errors import DataError
from revml.sources.facts import literal
from revml.sources.packing import packing, unpacked
from revml.sources.source import FILE_COLUMN, Source, lacking_in, unreadable

SEPARATORS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 18
TAIL_BYTES = 1 << 16


@dataclass(frozen=True)
class Header:
    """How a CSV file is written; files with the same header are scanned together."""

    names: tuple[str, ...]
    separator: str
    encoding: str
    packed: str = "none"


def open_csv(con: duckdb.DuckDBPyConnection, files: Sequence[Path], words: str) -> Source:
    """CSV files of one table, united by column name.

    Raises:
        DataError: a file is empty, is not text, names a column twice, or ends in the middle of a line.
    """
    headers: dict[Header, list[Path]] = {}
    cut = []
    for file in files:
        header = read_header(file)
        headers.setdefault(header, []).append(file)
        if header.packed == "none" and _ends_midway(file, header):
            cut.append(file)
    several = len(files) > 1
    scans = [_scan(header, group, several=several) for header, group in headers.items()]
    relation = scans[0] if len(scans) == 1 else f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {s}' for s in scans)})"
    columns = {name: "VARCHAR" for header in headers for name in header.names}
    notes = tuple(f"{file.name} does not end with a line break: its last line may be cut off" for file in cut)
    return Source(
        words,
        relation,
        columns,
        is_text=True,
        has_files=several,
        sets_aside=True,
        notes=notes[:5],
        lacking=lacking_in({file: header.names for header, group in headers.items() for file in group}),
    )


def rows_of(con: duckdb.DuckDBPyConnection, file: Path) -> int:
    """How many records a CSV file holds, those that cannot be read among them.

    Raises:
        DataError: it has no header, or cannot be read.
    """
    scan = _scan(read_header(file), [file], several=False, kept="counted")
    try:
        ((read,),) = con.execute(f"SELECT count(*) FROM {scan}").fetchall()
        ((aside,),) = con.execute("SELECT count(DISTINCT line) FROM counted_errors").fetchall()
    except duckdb.Error as error:
        raise unreadable(file.name, error) from None
    finally:
        con.execute("DROP TABLE IF EXISTS temp.counted_errors")
        con.execute("DROP TABLE IF EXISTS temp.counted_scans")
    return int(read) + int(aside)


def read_header(file: Path) -> Header:
    """The header line of a CSV file.

    Raises:
        DataError: the file is empty, is not text, or names a column twice.
    """
    try:
        packed = packing(file)
        with unpacked(file, packed) as content:
            head = content.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise _broken(file, "this cannot be read", got=str(error)) from None
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\r\n \t"):
        raise _broken(file, "there is no header line", got="an empty file")
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    if encoding == "utf-8" and b"\x00" in head:
        raise _broken(file, "this is not a text file", got="zero bytes")
    text = head.decode("utf-16" if encoding == "utf-16" else "utf-8-sig", errors="replace")
    lines = text.splitlines()
    if encoding == "utf-8" and "\ufffd" in lines[0] and "\ufffd".encode() not in head:
        raise DataError(
            "the header line is not UTF-8",
            where=file.name,
            wanted="text in UTF-8, or the name of its encoding",
            got=lines[0][:300],
            do="write encoding: windows-1250 (or what it was saved in) at the table in revml.yaml, or save it as UTF-8",
        )
    separator = max(SEPARATORS, key=lambda mark: _outside_quotes(lines[0]).count(mark))
    names = tuple(
        name.strip() or f"column{number}"
        for number, name in enumerate(next(csv.reader(lines, delimiter=separator)), start=1)
    )
    twice = [name for name, n in Counter(name.casefold() for name in names).items() if n > 1]
    if twice:
        raise _broken(file, f"the header names the column {twice[0]!r} twice", got=", ".join(names))
    return Header(names, separator, encoding, packed)


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _ends_midway(file: Path, header: Header) -> bool:
    """Whether a file ends without a line break, so that its last line may be cut off.

    Raises:
        DataError: its last line has fewer values than the header, so it was cut off.
    """
    with file.open("rb") as content:
        content.seek(max(file.stat().st_size - TAIL_BYTES, 0))
        tail = content.read()
    if {b"\n"[0], b"\r"[0]} & set(tail[-2:] if header.encoding == "utf-16" else tail[-1:]):
        return False
    whole, _, last = tail.replace(b"\r", b"\n").rpartition(b"\n")
    # A quote that does not close may be that of a value over several lines.
    if header.encoding == "utf-8" and whole and last.count(b'"') % 2 == 0:
        text = last.decode("utf-8", errors="replace")
        values = len(next(csv.reader([text], delimiter=header.separator), []))
        if 0 < values < len(header.names):
            raise DataError(
                "this file was cut off: it ends in the middle of a line",
                where=file.name,
                wanted=f"{len(header.names)} values in its last line, and a line break after it",
                got=f"{values}: {text[:200]}",
                do="write or copy it again; if it is whole, end its last line as the others",
            )
    return True


def _scan(header: Header, files: list[Path], *, several: bool, kept: str = "csv") -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header.names)
    options = [
        "auto_detect = false",
        "header = true",
        f"delim = {literal(header.separator)}",
        "quote = '\"'",
        "escape = '\"'",
        f"encoding = {literal(header.encoding)}",
        f"compression = {literal(header.packed)}",
        f"columns = {{{columns}}}",
        "store_rejects = true",
        f"rejects_table = '{kept}_errors'",
        f"rejects_scan = '{kept}_scans'",
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
