"""A load generator of bounded counts: open connections on this machine, each sending one request after another.

Sockets, prepared bytes and one selector in this process, so that it costs less than what it asks; `Load.own` tells how
much of a core it took. Every answer's status is checked, and some bodies are kept to be compared with the truth.
"""

from __future__ import annotations

import re
import selectors
import socket
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from processes import cpu_seconds, family

HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
CHUNK = 1 << 18
SILENT_SECONDS = 60


@dataclass(frozen=True)
class Request:
    """What is asked of a service on this machine; `bodies` take turns."""

    port: int
    method: str
    path: str
    bodies: tuple[bytes, ...] = (b"",)
    kind: str = "application/json"

    def wires(self) -> list[bytes]:
        """What is sent, to the byte."""
        about = f"{self.method} {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: */*\r\n"
        return [
            (about + (f"Content-Type: {self.kind}\r\nContent-Length: {len(b)}\r\n" if b else "") + "\r\n").encode() + b
            for b in self.bodies
        ]


@dataclass(frozen=True)
class Load:
    """What came of it.

    Attributes:
        taken: seconds that each answered request took.
        seconds: from the first request to the last answer.
        statuses: how many answers of each status.
        kept: place of the body that was sent, and the body of the answer, of some requests.
        lost: requests that got no whole answer, in words.
        own: share of a core that sending and reading took.
        cpu: CPU seconds of the service's processes meanwhile, where they were named.
    """

    taken: np.ndarray
    seconds: float
    statuses: Mapping[int, int]
    kept: Sequence[tuple[int, bytes]]
    lost: Sequence[str]
    own: float
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.taken) / self.seconds

    def milliseconds(self, share: float) -> float:
        """A quantile of the latency."""
        return float(1000 * np.quantile(self.taken, share))


@dataclass(frozen=True)
class Turns:
    """The loads of one service, turn by turn."""

    loads: tuple[Load, ...]

    @property
    def rate(self) -> float:
        """The median of the turns."""
        return statistics.median(load.rate for load in self.loads)

    @property
    def answers(self) -> int:
        """How many there were in all turns."""
        return sum(len(load.taken) for load in self.loads)

    def told(self, name: str) -> str:
        """Rate and latency with their spread: the median of the turns, least and greatest of them in brackets."""
        rates = [load.rate for load in self.loads]
        parts = [f"{name:<10} {self.rate:8,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"]
        for share in (0.5, 0.95, 0.99):
            each = [load.milliseconds(share) for load in self.loads]
            parts.append(f"p{share * 100:.0f} {statistics.median(each):.1f} ms ({min(each):.1f} to {max(each):.1f})")
        if self.cpu:
            parts.append(f"{1000 * self.cpu:.2f} ms of CPU each")
        return ", ".join(parts) + f"; load {statistics.median(load.own for load in self.loads):.0%} of a core"

    @property
    def cpu(self) -> float:
        """CPU seconds an answer, of all turns; other work on the machine changes it least."""
        return sum(load.cpu for load in self.loads) / self.answers


def send(
    request: Request,
    *,
    connections: int,
    count: int,
    seconds: float = float("inf"),
    keep: int = 0,
    until_closed: bool = False,
) -> Load:
    """Send up to `count` requests over some connections for up to some seconds; any answer but 200 is an error.

    Args:
        keep: of how many answers the bodies are kept, spread over all.
        until_closed: the service is being ended: a connection that it closes between two requests is not opened again,
            other statuses and lost requests are counted and no error.
    """
    run = _Run(request, count, seconds, keep, until_closed)
    load = run.load(connections)
    if not until_closed:
        wrong = {status: n for status, n in load.statuses.items() if status != 200}
        assert not wrong, f"{request.path} answered {wrong}, the first: {run.first_wrong[:300]!r}"
        assert not load.lost, f"{len(load.lost)} of {count} requests to {request.path} were lost: {load.lost[0]}"
    return load


def in_turns(
    requests: Mapping[str, Request],
    *,
    connections: int,
    seconds: float,
    turns: int,
    check: Callable[[str, Load], None],
    pids: Mapping[int, int] | None = None,
) -> dict[str, Turns]:
    """Loads of some seconds each, the services taking turns; a first turn only warms up.

    Args:
        check: compares what was kept with the truth.
        pids: by port, the first process of a service.
    """
    loads: dict[str, list[Load]] = {name: [] for name in requests}
    for turn in range(turns + 1):
        for name, request in requests.items():
            pid = (pids or {}).get(request.port)
            processes = family(pid) if pid is not None else []
            before, lasts = cpu_seconds(processes), seconds if turn else seconds / 3
            made = send(request, connections=connections, count=1_000_000, seconds=lasts, keep=20)
            made = replace(made, cpu=cpu_seconds(processes) - before)
            check(name, made)
            if turn:
                loads[name].append(made)
    return {name: Turns(tuple(mine)) for name, mine in loads.items()}


