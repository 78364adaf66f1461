"""A peer's service as a child process of the benchmark, on this machine only: started, waited for, ended."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 90
OWN = {
    "PYTHONPATH": str(Path(__file__).parent.parent),
    "BENTOML_DO_NOT_TRACK": "True",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Peer:
    """A running service: where it listens, its first process, and how long it took from its command to being ready."""

    port: int
    pid: int
    seconds: float


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def peer_service(target: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Peer]:
    """Serve `module:Service` of the benchmarks folder with BentoML until the block ends.

    Args:
        folder: for BentoML's own files and the log.
    """
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", "127.0.0.1", "--port", str(port)]
    mine = {"BENTOML_HOME": str(folder / "bentoml"), **environment}
    with served(command, port, "/readyz", folder, mine) as peer:
        yield peer


@contextmanager
def served(
    command: Sequence[str], port: int, ready: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Peer]:
    """Run a command that serves on a port until the block ends; it is ready when `ready` answers 200.

    Args:
        folder: where it runs, and where its log goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log, started = folder / "service.log", time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **OWN, **(environment or {})},
            start_new_session=True,
        )
    try:
        wait_ready(process, port, ready, log)
        yield Peer(port, process.pid, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Return once a service answers 200.

    Raises:
        RuntimeError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"the service did not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
