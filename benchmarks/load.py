"""A load generator of bounded counts: some connections that stay open, each sending one request after another.

It runs in this process and costs the same whatever it asks, so it takes more from a fast service than from a slow one.
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Request:
    """What is asked of a service on this machine."""

    port: int
    method: str
    path: str
    bodies: tuple[bytes, ...] = (b"",)


@dataclass(frozen=True)
class Load:
    """What came of it: requests a second, and the seconds each took."""

    rate: float
    taken: np.ndarray

    def milliseconds(self, share: float) -> float:
        """A quantile of the latency."""
        return float(1000 * np.quantile(self.taken, share))


def send(request: Request, *, connections: int, count: int) -> Load:
    """Send `count` requests over some connections; any answer but 200 is an error."""
    taken: list[list[float]] = [[] for _ in range(connections)]
    failed: list[str] = []
    share = count // connections
    ready = threading.Barrier(connections + 1)

    def ask(mine: list[float]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", request.port, timeout=60)
        connection.connect()
        ready.wait()
        try:
            for i in range(share):
                started = time.perf_counter()
                body = request.bodies[i % len(request.bodies)]
                connection.request(request.method, request.path, body or None, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
                mine.append(time.perf_counter() - started)
                if answer.status != 200:
                    failed.append(f"{answer.status} {content[:200]!r}")
        except OSError as error:
            failed.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    whole = time.perf_counter() - started
    assert not failed, f"{len(failed)} of {count} requests to {request.path} failed, the first: {failed[0]}"
    return Load(share * connections / whole, np.concatenate([np.array(mine) for mine in taken]))


def one(request: Request) -> bytes:
    """The body of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", request.port, timeout=60)
    try:
        connection.request(
            request.method, request.path, request.bodies[0] or None, {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, f"{request.path}: {answer.status} {content[:300]!r}"
        return content
    finally:
        connection.close()
