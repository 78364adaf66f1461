"""What a model says of a batch of rows, as columns: ids, probability, band, the curve, and reasons.

Comes in: a `Batch`. Goes out: a `ToldBatch`: one record batch of the schema that `Telling.schema` has, and what is
counted. To the bit what the bundle says of the rows, with the reasons that the service gives for each. No object is
made of a row but the texts of its reasons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from revml.errors import DataError
from revml.explanations.coded import Coded
from revml.explanations.reader import Read, Reader, Rows
from revml.file_job.checking import Wanted
from revml.file_job.reading import Batch

GREATEST = 3.4e38  # float32, what trees compare
BANDS = ("low", "medium", "high")
NAME = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class ToldBatch:
    """A batch and what is said of it.

    Attributes:
        rows: of `Telling.schema`.
        probability: of each row.
        ids: a hash of each row's id.
        bands: how many rows each of `BANDS` has.
        unseen: by category, how many rows have a value that the model never saw.
    """

    rows: pa.RecordBatch
    probability: npt.NDArray[np.float64]
    ids: npt.NDArray[np.uint64]
    bands: npt.NDArray[np.int64]
    unseen: Mapping[str, int]


class Telling:
    """Tells batches with one model; asked from several threads.

    Args:
        kept: the columns that are handed through, the id first.
        reasons: at most so many a row; 0 for the score alone.
        languages: of the sentences, in this order.

    Raises:
        DataError: a column that is handed through is called like one that comes out.
    """

    def __init__(
        self, reader: Reader, wanted: Wanted, kept: pa.Schema, *, reasons: int, languages: Sequence[str]
    ) -> None:
        self._reader, self._wanted, self._kept = reader, wanted, kept
        self._reasons, self._languages = reasons, tuple(languages)
        self._features = pa.array([feature.name for feature in reader.features], pa.string())
        self._concepts = pa.array(reader.concepts.called, pa.string())
        self._codes = {c.name: frozenset(c.codes) for c in reader.bundle.encoding.columns if c.kind == "category"}
        self.schema = self._schema()

    def _schema(self) -> pa.Schema:
        bundle = self._reader.bundle
        fields = [*self._kept, pa.field("probability", pa.float64()), pa.field("band", NAME)]
        if bundle.hazards is not None:
            fields += [pa.field(f"probability_{days}d", pa.float64()) for days in bundle.hazards.horizons]
        for rank in range(1, self._reasons + 1):
            fields += [pa.field(self._text(rank, language), pa.string()) for language in self._languages]
            fields += [
                pa.field(f"reason_{rank}_concept", NAME),
                pa.field(f"reason_{rank}_feature", NAME),
                pa.field(f"reason_{rank}_contribution", pa.float64()),
            ]
        names = [field.name for field in fields]
        for name in self._kept.names:
            if names.count(name) > 1:
                raise DataError(
                    f"the column {name!r} cannot be kept under its name",
                    where="--keep" if name != self._wanted.id else "--id",
                    wanted="a name that does not come out beside it",
                    got=name,
                    do="rename it in the file",
                )
        model = {"version": bundle.version, "bundle": bundle.hash, "rung": bundle.rung}
        return pa.schema(fields, {"question": bundle.question, "model": json.dumps(model)})

    def _text(self, rank: int, language: str) -> str:
        return f"reason_{rank}" if len(self._languages) == 1 else f"reason_{rank}_{language}"

    def told(self, batch: Batch) -> ToldBatch:
        """Score and explain a batch.

        Raises:
            DataError: a row has no id, or a number is beyond what the model can compare.
            BundleError: the explanation does not add up.
        """
        ids = self._ids(batch)
        rows, unseen = self._rows(batch)
        read = self._reader.read(rows, top=self._reasons, threads=1)
        band = np.searchsorted(BANDS_SORTED, read.band)
        codes = BAND_OF_SORTED[band]
        columns = [batch.rows.column(name) for name in self._kept.names]
        columns += [pa.array(read.probability), pa.DictionaryArray.from_arrays(pa.array(codes), BAND_TEXTS)]
        if read.horizons is not None:
            columns += [pa.array(np.ascontiguousarray(read.horizons[:, k])) for k in range(read.horizons.shape[1])]
        columns += self._told_reasons(read)
        told = pa.RecordBatch.from_arrays(columns, schema=self.schema)
        return ToldBatch(told, read.probability, ids, np.bincount(codes, minlength=len(BANDS)), unseen)

    def _ids(self, batch: Batch) -> npt.NDArray[np.uint64]:
        column = batch.rows.column(self._wanted.id)
        if column.null_count:
            at = batch.start + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise DataError(
                f"a row has no {self._wanted.id}",
                where=f"{batch.file}, row {at + 1:,}",
                wanted="an id in each row",
                got="nothing",
                do="mend those rows or leave them out; nothing was written",
            )
        return pd.util.hash_array(column.cast(pa.string()).to_numpy(zero_copy_only=False))

    def _rows(self, batch: Batch) -> tuple[Rows, dict[str, int]]:
        matrix = self._reader.bundle.encoding.matrix(batch.rows)
        far = np.abs(matrix) > GREATEST
        if far.any():
            row, column = (int(at[0]) for at in np.nonzero(far))
            raise DataError(
                f"the feature {self._reader.features[column].name!r} is too large a number",
                where=f"{batch.file}, row {batch.start + row + 1:,}",
                wanted="a number within float32, or null",
                got=f"{matrix[row, column]:g}",
            )
        texts, unseen = {}, {}
        for name, codes in self._codes.items():
            texts[name] = coded(batch.rows.column(name))
            values, places = texts[name].values, texts[name].places
            new = np.array([text is not None and text not in codes for text in values])
            if new.any() and (count := int(new[places].sum())):
                unseen[name] = count
        return Rows(matrix, texts), unseen

    def _told_reasons(self, read: Read) -> list[pa.Array]:
        chosen = read.chosen
        if chosen is None:
            return []
        n = len(read.rows)
        texts = [np.array(self._reader.texts(read, language), dtype=object) for language in self._languages]
        columns: list[pa.Array] = []
        for rank in range(1, self._reasons + 1):
            of_rank = np.flatnonzero(chosen.rank == rank)
            row = chosen.row[of_rank]
            none = np.ones(n, dtype=bool)
            none[row] = False
            for told in texts:
                column = np.full(n, None, dtype=object)
                column[row] = told[of_rank]
                columns.append(pa.array(column, pa.string()))
            for place, names in ((chosen.concept, self._concepts), (chosen.column, self._features)):
                code = np.zeros(n, dtype=np.int32)
                code[row] = place[of_rank]
                columns.append(pa.DictionaryArray.from_arrays(pa.array(code, mask=none), names))
            strength = np.zeros(n)
            strength[row] = chosen.contribution[of_rank]
            columns.append(pa.array(strength, mask=none))
        return columns


BANDS_SORTED = np.array(sorted(BANDS))
BAND_OF_SORTED = np.array([BANDS.index(band) for band in sorted(BANDS)], dtype=np.int32)
BAND_TEXTS = pa.array(BANDS, pa.string())


def coded(column: pa.Array) -> Coded:
    """The texts of a category by their dictionary; None where unknown."""
    if pa.types.is_null(column.type):
        return Coded((None,), np.zeros(len(column), dtype=np.int64))
    told = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = [None if value is None else str(value) for value in told.dictionary.to_pylist()]
    places = told.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return Coded((*values, None), places.astype(np.int64))
