"""Models are swapped and workers end while callers ask without a pause: nobody notices."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from revml.config import Workspace
from revml.models.registry import appoint, champion, go_back
from revml.service.process import RunningService, start_service
from tests.service.conftest import RULE, fill, free_port, make_workspace, write_bundle_of
from tests.service.life.load import Load
from tests.service.test_live import ask

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One with a champion of churn, version 3."""
    made = make_workspace(tmp_path)
    fill(made)
    return made


def _served(service: RunningService, version: str, *, workers: int, seconds: float = 120) -> None:
    """Wait until the workers all serve a version."""
    until = time.monotonic() + seconds
    told: dict[str, Any] = {}
    while time.monotonic() < until:
        told = service.readiness()
        models, others = told["checks"]["models"], told["checks"]["workers"]
        if models["serving"] == {"churn": version} and others["living"] == workers and others["ok"]:
            return
        time.sleep(0.1)
    raise AssertionError(f"version {version} does not serve: {told}")


def test_no_request_fails_while_models_change(workspace: Workspace) -> None:
    """Two thousand requests through a promotion, a broken model, and a roll-back: all are answered with 200."""
    folder = workspace.bundles_dir / "churn"
    first = champion(workspace, "churn")
    with start_service(workspace.root, port=free_port(), workers=2) as service:
        _served(service, "3", workers=2)
        load = Load(service.host, service.port).start(8)
        load.until(300)
        other = write_bundle_of(folder, replace(RULE, levels=(2.0, -1.0, -3.0)))
        appoint(folder, other.folder.name, "4", event="promote")
        _served(service, "4", workers=2)
        broken = write_bundle_of(folder, replace(RULE, levels=(0.0, -1.0, -3.0)))
        (broken.folder / "model.json").write_text("{}", encoding="utf-8")
        appoint(folder, broken.folder.name, "5", event="promote")
        load.until(load.answered + 300)
        go_back(workspace, "churn")
        go_back(workspace, "churn")
        _served(service, first.hash[:12], workers=2)
        load.until(max(2000, load.answered + 100))
        load.stop()
    assert load.answered >= 2000
    assert (dict(load.statuses), load.broken) == ({200: load.answered}, [])
    assert load.versions[:2] == ["3", "4"]
    assert first.hash[:12] in load.versions
    assert "5" not in load.versions


def _draining(service: RunningService, seconds: float = 60) -> tuple[Any, Any]:
    """What `/readyz` says, and its headers, as soon as it is not 200: a busy machine delivers a signal late."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status, headers, told = ask(service, "GET", "/readyz")
        if status != 200:
            assert status == 503
            return told, headers
        time.sleep(0.02)
    raise AssertionError("the service does not drain")


@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept connections", "a connection a request"])
def test_no_connection_is_reset_while_a_service_drains(workspace: Workspace, keep_alive: bool) -> None:
    """SIGTERM under load: readyz says 503 while requests are still answered, and every answer that began ends."""
    file = workspace.root / "revml.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("drain_seconds: 1", "drain_seconds: 4"), encoding="utf-8")
    with start_service(workspace.root, port=free_port(), workers=2) as service:
        _served(service, "3", workers=2)
        load = Load(service.host, service.port, keep_alive=keep_alive).start(8)
        load.until(300)
        service.process.send_signal(signal.SIGTERM)
        told, headers = _draining(service)
        before = load.answered
        assert (told["ready"], told["degraded"][0]) == (False, "draining")
        assert headers["connection"] == "close"
        service.process.wait(120)
        load.until_ended()
    assert load.answered > before
    assert (dict(load.statuses), load.broken) == ({200: load.answered}, [])
    assert load.refused == 8


def test_a_request_under_way_is_answered_to_its_end(workspace: Workspace) -> None:
    """A body that comes in slowly, begun before SIGTERM and ended after the drain, is answered."""
    import socket

    from tests.service.life.load import BODY

    with start_service(workspace.root, port=free_port(), workers=1) as service:
        with socket.create_connection((service.host, service.port), timeout=30) as line:
            head = f"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODY)}\r\n"
            line.sendall(f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n".encode())
            assert line.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the worker waits for the body
            line.sendall(BODY[:20])
            service.process.send_signal(signal.SIGTERM)
            time.sleep(2.0)  # beyond the drain of one second
            line.sendall(BODY[20:])
            answer = b""
            while piece := line.recv(65536):
                answer += piece
        assert service.process.wait(60) is not None
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_one_worker_that_ends_does_not_close_the_service(workspace: Workspace) -> None:
    """SIGTERM to one of two workers: the other goes on, and a new one takes its place."""
    with start_service(workspace.root, port=free_port(), workers=2) as service:
        _served(service, "3", workers=2)
        load = Load(service.host, service.port).start(4)
        load.until(100)
        one = _worker(service)
        os.kill(one, signal.SIGTERM)
        gone = threading.Event()
        until = time.monotonic() + 120
        while time.monotonic() < until and not gone.wait(0.1):
            if not Path(f"/proc/{one}").exists():
                gone.set()
        load.until(load.answered + 200)
        load.stop()
        assert gone.is_set()
    assert (dict(load.statuses), load.broken, load.refused) == ({200: load.answered}, [], 0)


def _worker(service: RunningService) -> int:
    """A worker of the service."""
    import psutil

    children = psutil.Process(service.process.pid).children()
    return int(next(child.pid for child in children if "_bentoml_impl.worker.service" in " ".join(child.cmdline())))
