"""Joined requests: each gets what it would get alone, whoever else waits."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.errors import BundleError
from revml.explanations.reader import Read, Reader, Rows
from revml.service.joining import BLOCK_ROWS, INLINE_ROWS, Joiner
from tests.explanations.literal_bundles import bundle, frame, linear
from tests.explanations.test_reader import WEIGHTS, as_rows


@pytest.fixture
def rows() -> pd.DataFrame:
    """Accounts for many callers."""
    return frame(400)


@pytest.fixture
def reader(tmp_path: Path, rows: pd.DataFrame) -> Reader:
    """Reads for a linear model."""
    return Reader(bundle(tmp_path, linear(WEIGHTS, rows), rows), currency="EUR")


def _asked_at_once(reader: Reader, parts: list[Rows]) -> tuple[list[Read | BaseException], list[int]]:
    """The answers to requests that all wait at the same moment, and how many rows were asked at once."""
    blocks: list[int] = []

    async def ask() -> list[Read | BaseException]:
        joiner = Joiner(blocks.append)
        try:
            return await asyncio.gather(*(joiner.read(reader, part, top=4) for part in parts), return_exceptions=True)
        finally:
            joiner.close()

    return asyncio.run(ask()), blocks


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [3, 1, 20], [1] * 40, [30] * 12, [200, 1, 40]])
def test_each_caller_gets_its_own(reader: Reader, rows: pd.DataFrame, sizes: list[int]) -> None:
    """The same bits as alone, whether joined on the loop, in the thread, or too large to be joined."""
    starts = np.cumsum([0, *sizes])
    parts = [as_rows(reader.bundle, rows.iloc[a:b]) for a, b in itertools.pairwise(starts)]
    answers, blocks = _asked_at_once(reader, parts)
    assert sum(blocks) == sum(sizes)
    for part, answer in zip(parts, answers, strict=True):
        assert isinstance(answer, Read)
        alone = reader.read(part)
        assert answer.probability.tolist() == alone.probability.tolist()
        assert reader.reasons(answer, "en") == reader.reasons(alone, "en")


def test_rows_that_wait_together_are_asked_together(reader: Reader, rows: pd.DataFrame) -> None:
    """Ten callers, one block; blocks end where they would grow too large."""
    ten = [as_rows(reader.bundle, rows.iloc[i : i + 1]) for i in range(10)]
    assert _asked_at_once(reader, ten)[1] == [10]
    many = [as_rows(reader.bundle, rows.iloc[i : i + INLINE_ROWS]) for i in range(0, 320, INLINE_ROWS)]
    assert max(_asked_at_once(reader, many)[1]) <= BLOCK_ROWS


def test_rows_that_wait_for_the_thread_are_told(reader: Reader, rows: pd.DataFrame) -> None:
    """As long as they wait; nothing waits in the end."""
    told: list[int] = []

    async def ask() -> None:
        joiner = Joiner(lambda _: None, told.append)
        many = as_rows(reader.bundle, rows.iloc[:200])
        await asyncio.gather(joiner.read(reader, many, top=4), joiner.read(reader, many, top=4))
        joiner.close()

    asyncio.run(ask())
    assert (max(told), told[-1]) == (400, 0)


def test_one_callers_failure_is_its_own(reader: Reader, rows: pd.DataFrame) -> None:
    """Rows that cannot be read fail their caller and nobody who waited beside it."""
    good = as_rows(reader.bundle, rows.iloc[:1])
    bad = Rows(good.matrix[:, :2], good.texts)
    answers, _ = _asked_at_once(reader, [good, bad, good])
    assert isinstance(answers[0], Read)
    assert isinstance(answers[1], (BundleError, ValueError, IndexError))
    assert isinstance(answers[2], Read)


def test_a_caller_who_went_away_stops_nobody(reader: Reader, rows: pd.DataFrame) -> None:
    """Its rows are read all the same; the others are answered."""
    one = as_rows(reader.bundle, rows.iloc[:1])

    async def ask() -> Read:
        joiner = Joiner(lambda _: None)
        gone = asyncio.ensure_future(joiner.read(reader, one, top=4))
        stays = asyncio.ensure_future(joiner.read(reader, one, top=4))
        await asyncio.sleep(0)
        gone.cancel()
        try:
            return await stays
        finally:
            joiner.close()

    assert len(asyncio.run(ask()).probability) == 1
