"""Files of features as record batches of one schema, in order, without holding more than a few of them.

Comes in: a Parquet, CSV or Arrow file, or a folder of them (all of one kind, read by name). Goes out: `Batch` after
`Batch` with the wanted columns only. Page checksums are verified where the file has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from revml.errors import DataError, RevmlError
from revml.file_job.checking import Wanted, own_name
from revml.sources.delimited import read_header
from revml.sources.told_types import UNKNOWN

BATCH_ROWS = 8192
BUFFER = 1 << 18  # bytes of a column that are read ahead
BLOCK = 8 << 20  # bytes of CSV that are parsed at a time
SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"}
YES = [form for text in ("true", "yes", "t", "y") for form in (text, text.upper(), text.capitalize())] + ["1", "1.0"]
NO = [form for text in ("false", "no", "f", "n") for form in (text, text.upper(), text.capitalize())] + ["0", "0.0"]


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    Attributes:
        rows: the wanted columns under the names they are wanted by.
        file: whose rows these are.
        start: the place of the first one in the file, from 0.
    """

    rows: pa.RecordBatch
    file: str
    start: int


@dataclass(frozen=True)
class Table:
    """Files that are ready to be read.

    Attributes:
        kept: the columns that are handed through, the id first, with their types.
        rows: how many there are; None where only reading tells.
    """

    kept: pa.Schema
    rows: int | None
    batches: Callable[[], Iterator[Batch]]


@dataclass(frozen=True)
class _Opened:
    """One file."""

    path: Path
    schema: pa.Schema
    rows: int | None
    read: Callable[[list[str]], Iterator[pa.RecordBatch]]


def open_table(path: Path, wanted: Wanted) -> Table:
    """Look at files without reading their rows.

    Raises:
        DataError: there is none, one cannot be read, or a column is missing or of a wrong type.
    """
    files = [_open(file, wanted) for file in files_of(path)]
    places = [wanted.places(file.schema.names, str(file.path)) for file in files]
    for file, at in zip(files, places, strict=True):
        wanted.require_types(file.schema, at, str(file.path))
    kept = pa.schema([(name, _plain(files[0].schema.field(name).type)) for name in (wanted.id, *wanted.keep)])
    counts = [file.rows for file in files]

    def batches() -> Iterator[Batch]:
        for file, at in zip(files, places, strict=True):
            yield from _batches(file, at, kept)

    return Table(kept, None if None in counts else sum(n for n in counts if n is not None), batches)


def files_of(path: Path) -> list[Path]:
    """The files at a path, in order.

    Raises:
        DataError: there is none, or of more than one kind.
    """
    found = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    found = [file for file in found if file.is_file() and not (path.is_dir() and file.name.startswith(("_", ".")))]
    if not path.exists():
        raise DataError("there is no such file", where=str(path), wanted="a file or a folder that can be read")
    if not found or found[0].suffix.lower() not in SUFFIXES:
        raise DataError(
            "there is no file of features" if not found else "this kind of file is not known",
            where=str(path),
            wanted=f"a file that ends with {', '.join(SUFFIXES)}, or a folder of them",
            got="nothing" if not found else found[0].name,
        )
    kinds = {SUFFIXES[file.suffix.lower()] for file in found}
    if len(kinds) > 1:
        raise DataError(
            "the folder holds files of several kinds", where=str(path), wanted="one kind", got=", ".join(sorted(kinds))
        )
    return found


def broken(where: str, error: Exception) -> DataError:
    """A file that cannot be read."""
    told = " ".join(str(error).split())[:300]
    return DataError(
        "the file cannot be read", where=where, got=told, do="write it again from its origin; nothing was written"
    )


def _batches(file: _Opened, places: dict[str, str], kept: pa.Schema) -> Iterator[Batch]:
    names, start = list(places), 0
    wanted = pa.schema([kept.field(name) if name in kept.names else pa.field(name, pa.null()) for name in names])
    try:
        for given in file.read(list(dict.fromkeys(places.values()))):
            for at in range(0, len(given), BATCH_ROWS):
                some = given.slice(at, BATCH_ROWS)
                columns = [
                    _cast(some.column(places[name]), field.type, name, file.path)
                    if name in kept.names
                    else some.column(places[name])
                    for name, field in zip(names, wanted, strict=True)
                ]
                yield Batch(pa.RecordBatch.from_arrays(columns, names=names), str(file.path), start)
                start += len(some)
    except RevmlError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise broken(str(file.path), error) from None


