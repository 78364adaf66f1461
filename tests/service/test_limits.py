"""Limits over real HTTP: slow clients, long bodies, and other machines once there is a key."""

from __future__ import annotations

import http.client
import select
import shutil
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from revml.config import Workspace
from revml.service.process import RunningService, start_service
from revml.store import Store
from revml.store.keys import create_key
from tests.service.conftest import free_port

pytestmark = pytest.mark.slow
MIB = 1024 * 1024
SECONDS = 2


@pytest.fixture(scope="module")
def service(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The real service with little patience, on all addresses, with a key."""
    root = Path(shutil.copytree(workspace.root, tmp_path_factory.mktemp("limits") / "w"))
    file = root / "revml.yaml"
    limits = f"service: {{body_seconds: {SECONDS}, hosts: [scores.example.org], "
    file.write_text(file.read_text(encoding="utf-8").replace("service: {", limits), encoding="utf-8")
    with Store.open(f"sqlite:///{root / '.revml' / 'scores.db'}") as store:
        key = create_key(store.database, ["scores:read"], expires_in=timedelta(days=1))[1]
    (root / "key").write_text(key, encoding="utf-8")
    with start_service(root, host="0.0.0.0", port=free_port(), workers=1) as running:  # noqa: S104 - once a key exists
        yield running


def head(service: RunningService, *lines: str) -> bytes:
    """The head of a request to score, with its key."""
    key = (service.log.parent.parent / "key").read_text(encoding="utf-8")
    first = ("POST /v1/score HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}")
    return "\r\n".join((*first, "Content-Type: application/json", *lines, "", "")).encode()


def answered(service: RunningService, sent: bytes, drip: bytes = b"") -> tuple[bytes, float]:
    """The first bytes of the answer to what is sent, with a byte of `drip` again and again, and the seconds it took."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", service.port), timeout=0.2) as connection:
        connection.sendall(sent)
        while time.monotonic() - started < 20:
            try:
                return connection.recv(64), time.monotonic() - started
            except TimeoutError:
                connection.sendall(drip)
    pytest.fail("no answer")


def test_other_names_need_to_be_listed(service: RunningService) -> None:
    """The workspace's names pass to the key, others are turned away."""
    found = []
    for name in ("scores.example.org", "evil.example"):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        connection.request("GET", "/v1/totals", headers={"Host": name})
        found.append(connection.getresponse().status)
    assert found == [401, 421]


def test_slow_headers_are_ended(service: RunningService) -> None:
    """A client that sends its headers byte by byte gets 408 when its time is over."""
    answer, seconds = answered(service, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX", b"x")
    assert answer.startswith(b"HTTP/1.1 408")
    assert SECONDS <= seconds < SECONDS + 5


def test_a_slow_body_is_ended(service: RunningService) -> None:
    """So does one that sends its body byte by byte."""
    answer, seconds = answered(service, head(service, "Content-Length: 1000") + b"{", b" ")
    assert answer.startswith(b"HTTP/1.1 408")
    assert SECONDS <= seconds < SECONDS + 5


def test_a_slow_large_body_is_ended_in_our_words(service: RunningService) -> None:
    """A large one has longer, but not so long that the framework would answer in its own words."""
    sent = head(service, "Content-Length: 1000").replace(b"application/json", b"application/vnd.apache.parquet")
    answer, seconds = answered(service, sent + b"P", b"P")
    assert answer.startswith(b"HTTP/1.1 408")
    assert seconds > 2 * SECONDS


def test_endless_headers_are_ended(service: RunningService) -> None:
    """Headers without end are not kept in memory."""
    lines = b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(100))
    assert answered(service, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + lines)[0].startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.apache.arrow.stream"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_very_long_body_takes_no_memory(service: RunningService, kind: str, chunked: bool) -> None:
    """400 MiB, announced or not: 413, it is not read to its end, and the service grows by no more than 64 MiB."""
    family = [service.process.pid, *(p.pid for p in psutil.Process(service.process.pid).children(recursive=True))]
    before = memory = sum(psutil.Process(pid).memory_info().rss for pid in family)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {400 * MIB}"
    piece = b"x" * MIB
    sent = 0
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(head(service, length).replace(b"application/json", kind.encode()))
        while sent < 400 * MIB and not select.select([connection], [], [], 0)[0]:
            connection.sendall(b"%x\r\n%s\r\n" % (MIB, piece) if chunked else piece)
            sent += MIB
            memory = max(memory, sum(psutil.Process(pid).memory_info().rss for pid in family))
        answer = connection.recv(64)
    assert (answer[:12], sent < 400 * MIB) == (b"HTTP/1.1 413", True)
    assert memory - before <= 64 * MIB
