"""The real BentoML service over HTTP: started once, asked what matters."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from revml.config import Workspace
from revml.errors import ConfigError
from revml.service.process import RunningService, ServiceError, start_service
from tests.service.conftest import fill, free_port, make_workspace

ROW = {"active_users_28d": 0, "seats": 5, "industry": "retail"}


def ask(service: RunningService, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection(service.host, service.port, timeout=30)
    content = body if body is None or isinstance(body, bytes) else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    kind = answer.headers.get_content_type()
    return answer.status, answer.headers, json.loads(text) if kind.endswith("json") else text.decode()


def test_it_is_ready_with_run_and_model(live: RunningService) -> None:
    """`/readyz` tells the run and the champion, not merely that the process is there."""
    status, _, told = ask(live, "GET", "/readyz")
    assert (status, told["ready"]) == (200, True)
    assert told["checks"]["store"]["run"] == 2
    assert told["checks"]["models"]["serving"] == {"churn": "3"}


def test_the_root_is_our_page(live: RunningService) -> None:
    """BentoML's own pages and documents are not reachable."""
    status, headers, text = ask(live, "GET", "/")
    assert status == 200
    assert "/static/app.js" in text
    assert "default-src 'none'" in headers["content-security-policy"]
    for path in ("/docs.json", "/schema.json", "/static_content/index.css", "/healthz", "/docs"):
        assert ask(live, "GET", path)[0] == 404, path


def test_lists_accounts_and_export(live: RunningService) -> None:
    """The read API over HTTP."""
    assert ask(live, "GET", "/v1/accounts?question=churn&limit=1")[2]["accounts"][0]["account"]["name"] == "Acme"
    assert ask(live, "GET", "/v1/accounts/skoda")[2]["account"]["name"] == "Škoda Servis"
    status, headers, text = ask(live, "GET", "/v1/export.csv?question=churn")
    assert (status, headers.get_content_type(), text.count("\r\n")) == (200, "text/csv", 6)


def test_rows_are_scored(live: RunningService) -> None:
    """A row gets its probability and its reasons."""
    status, _, told = ask(live, "POST", "/v1/score", {"question": "churn", "rows": [ROW]})
    assert (status, told["rows"][0]["band"]) == (200, "high")
    assert told["rows"][0]["probability"] == pytest.approx(0.7310585786300049)
    assert told["rows"][0]["reasons"]


def test_errors_are_problems_also_here(live: RunningService) -> None:
    """The framework around does not change the shape of an error."""
    for status, answer in (
        (404, ask(live, "GET", "/v1/accounts/nobody")),
        (405, ask(live, "DELETE", "/v1/totals")),
        (413, ask(live, "POST", "/v1/score", b"x" * (1024 * 1024 + 1))),
        (415, ask(live, "POST", "/v1/score", {"question": "churn"}, **{"Content-Type": "text/plain"})),
        (421, ask(live, "GET", "/v1/totals", Host="evil.example")),
        (422, ask(live, "POST", "/v1/score", {"question": "churn", "rows": [{}]})),
    ):
        assert answer[0] == status
        assert answer[1].get_content_type() == "application/problem+json"
        assert answer[2]["status"] == status


def test_a_pickle_is_not_read(live: RunningService) -> None:
    """The framework's own media type is refused like any other."""
    kind = {"Content-Type": "application/vnd.bentoml+pickle"}
    assert ask(live, "POST", "/v1/score", b"\x80\x04N.", **kind)[0] == 415


def test_a_taken_port_is_told(live: RunningService, workspace: Workspace) -> None:
    """Starting a second one on the same port names the port and the way out."""
    with pytest.raises(ConfigError, match=f"port {live.port} cannot be used") as told:
        start_service(workspace.root, port=live.port)
    assert f"--port {live.port + 1}" in told.value.do


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])  # noqa: S104 - must be refused
def test_only_this_machine_is_listened_on(workspace: Workspace, host: str) -> None:
    """Another address is refused before anything starts."""
    with pytest.raises(ConfigError, match="this machine only"):
        start_service(workspace.root, host=host, port=free_port())


@pytest.mark.slow
def test_it_reports_to_nobody(workspace: Workspace, tmp_path: Path) -> None:
    """Served without BENTOML_DO_NOT_TRACK it still opens no connection outwards; another BentoML command does."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.settimeout(0.2)
        proxy = f"http://127.0.0.1:{outside.getsockname()[1]}"
        tracked = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": "", "BENTOML_DO_NOT_TRACK": "False"}
        with start_service(workspace.root, port=free_port(), environment=tracked), pytest.raises(TimeoutError):
            outside.accept()
        with pytest.raises(TimeoutError):
            outside.accept()
        environment = os.environ | tracked | {"BENTOML_HOME": str(tmp_path)}
        subprocess.run([sys.executable, "-m", "bentoml", "list"], env=environment, capture_output=True, check=False)
        outside.accept()[0].close()


@pytest.mark.slow
def test_a_service_that_cannot_start_shows_why(workspace: Workspace) -> None:
    """What BentoML said last is part of the error."""
    with pytest.raises(ServiceError, match="ended while starting") as told:
        start_service(workspace.root, port=free_port(), target="revml.service.app:NoSuchService")
    assert "NoSuchService" in told.value.got


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_revml_serve_runs_until_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    """It says where to look, answers, warns of what is missing, and leaves no process behind."""
    workspace = make_workspace(tmp_path)
    port = free_port()
    command = [sys.executable, "-c", "from revml.cli import main; main()", "serve", "-w", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background is born deaf to it
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == f"revml is at http://127.0.0.1:{port}"
    service = RunningService(process, "127.0.0.1", port, tmp_path)  # type: ignore[arg-type]
    assert ask(service, "GET", "/readyz")[0] == 503
    fill(workspace)
    assert ask(service, "GET", "/readyz")[2]["ready"] is True
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "nothing was scored yet; run `revml score`" in errors
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            ask(service, "GET", "/livez")
        except OSError:
            return
        time.sleep(0.1)
    raise AssertionError("the service is still answering")
