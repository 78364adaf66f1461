"""Requests that wait at the same moment are asked of the model as one block.

One row costs the model several times what a row of a block costs. So the rows of small requests are put together: those
that came in while the loop was busy are asked at its next turn, and nobody waits for company. Large requests, and
blocks that have grown large, are asked in a thread, so that the loop goes on answering whether the service is ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from revml.explanations.reader import Read, Reader, Rows

INLINE_ROWS = 32  # so many rows hold the loop for a few milliseconds; more go to the thread
BLOCK_ROWS = 256  # what joins beyond is a block of its own


@dataclass(frozen=True)
class Waiting:
    """Rows that wait for their turn."""

    rows: Rows
    done: asyncio.Future[Read]


class Joiner:
    """Asks readers for rows, joined; lives on one event loop.

    Args:
        joined: told how many rows were asked at once.
        queued: told how many rows wait for a thread that is busy with others.
    """

    def __init__(self, joined: Callable[[int], None], queued: Callable[[int], None] = lambda _: None) -> None:
        self._joined, self._tell_queued = joined, queued
        self._queued = 0
        self._waiting: dict[tuple[int, int], tuple[Reader, int, list[Waiting]]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="revml-scoring")

    async def read(self, reader: Reader, rows: Rows, *, top: int) -> Read:
        """What the reader says of the rows, with the same bits as if they came alone.

        Raises:
            BundleError: the explanation does not add up.
        """
        loop = asyncio.get_running_loop()
        if len(rows) > INLINE_ROWS:
            self._joined(len(rows))
            self._queue(len(rows))
            try:
                return await loop.run_in_executor(self._thread, lambda: reader.read(rows, top=top))
            finally:
                self._queue(-len(rows))
        waiting = Waiting(rows, loop.create_future())
        key = (id(reader), top)
        if key not in self._waiting:
            self._waiting[key] = (reader, top, [])
            loop.call_soon(self._turn, loop, key)
        self._waiting[key][2].append(waiting)
        return await waiting.done

    def _turn(self, loop: asyncio.AbstractEventLoop, key: tuple[int, int]) -> None:
        reader, top, waiting = self._waiting.pop(key)
        while waiting:
            block: list[Waiting] = []
            size = 0
            while waiting and (not block or size + len(waiting[0].rows) <= BLOCK_ROWS):
                size += len(waiting[0].rows)
                block.append(waiting.pop(0))
            self._joined(size)
            if size <= INLINE_ROWS:
                _answer(reader, top, block, _hand_over)
            else:
                self._queue(size)
                told = _from_thread(loop)
                done = loop.run_in_executor(self._thread, _answer, reader, top, block, told)
                done.add_done_callback(lambda _, rows=size: self._queue(-rows))  # type: ignore[misc]

    def _queue(self, more: int) -> None:
        self._queued += more
        self._tell_queued(self._queued)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


Told = Callable[[Waiting, Read | None, BaseException | None], None]


def _answer(reader: Reader, top: int, block: list[Waiting], told: Told) -> None:
    if len(block) == 1:
        try:
            told(block[0], reader.read(block[0].rows, top=top), None)
        except Exception as error:
            told(block[0], None, error)
        return
    try:
        whole = reader.read(_together([one.rows for one in block]), top=top)
    except Exception:
        # Rows of one must not fail those of another: each is asked alone.
        for one in block:
            _answer(reader, top, [one], told)
        return
    start = 0
    for one in block:
        stop = start + len(one.rows)
        told(one, whole.part(start, stop), None)
        start = stop


def _hand_over(waiting: Waiting, read: Read | None, error: BaseException | None) -> None:
    if waiting.done.done():  # its caller has gone
        return
    if read is not None:
        waiting.done.set_result(read)
    elif error is not None:
        waiting.done.set_exception(error)


def _from_thread(loop: asyncio.AbstractEventLoop) -> Told:
    def told(waiting: Waiting, read: Read | None, error: BaseException | None) -> None:
        loop.call_soon_threadsafe(_hand_over, waiting, read, error)

    return told


def _together(rows: list[Rows]) -> Rows:
    names = rows[0].texts.keys()
    texts = {name: [text for one in rows for text in one.texts[name]] for name in names}
    return Rows(np.concatenate([one.matrix for one in rows]), texts)