def one(request: Request) -> bytes:
    """The body of one answer."""
    return send(request, connections=1, count=1, keep=1).kept[0][1]


class _Connection:
    """A socket that has one request under way."""

    __slots__ = ("body", "got", "left", "need", "socket", "started")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.got = bytearray()
        self.left: memoryview | None = None
        self.need, self.body, self.started = 0, -1, 0.0


class _Run:
    def __init__(self, request: Request, count: int, seconds: float, keep: int, until_closed: bool) -> None:
        self.request, self.wires = request, request.wires()
        self.count, self.until_closed = count, until_closed
        self.seconds, self.deadline = seconds, float("inf")
        self.every = max(1, min(count, 5000) // keep) if keep else 0
        self.keep, self.kept = keep, list[tuple[int, bytes]]()
        self.sent, self.open = 0, 0
        self.taken, self.statuses, self.lost = list[float](), Counter[int](), list[str]()
        self.first_wrong = b""
        self.selector = selectors.DefaultSelector()

    def load(self, connections: int) -> Load:
        all_of_them = [_Connection(self.request.port) for _ in range(min(connections, self.count))]
        begun, mine = time.perf_counter(), time.process_time()
        self.deadline = begun + self.seconds
        try:
            for connection in all_of_them:
                self.open += 1
                self.selector.register(connection.socket, selectors.EVENT_READ, connection)
                self._next(connection)
            while self.open:
                ready = self.selector.select(SILENT_SECONDS)
                if not ready:
                    self.lost += [f"no answer in {SILENT_SECONDS} s"] * self.open
                    break
                for key, events in ready:
                    if events & selectors.EVENT_WRITE:
                        self._write(key.data)
                    if events & selectors.EVENT_READ:
                        self._read(key.data)
        finally:
            for key in list(self.selector.get_map().values()):
                key.data.socket.close()
            self.selector.close()
        took, cpu = time.perf_counter() - begun, time.process_time() - mine
        return Load(np.array(self.taken), took, dict(self.statuses), self.kept, self.lost, cpu / took)

    def _next(self, connection: _Connection) -> None:
        now = time.perf_counter()
        if self.sent >= self.count or now > self.deadline:
            self._end(connection)
            return
        connection.body = self.sent % len(self.wires)
        connection.left = memoryview(self.wires[connection.body])
        connection.need, connection.started = 0, now
        self.sent += 1
        self._write(connection)

    def _write(self, connection: _Connection) -> None:
        whole, begun = connection.left, len(connection.left or b"")
        if whole is None:
            return
        try:
            connection.left = whole[connection.socket.send(whole) :] or None
        except BlockingIOError:
            pass
        except OSError as error:
            self._broken(connection, f"while sending: {error!r}")
            return
        if connection.left is not None or begun < len(self.wires[connection.body]):
            writing = selectors.EVENT_WRITE if connection.left is not None else 0
            self.selector.modify(connection.socket, selectors.EVENT_READ | writing, connection)

    def _read(self, connection: _Connection) -> None:
        if connection.body < 0:
            return
        try:
            part = connection.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._broken(connection, f"while reading: {error!r}")
            return
        if not part:
            self._broken(connection, f"closed after {len(connection.got)} bytes of the answer")
            return
        got = connection.got
        got += part
        if not connection.need:
            end = got.find(HEAD)
            if end < 0:
                return
            length = LENGTH.search(got, 0, end)
            connection.need = end + len(HEAD) + int(length[1]) if length else -1
        if connection.need > len(got) or (connection.need < 0 and not got.endswith(b"0\r\n\r\n")):
            return
        self._answered(connection)

    def _answered(self, connection: _Connection) -> None:
        got = connection.got
        self.taken.append(time.perf_counter() - connection.started)
        status = int(got[9:12])
        self.statuses[status] += 1
        if status != 200 and not self.first_wrong:
            self.first_wrong = bytes(got)
        elif self.every and len(self.taken) % self.every == 0 and len(self.kept) < self.keep:
            self.kept.append((connection.body, bytes(got[got.find(HEAD) + len(HEAD) :])))
        closes = CLOSE.search(got, 0, got.find(HEAD))
        connection.got, connection.body = bytearray(), -1
        if closes:
            self._end(connection)
            if not self.until_closed and self.sent < self.count:
                fresh = _Connection(self.request.port)
                self.open += 1
                self.selector.register(fresh.socket, selectors.EVENT_READ, fresh)
                self._next(fresh)
        else:
            self._next(connection)

    def _broken(self, connection: _Connection, why: str) -> None:
        self.lost.append(why)
        self._end(connection)

    def _end(self, connection: _Connection) -> None:
        self.open -= 1
        self.selector.unregister(connection.socket)
        connection.socket.close()
