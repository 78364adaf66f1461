"""What every request passes first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from revml.config import Workspace
from revml.service.gate import BODY_LIMIT
from tests.service.conftest import client_of


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:3000", "[::1]:3000", "LOCALHOST"])
def test_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    """The loopback names pass, with any port."""
    assert client.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example", "[::1"])
def test_foreign_names_are_refused(client: TestClient, host: str) -> None:
    """A page elsewhere cannot make a browser here ask under its own name."""
    answer = client.get("/v1/totals", headers={"host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:revml:problem:foreign-host")


@pytest.mark.parametrize(("peer", "status"), [("192.0.2.7", 403), ("::ffff:192.0.2.7", 403), ("2001:db8::1", 403)])
def test_other_machines_are_refused(workspace: Workspace, peer: str, status: int) -> None:
    """Without API keys nobody from outside is answered, whatever host they name."""
    assert client_of(workspace, client=(peer, 50000)).get("/v1/totals").status_code == status


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_answered(workspace: Workspace, peer: str) -> None:
    """Every way to write loopback passes."""
    assert client_of(workspace, client=(peer, 50000)).get("/v1/totals").status_code == 200


def test_a_large_body_is_refused_by_its_announced_length(client: TestClient) -> None:
    """413 before anything is read."""
    answer = client.post("/v1/score", content=b"x" * (BODY_LIMIT + 1), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_large_body_without_a_length_is_refused_too(client: TestClient) -> None:
    """A body in chunks is read up to the limit and no further."""
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"x" * 65536

    answer = client.post("/v1/score", content=chunks(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "/v1/totals", "/v1/nothing", "/static/app.js", "/metrics", "/openapi.json"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    """No answer may load anything from elsewhere, be framed, or be guessed to be something else."""
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["server"] == "revml"


def test_metrics_are_by_route_and_not_by_address(client: TestClient) -> None:
    """A thousand addresses are one time series."""
    for i in range(20):
        client.get(f"/v1/accounts/account-{i}")
        client.get(f"/nothing-{i}")
    text = client.get("/metrics").text
    assert 'route="/v1/accounts/{account_id:path}"' in text
    assert "account-1" not in text
    assert "nothing-1" not in text


def test_liveness_is_told_however_busy(workspace: Workspace) -> None:
    """Beyond the limit of requests at once others get 429 with Retry-After, livez still answers."""
    client = client_of(workspace)
    client.app.app._open = workspace.service.at_once  # type: ignore[attr-defined]
    answer = client.get("/v1/totals")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert client.get("/livez").status_code == 200
