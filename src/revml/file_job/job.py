"""The file job: rows in, rows with probability and reasons out.

Comes in: a bundle, a path of features and a path for what is said of them. Goes out: the file, and a `FileScores` of
what was counted. Batches are scored by as many threads as there are cores while others are read and written; they come
out in the order in which they stood, and only a few are held at a time.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from revml.errors import DataError
from revml.explanations.reader import Reader
from revml.file_job.checking import Wanted
from revml.file_job.reading import Batch, files_of, open_table
from revml.file_job.telling import BANDS, Telling, ToldBatch
from revml.file_job.writing import SUFFIXES, writing
from revml.models.bundle import Bundle
from revml.progress import Progress, silent

WAITING = 2  # batches that wait beside those that are scored
MOST_REASONS = 10


@dataclass(frozen=True)
class FileScores:
    """What a job did.

    Attributes:
        bands: rows by band.
        mean_probability: of all rows.
        unseen: rows by category with a value that the model never saw, which counts as unknown.
        repeated_ids: rows whose id stood before.
        first_repeated: the place of the first of them, from 1; None where there is none.
    """

    question: str
    model: str
    bundle: str
    rows: int
    bands: dict[str, int]
    mean_probability: float
    unseen: dict[str, int]
    repeated_ids: int
    first_repeated: int | None
    seconds: float


def score_file(
    bundle: Bundle,
    source: Path,
    target: Path,
    *,
    currency: str,
    id: str = "account_id",
    keep: Sequence[str] = (),
    reasons: int = 4,
    languages: Sequence[str] = ("en",),
    overwrite: bool = False,
    progress: Progress = silent,
) -> FileScores:
    """Score and explain the rows of a file, or of a folder of files.

    Args:
        source: Parquet, CSV or Arrow with the bundle's features and an id; other columns are left out.
        target: Parquet or CSV, by its suffix.
        currency: ISO 4217 code of money features.
        id: the column that tells rows apart.
        keep: columns that are handed through beside it.
        reasons: at most so many a row; 0 for the score alone.
        languages: of the reasons.

    Raises:
        DataError: a file cannot be read or written, lacks a column, or holds what the model cannot take.
        BundleError: the explanation does not add up.
    """
    begun = time.perf_counter()
    _require_place(source, target, overwrite=overwrite)
    wanted = Wanted.of(bundle, id, keep)
    table = open_table(source, wanted)
    telling = Telling(Reader(bundle, currency=currency), wanted, table.kept, reasons=reasons, languages=languages)
    counts = _Counts()
    with writing(target, telling.schema) as writer:
        for told in _in_order(telling, table.batches()):
            writer.write(told.rows)
            counts.add(told)
            progress(f"{counts.rows:,} rows", counts.rows / table.rows if table.rows else 0.0)
        if not counts.rows:
            raise DataError("there is no row to score", where=str(source), wanted="at least one", got="none")
    first, repeated = counts.repeated()
    return FileScores(
        bundle.question,
        bundle.version,
        bundle.hash,
        counts.rows,
        {band: int(n) for band, n in zip(BANDS, counts.bands, strict=True)},
        counts.probability / counts.rows,
        dict(counts.unseen),
        repeated,
        first,
        time.perf_counter() - begun,
    )


def _require_place(source: Path, target: Path, *, overwrite: bool) -> None:
    if target.suffix.lower() not in SUFFIXES:
        raise DataError(
            "this kind of file is not written", where=str(target), wanted=" or ".join(SUFFIXES), got=target.name
        )
    if target.is_dir():
        raise DataError("this is a folder", where=str(target), wanted="the name of a file")
    if target.exists() and target.resolve() in {file.resolve() for file in files_of(source)}:
        raise DataError("the file would take the place of its own rows", where=str(target), do="choose another name")
    if target.exists() and not overwrite:
        raise DataError("the file is there already", where=str(target), do="choose another name, or --overwrite")


def _in_order(telling: Telling, batches: Iterator[Batch]) -> Iterator[ToldBatch]:
    """What is said of each batch, in their order; each thread takes a whole batch, so none waits for another."""
    threads = _cores()
    waiting: deque[Future[ToldBatch]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="revml-file") as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(telling.told, batch))
                if len(waiting) >= threads + WAITING:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


class _Counts:
    """What is counted along the way."""

    def __init__(self) -> None:
        self.rows, self.probability = 0, 0.0
        self.bands = np.zeros(len(BANDS), dtype=np.int64)
        self.unseen: Counter[str] = Counter()
        self._ids: list[np.ndarray[Any, np.dtype[np.uint64]]] = []

    def add(self, told: ToldBatch) -> None:
        self.rows += len(told.probability)
        self.probability += float(told.probability.sum())
        self.bands += told.bands
        self.unseen.update(told.unseen)
        self._ids.append(told.ids)

    def repeated(self) -> tuple[int | None, int]:
        """The place of the first row whose id stood before, from 1, and how many there are."""
        ids = np.concatenate(self._ids)
        order = np.argsort(ids, kind="stable")
        again = order[1:][ids[order][1:] == ids[order][:-1]]
        return (int(again.min()) + 1 if len(again) else None), len(again)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
