"""A line of JSON a request: when, which, what came of it, how long it took. Never a body, a key or a query.

    {"at": "2026-11-22T09:15:02.124Z", "id": "4f…", "method": "POST", "route": "/v1/score", "status": 200, "ms": 0.62,
     "sent": 812, "key": "k_3fa9", "pid": 4711}

The request only leaves its figures in a queue; a thread writes them, a few times a second, so that no request waits for
a disk or a pipe. What does not fit into the queue is counted and told: `{"at": …, "dropped": 12}`.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Literal

QUEUE = 20_000  # lines that wait at most
EVERY = 0.25  # seconds between two writes
PIECE = 4096  # bytes that a pipe takes whole, so that two workers' lines do not mix

Record = tuple[float, str, str, str, int, float, int, str | None]


class RequestLog:
    """The log of one worker.

    Args:
        which: `all`, `problems` (answers of 400 and above) or `off`.
        out: a file descriptor.
    """

    def __init__(self, which: Literal["all", "problems", "off"] = "off", out: int = 1) -> None:
        self._from = {"all": 0, "problems": 400, "off": 1000}[which]
        self._out = out
        self._queue: deque[Record] = deque(maxlen=QUEUE)
        self._dropped = 0
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write; nothing is written by a log that is off."""
        if self._from < 1000:
            self._thread = threading.Thread(target=self._run, name="revml-request-log", daemon=True)
            self._thread.start()

    def add(
        self, request_id: str, method: str, route: str, status: int, seconds: float, sent: int, key: str | None
    ) -> None:
        """Leave a request's figures to be written."""
        if status < self._from or self._thread is None:
            return
        if len(self._queue) == QUEUE:
            self._dropped += 1  # the oldest goes
        self._queue.append((time.time(), request_id, method, route, status, seconds, sent, key))

    def close(self) -> None:
        """Write what waits."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(2)
            self._thread = None

    def _run(self) -> None:
        while not self._end.wait(EVERY):
            self._write()
        self._write()

    def _write(self) -> None:
        lines = []
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            lines.append(json.dumps({"at": _at(time.time()), "dropped": dropped, "pid": os.getpid()}))
        for _ in range(len(self._queue)):
            lines.append(_line(self._queue.popleft()))
        piece: list[bytes] = []
        size = 0
        for line in lines:
            told = line.encode() + b"\n"
            if size + len(told) > PIECE and piece:
                self._put(b"".join(piece))
                piece, size = [], 0
            piece.append(told)
            size += len(told)
        if piece:
            self._put(b"".join(piece))

    def _put(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError:
            return  # nobody reads it, or the disk is full: the service is worth more than its log


def _line(record: Record) -> str:
    at, request_id, method, route, status, seconds, sent, key = record
    told = {
        "at": _at(at),
        "id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 2),
        "sent": sent,
        **({"key": key} if key else {}),
        "pid": os.getpid(),
    }
    return json.dumps(told, separators=(",", ":"))


def _at(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
