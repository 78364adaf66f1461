"""What a caller sends, straight into the model's matrix: JSON rows, JSON columns, an Arrow stream, Parquet.

A row names every feature of the model, null where a value is unknown: a feature that is silently absent would be
scored as unknown and nobody would notice. Categories that the model never saw count as unknown and are reported. No
object is made of a row; what is wrong is looked for again, slowly, once it is known that something is.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from revml.explanations.reader import Rows
from revml.models.bundle import Bundle
from revml.service.problems import Problem

MAX_CATEGORY = 256
GREATEST = 3.4e38  # float32, what trees compare
SHOWN = 8
NUMBERS = frozenset({int, float, bool, type(None)})
TEXTS = frozenset({str, type(None)})


@dataclass(frozen=True)
class Decoded:
    """Rows as the model takes them.

    Attributes:
        unseen: by row, the features whose category the model never saw; empty where there are none at all.
    """

    rows: Rows
    unseen: Mapping[int, list[str]]


class Decoder:
    """Takes rows for one bundle.

    Args:
        bundle: whose features rows must name.
        max_rows: more are refused.
    """

    def __init__(self, bundle: Bundle, *, max_rows: int) -> None:
        self._bundle, self._max_rows = bundle, max_rows
        columns = bundle.encoding.columns
        self._names = bundle.features
        self._numbers = [(j, c.name) for j, c in enumerate(columns) if c.kind == "number"]
        self._categories = [(j, c.name) for j, c in enumerate(columns) if c.kind == "category"]
        self._codes = {c.name: {text: float(i) for i, text in enumerate(c.codes)} for c in columns if c.codes}
        self._number_places = np.array([j for j, _ in self._numbers], dtype=np.intp)
        self._pick = _picker([name for _, name in self._numbers])

    def rows(self, rows: Sequence[Any]) -> Decoded:
        """JSON objects, one a row.

        Raises:
            Problem: 422, naming the row and the feature.
        """
        self._count(len(rows))
        try:
            numbers = [self._pick(row) for row in rows]
            texts = {name: [row[name] for row in rows] for _, name in self._categories}
            whole = all(type(row) is dict and len(row) == len(self._names) for row in rows)
        except (AttributeError, KeyError, TypeError):
            whole = False
        if not whole or not NUMBERS.issuperset(map(type, itertools.chain.from_iterable(numbers))):
            raise self._wrong_rows(rows)
        try:
            block = np.array(numbers, dtype=np.float64)
        except OverflowError:  # an integer beyond float64
            raise self._wrong_rows(rows) from None
        if (np.abs(block) > GREATEST).any():
            raise self._wrong_rows(rows)
        matrix = np.empty((len(rows), len(self._names)))
        matrix[:, self._number_places] = block
        return self._with_categories(matrix, texts, lambda name, i: f"rows[{i}].{name}")

    def columns(self, columns: Mapping[str, Any]) -> Decoded:
        """A JSON object of lists, one a feature.

        Raises:
            Problem: 422, naming the feature and the place.
        """
        self._names_match(columns)
        lengths = {name: len(values) if isinstance(values, list) else -1 for name, values in columns.items()}
        size = next(iter(lengths.values()), 0)
        for name, length in lengths.items():
            if length != size or length < 0:
                got = f"{length} values beside {size}" if length >= 0 else shown(columns[name])
                raise invalid(f"columns.{name}", "lists of one length were expected", f"a list of {size} values", got)
        self._count(size)
        matrix = np.empty((size, len(self._names)))
        for j, name in self._numbers:
            values = columns[name]
            if not NUMBERS.issuperset(map(type, values)):
                at = next(i for i, value in enumerate(values) if type(value) not in NUMBERS)
                raise _not_a_number(f"columns.{name}[{at}]", values[at])
            try:
                matrix[:, j] = values
            except OverflowError:
                matrix[:, j] = np.inf
            except TypeError:  # None among them
                matrix[:, j] = np.array(values, dtype=np.float64)
            far = np.abs(matrix[:, j]) > GREATEST
            if far.any():
                at = int(np.flatnonzero(far)[0])
                raise _not_a_number(f"columns.{name}[{at}]", values[at])
        texts = {name: columns[name] for _, name in self._categories}
        return self._with_categories(matrix, texts, lambda name, i: f"columns.{name}[{i}]")

    def arrow_stream(self, body: bytes) -> Decoded:
        """An Arrow IPC stream.

        Raises:
            Problem: 400 for a broken stream, 422 for what the model cannot take.
        """
        try:
            with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
                batches, count = [], 0
                for batch in reader:
                    batch.validate(full=True)
                    count += len(batch)
                    self._within(count, "rows or more")  # what follows is not read
                    batches.append(batch)
                table = pa.Table.from_batches(batches, reader.schema)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _broken("an Arrow IPC stream", error) from None
        return self.table(table)

    def parquet(self, body: bytes) -> Decoded:
        """A Parquet file.

        Raises:
            Problem: 400 for a broken file, 422 for what the model cannot take.
        """
        try:
            file = pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True)
            self._within(file.metadata.num_rows)
            self._names_match(dict.fromkeys(file.schema_arrow.names))
            table = file.read(columns=list(self._names))
            table.validate(full=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _broken("a Parquet file", error) from None
        return self.table(table)

    def table(self, table: pa.Table) -> Decoded:
        """An Arrow table with the model's features, in any order."""
        twice = [name for name in table.column_names if table.column_names.count(name) > 1]
        if twice:
            raise invalid(f"columns.{twice[0][:80]}", "a column stands twice", "each feature once", twice[0][:80])
        self._names_match(dict.fromkeys(table.column_names))
        self._count(len(table))
        codes: dict[str, list[str | None]] = {}
        for _, name in self._numbers:
            kind = table.schema.field(name).type
            fine = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
            if not (fine or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
                raise invalid(f"columns.{name}", "not a column of numbers", "integers, floats or booleans", str(kind))
        for _, name in self._categories:
            kind = table.schema.field(name).type
            value = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_null(value)):
                raise invalid(f"columns.{name}", "a category is a text", "a column of text", str(kind))
            codes[name] = table.column(name).to_pylist()
        matrix = self._bundle.encoding.matrix(table)
        for _, name in self._numbers:
            given = table.column(name)
            values = given.cast(pa.float64(), safe=False).to_numpy()
            far = np.abs(values) > GREATEST
            if far.any():
                at = int(np.flatnonzero(far)[0])
                raise _not_a_number(f"columns.{name}[{at}]", float(values[at]))
        return self._with_categories(matrix, codes, lambda name, i: f"columns.{name}[{i}]")

    def _with_categories(
        self, matrix: npt.NDArray[np.float64], texts: Mapping[str, Sequence[Any]], place: Any
    ) -> Decoded:
        unseen: dict[int, list[str]] = {}
        for j, name in self._categories:
            values, codes = texts[name], self._codes.get(name, {})
            if not TEXTS.issuperset(map(type, values)):
                at = next(i for i, value in enumerate(values) if type(value) not in TEXTS)
                raise invalid(place(name, at), "a category is a text", "a text or null", shown(values[at]))
            for i, text in enumerate(values):
                code = np.nan if text is None else codes.get(text)
                if code is None:
                    if len(text) > MAX_CATEGORY:
                        wanted = f"a text of at most {MAX_CATEGORY} characters"
                        raise invalid(place(name, i), "a category is too long", wanted, f"{len(text)} characters")
                    unseen.setdefault(i, []).append(name)
                    code = np.nan
                matrix[i, j] = code
        return Decoded(Rows(matrix, texts), unseen)

    def _count(self, rows: int) -> None:
        if rows < 1:
            raise invalid("rows", "there are no rows", f"1 to {self._max_rows} rows", "0 rows")
        self._within(rows)

    def _within(self, rows: int, told: str = "rows") -> None:
        if rows > self._max_rows:
            raise invalid(
                "rows",
                "too many rows for one call",
                f"1 to {self._max_rows} rows",
                f"{rows} {told}",
                do="send them in parts; for many, `revml score-file` reads and writes files",
            )

    def _names_match(self, given: Mapping[str, Any]) -> None:
        if given.keys() != frozenset(self._names):
            raise self._features("columns", given)

    def _wrong_rows(self, rows: Sequence[Any]) -> Problem:
        """The first thing that is wrong with the rows, in their order."""
        numbers = frozenset(name for _, name in self._numbers)
        for i, row in enumerate(rows):
            if not isinstance(row, dict):
                return invalid(f"rows[{i}]", "a row is an object", "{feature: value}", shown(row))
            if row.keys() != frozenset(self._names):
                return self._features(f"rows[{i}]", row)
            for name, value in row.items():
                if value is None:
                    continue
                if name in numbers and (not isinstance(value, int | float) or abs(value) > GREATEST):
                    return _not_a_number(f"rows[{i}].{name}", value)
        raise AssertionError("the rows were refused without a reason")

    def _features(self, where: str, given: Mapping[str, Any]) -> Problem:
        missing = [name for name in self._names if name not in given]
        if missing:
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            return invalid(
                f"{where}.{missing[0]}",
                f"the feature {missing[0]!r} is missing",
                f"all {len(self._names)} features of the model, null where unknown",
                f"{where} without {', '.join(missing[:SHOWN])}{more}",
                do="`revml features QUESTION` and `GET /v1/models` list them",
            )
        unknown = next(name for name in given if name not in self._names)
        close = difflib.get_close_matches(unknown[:80], self._names, n=1)
        return invalid(
            f"{where}.{unknown[:80]}",
            f"the model has no feature {unknown[:80]!r}",
            "only the features of the model",
            unknown[:80],
            do=f"did you mean {close[0]!r}?" if close else "leave it out",
        )


def _picker(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Takes the values of some keys out of a dictionary, as a tuple however many they are."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def _broken(what: str, error: Exception) -> Problem:
    return Problem(
        400, "broken-body", f"the body is not {what} that can be read", field="body", wanted=what, got=str(error)[:200]
    )


def _not_a_number(field: str, value: Any) -> Problem:
    detail = "beyond float32" if isinstance(value, int | float) else "not a number"
    return invalid(field, detail, "a number within float32, or null", shown(value))


def shown(value: Any) -> str:
    """What came, as far as an error shows it."""
    return "nothing" if value is None else repr(value)[:80]


def invalid(field: str, detail: str, wanted: str, got: str, do: str = "") -> Problem:
    """A body that can be read but not taken."""
    return Problem(422, "invalid-body", detail, field=field, wanted=wanted, got=got, do=do)
