"""The client against a server that behaves badly; the real service is asked in `tests/service/test_api_docs.py`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import revml.client
from revml.client import Client, ClientError, Interrupted, Refused, Unreachable


class Server(ThreadingHTTPServer):
    """Answers as it is told, one entry a request: status, headers, body; None: the line is cut without a word."""

    answers: list[tuple[int, dict[str, str], bytes] | None]
    asked: list[tuple[str, str]]


class Handler(BaseHTTPRequestHandler):
    """Of `Server`."""

    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path))
        told = self.server.answers.pop(0)
        if told is None:
            self.close_connection = True
            return
        status, headers, body = told
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = "Content-Length" in headers

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - names that the library calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine."""
    with Server(("127.0.0.1", 0), Handler) as made:
        made.answers, made.asked = [], []
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def client_of(server: Server, **options: Any) -> Client:
    """A client of the server."""
    return Client(f"http://127.0.0.1:{server.server_address[1]}", **options)


def ok(told: Any = None) -> tuple[int, dict[str, str], bytes]:
    """A good answer."""
    return 200, {}, json.dumps(told or {}).encode()


def test_the_public_names_are_these() -> None:
    """Whoever adds a public name adds it here, knowingly."""
    assert sorted(revml.client.__all__) == ["Client", "ClientError", "Interrupted", "Refused", "Unreachable"]


def test_importing_it_loads_nothing_heavy() -> None:
    """The standard library is enough: no pandas, no arrow, no framework."""
    heavy = "{'pandas', 'pyarrow', 'numpy', 'starlette', 'bentoml', 'sqlalchemy', 'httpx', 'requests'}"
    code = f"import revml.client, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_problem_is_raised_as_it_came(server: Server) -> None:
    """The exception carries status, code, field, wanted, got, and the whole document."""
    problem = {"type": "urn:revml:problem:invalid-parameter", "detail": "unknown value", "field": "by", "got": "x"}
    server.answers = [(422, {}, json.dumps(problem).encode())]
    with client_of(server) as client, pytest.raises(Refused) as told:
        client.read_totals()
    assert (told.value.status, told.value.code, told.value.where, told.value.got) == (
        422,
        "invalid-parameter",
        "by",
        "x",
    )
    assert told.value.problem == problem


def test_an_error_of_something_before_the_service_is_told_too(server: Server) -> None:
    """A proxy's page is no problem document, but its status is."""
    server.answers = [(502, {}, b"<html>Bad Gateway</html>")]
    with client_of(server) as client, pytest.raises(Refused, match="HTTP 502"):
        client.read_totals()


def test_reading_is_asked_again_when_it_is_too_much_or_away(server: Server) -> None:
    """429 and 503 are waited out, as often as `retries` says."""
    server.answers = [(429, {"Retry-After": "0"}, b"{}"), (503, {"Retry-After": "0"}, b"{}"), ok({"accounts": 5})]
    with client_of(server) as client:
        assert client.read_totals() == {"accounts": 5}
    assert len(server.asked) == 3


def test_a_long_wait_is_left_to_the_caller(server: Server) -> None:
    """A `Retry-After` of an hour is raised, not slept."""
    server.answers = [(429, {"Retry-After": "3600"}, b"{}")]
    with client_of(server) as client, pytest.raises(Refused):
        client.read_totals()


def test_a_closed_line_is_opened_again_for_reading(server: Server) -> None:
    """The service may close a connection that was idle; the next reading does not notice."""
    server.answers = [ok(), None, ok({"accounts": 5})]
    with client_of(server, retries=0) as client:
        client.live()
        assert client.read_totals() == {"accounts": 5}


def test_a_change_is_never_sent_twice(server: Server) -> None:
    """Nobody knows whether a change that got no answer was made."""
    server.answers = [None, ok()]
    with client_of(server, retries=5) as client, pytest.raises(Unreachable):
        client.revoke_key("k1")
    assert server.asked == [("DELETE", "/v1/keys/k1")]
    server.answers = [(503, {"Retry-After": "0"}, b"{}"), ok()]
    with client_of(server, retries=5) as client, pytest.raises(Refused):
        client.create_key(["scores:read"])


def test_half_a_file_is_no_file(server: Server, tmp_path: Path) -> None:
    """A stream that breaks off leaves nothing behind, and what was there stays."""
    (tmp_path / "scores.csv").write_text("old", encoding="utf-8")
    server.answers = [(200, {"Content-Length": "1000"}, b"account_id\r\nacme")]
    with client_of(server) as client, pytest.raises(Interrupted):
        client.export_csv("scores", tmp_path / "scores.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["scores.csv"]
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8") == "old"


def test_pages_are_turned(server: Server) -> None:
    """A list is one iterator, whatever its pages."""
    server.answers = [ok({"accounts": [1, 2], "after": "c"}), ok({"accounts": [3], "after": None})]
    with client_of(server) as client:
        assert list(client.list_accounts("churn", limit=2)) == [1, 2, 3]  # type: ignore[comparison-overlap]
    assert server.asked[1] == ("GET", "/v1/accounts?question=churn&limit=2&after=c")


def test_two_runs_are_not_mixed(server: Server) -> None:
    """Ids that need two requests come from one run, or not at all."""
    first, second = ({"run": {"id": i}, "accounts": [], "missing": []} for i in (1, 2))
    server.answers = [ok(first), ok(second)]
    with client_of(server) as client, pytest.raises(ClientError, match="another run was published"):
        client.read_scores(f"a{i}" for i in range(1001))


@pytest.mark.parametrize("account", ["a/b", "a b", "š&?#", "%2F", "..", "a/history"])
def test_any_id_stands_in_an_address(server: Server, account: str) -> None:
    """Nothing of an id is taken for a part of the address."""
    server.answers = [ok()]
    with client_of(server) as client:
        client.read_account(account)
    assert server.asked[0][1].count("/") == 3


def test_nobody_there_is_told() -> None:
    """A port on which nothing listens, and an address that is none."""
    with Client("http://127.0.0.1:9", retries=0) as client, pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
        client.live()
    with pytest.raises(ClientError, match="no address"):
        Client("127.0.0.1:3000")
