"""Each request has an id and a line in the log, and neither tells what nobody should read there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from revml.config import Workspace
from revml.service import request_log
from revml.service.request_log import RequestLog
from tests.service.conftest import client_and_serving

NAMES = {"at", "id", "method", "route", "status", "ms", "sent", "pid"}


def lines(file: Path) -> list[dict[str, object]]:
    """The lines of a log."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("given", ["4f0c1f2e-6a", "a" * 128, "order:17.retry_2"])
def test_a_well_formed_id_comes_back(client: TestClient, given: str) -> None:
    """The caller's own."""
    assert client.get("/livez", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["short", "a" * 129, "with space here", '{"inject":1}', "-leading-dash", "ř" * 9])
def test_any_other_is_replaced(client: TestClient, given: str) -> None:
    """Nothing that a log or a header could be confused by is taken over."""
    got = client.get("/livez", headers={"x-request-id": given.encode()}).headers["x-request-id"]
    assert got != given
    assert len(got) == 20


def test_problems_bear_it_too(client: TestClient) -> None:
    """Whoever reports an error can name it."""
    answer = client.get("/v1/nothing", headers={"x-request-id": "reported-1"})
    assert (answer.status_code >= 400, answer.headers["x-request-id"]) == (True, "reported-1")


def test_a_request_is_a_line_without_query_or_body(workspace: Workspace, tmp_path: Path) -> None:
    """Route and figures, not what was asked about whom."""
    client, serving = client_and_serving(workspace)
    file = tmp_path / "log"
    out = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    serving.log = RequestLog("all", out)
    serving.log.start()
    client.get("/v1/accounts/acme?lang=cs", headers={"x-request-id": "request-1"})
    serving.log.close()
    os.close(out)
    [line] = lines(file)
    assert set(line) == NAMES
    assert (line["id"], line["method"], line["status"]) == ("request-1", "GET", 200)
    assert line["route"] == "/v1/accounts/{account_id:path}"
    assert "acme" not in file.read_text(encoding="utf-8")


def _log(which: str, file: Path) -> tuple[RequestLog, int]:
    out = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    log = RequestLog(which, out)  # type: ignore[arg-type]
    log.start()
    return log, out


@pytest.mark.parametrize(("which", "statuses"), [("all", [200, 404]), ("problems", [404]), ("off", [])])
def test_what_is_logged_can_be_chosen(tmp_path: Path, which: str, statuses: list[int]) -> None:
    """All, problems alone, or nothing."""
    log, out = _log(which, tmp_path / "log")
    for status in (200, 404):
        log.add("request-1", "GET", "/v1/totals", status, 0.001, 10, None)
    log.close()
    os.close(out)
    assert [line["status"] for line in lines(tmp_path / "log")] == statuses


def test_what_finds_no_room_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stalled disk costs lines, not requests, and the log says how many."""
    monkeypatch.setattr(request_log, "EVERY", 3600)
    log, out = _log("all", tmp_path / "log")
    for n in range(request_log.QUEUE + 7):
        log.add(f"request-{n}", "GET", "/livez", 200, 0.001, 10, None)
    log.close()
    os.close(out)
    told = lines(tmp_path / "log")
    assert told[0]["dropped"] == 7
    assert (told[1]["id"], told[-1]["id"]) == ("request-7", f"request-{request_log.QUEUE + 6}")