def _cast(column: pa.Array, kind: pa.DataType, name: str, path: Path) -> pa.Array:
    try:
        return column if column.type == kind else column.cast(kind)
    except pa.ArrowException:
        raise DataError(
            f"the column {name!r} is of another type than in the first file",
            where=str(path),
            wanted=str(kind),
            got=str(column.type),
        ) from None


def _plain(kind: pa.DataType) -> pa.DataType:
    """What a column is handed through as: of texts in codes, the texts."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _open(path: Path, wanted: Wanted) -> _Opened:
    kind = SUFFIXES[path.suffix.lower()]
    try:
        if kind == "csv":
            return _open_csv(path, wanted)
        return _open_parquet(path, wanted) if kind == "parquet" else _open_arrow(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise broken(str(path), error) from None


def _open_parquet(path: Path, wanted: Wanted) -> _Opened:
    with pq.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    texts = [name for name in wanted.categories if name in schema.names and pa.types.is_string(schema.field(name).type)]

    def read(columns: list[str]) -> Iterator[pa.RecordBatch]:
        # Read ahead a little of each column, not whole row groups: one may hold a million rows.
        with pq.ParquetFile(
            path, read_dictionary=texts, buffer_size=BUFFER, pre_buffer=False, page_checksum_verification=True
        ) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=columns)

    return _Opened(path, schema, rows, read)


def _open_arrow(path: Path) -> _Opened:
    with pa.memory_map(str(path)) as source:
        stream = source.read(6) != b"ARROW1"
    opened = pa.ipc.open_stream if stream else pa.ipc.open_file
    with pa.memory_map(str(path)) as source, opened(source) as file:
        schema: pa.Schema = file.schema

    def read(columns: list[str]) -> Iterator[pa.RecordBatch]:
        with pa.memory_map(str(path)) as source, opened(source) as file:
            for batch in file if stream else (file.get_batch(i) for i in range(file.num_record_batches)):
                batch.validate(full=True)
                yield batch.select(columns)

    return _Opened(path, schema, None, read)


def _open_csv(path: Path, wanted: Wanted) -> _Opened:
    header = read_header(path)
    if header.encoding != "utf-8":
        raise DataError("the file is not UTF-8", where=str(path), wanted="text in UTF-8", got=header.encoding)
    kinds = {own_name(name): pa.bool_() if name in wanted.flags else pa.float64() for name in wanted.numbers}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in header.names])
    unknown = sorted({form for text in UNKNOWN for form in (text, text.upper(), text.capitalize())} | {"NaN", "N/A"})

    read_options = pc_csv.ReadOptions(block_size=BLOCK, column_names=list(header.names), skip_rows=1)
    parse_options = pc_csv.ParseOptions(delimiter=header.separator, newlines_in_values=True)

    def read(columns: list[str]) -> Iterator[pa.RecordBatch]:
        convert_options = pc_csv.ConvertOptions(
            column_types=schema,
            include_columns=columns,
            null_values=unknown,
            strings_can_be_null=True,
            true_values=YES,
            false_values=NO,
        )
        try:
            with pc_csv.open_csv(path, read_options, parse_options, convert_options) as file:
                yield from file
        except pa.ArrowInvalid as error:
            raise _not_so(path, header.names, error) from None

    return _Opened(path, schema, None, read)


def _not_so(path: Path, names: Sequence[str], error: Exception) -> DataError:
    """A value of CSV that is not what its column holds."""
    told = re.match(r"In CSV column #(\d+): .*?(double|bool)\S* (.*)", str(error))
    if told is None:
        return broken(str(path), error)
    wanted = "a number or nothing" if told.group(2) == "double" else "yes or no, true or false, 1 or 0, or nothing"
    return DataError(
        f"the column {names[int(told.group(1))]!r} holds something else",
        where=str(path),
        wanted=wanted,
        got=told.group(3)[:300],
        do="mend the value; nothing was written",
    )
