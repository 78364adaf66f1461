"""The service as a child process: started, waited for, ended with its parent's block.

    with start_service("shop/revml.yaml", port=3000) as service:
        print(service.url)

The child is `bentoml serve` in production mode. It listens on this machine only, reports usage to nobody, and keeps
BentoML's own files in the workspace's work folder; its log is `service.log` there.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from revml.config import WORKSPACE_FILE, Workspace, load_workspace
from revml.errors import ConfigError, RevmlError
from revml.service.environment import WORKERS, WORKSPACE

SERVICE = "revml.service.app:RevmlService"
LOG_FILE = "service.log"
START_SECONDS = 90
END_SECONDS = 15
_REACHED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how to reach what listens everywhere
FINISH_SECONDS = 30  # for what is under way when a service that drains accepts nothing more


class ServiceError(RevmlError):
    """The service could not be started."""

    exit_code = 9


@dataclass(frozen=True)
class RunningService:
    """A service that answers. `close()` ends it; so does leaving its `with` block."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    log: Path
    drain_seconds: float = 0.0

    @property
    def url(self) -> str:
        """Where to look."""
        return f"http://{self.host}:{self.port}"

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` says: `ready`, and each check with its problem."""
        return _get(self.host, self.port, "/readyz")[1]

    def wait(self) -> int:
        """Wait until it ends by itself; returns its exit code."""
        return self.process.wait()

    def close(self, *, drain: bool = False) -> None:
        """End it: politely, then by force.

        Args:
            drain: let it answer for as long as its workspace says while `/readyz` says no, for who is behind a
                balancer; else what is under way is finished, and nothing more.
        """
        if self.process.poll() is not None:
            return
        if drain or not hasattr(os, "killpg"):
            self.process.send_signal(signal.SIGTERM)
        else:
            os.killpg(self.process.pid, signal.SIGINT)  # to its workers too, as Ctrl-C does
        try:
            self.process.wait(self.drain_seconds + FINISH_SECONDS if drain else END_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(self.process)

    def __enter__(self) -> RunningService:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def start_service(
    workspace: str | Path = WORKSPACE_FILE,
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    target: str = SERVICE,
    environment: dict[str, str] | None = None,
) -> RunningService:
    """Start the service of a workspace and return once it answers (it may still not be ready: ask `readiness`).

    Args:
        workspace: the workspace file or its folder.
        host, port: where to listen; default: as the workspace says. Without a key only
            addresses of this machine are taken.
        workers: processes that answer; default: as the workspace says, else one a core.
        target: what BentoML serves: the service's import path, or a built bento.
        environment: more variables for the child.

    Raises:
        ConfigError: the workspace is wrong, the host is not of this machine, or the port is taken.
        ServiceError: it ended or did not answer in time; the message shows the end of its log.
    """
    loaded = load_workspace(workspace)
    host, port = _listening(host or loaded.service.host, loaded), port or loaded.service.port
    _free(host, port)
    loaded.work_dir.mkdir(parents=True, exist_ok=True)
    log = loaded.work_dir / LOG_FILE
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", host, "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(workspace, loaded, workers or loaded.service.workers or cores()) | (environment or {}),
            start_new_session=True,  # Ctrl-C reaches the parent, which ends the child in order
        )
    service = RunningService(process, _REACHED.get(host, host), port, log, loaded.service.drain_seconds)
    try:
        _wait(service)
    except BaseException:
        service.close()
        raise
    return service


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _environment(workspace: str | Path, loaded: Workspace, workers: int) -> dict[str, str]:
    given = Path(workspace)
    file = given / WORKSPACE_FILE if given.is_dir() else given
    return os.environ | {
        WORKSPACE: str(file.absolute()),
        WORKERS: str(workers),
        "BENTOML_DO_NOT_TRACK": "True",
        "FORWARDED_ALLOW_IPS": "",  # uvicorn would believe X-Forwarded-For from this machine; the gate decides that
        "BENTOML_HOME": str((loaded.work_dir / "bentoml").absolute()),
        "BENTOML_CONFIG_OPTIONS": f"services.revml.workers={workers}",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),  # workers share the cores
    }


def _listening(host: str, loaded: Workspace) -> str:
    """The address to listen on: of this machine only as long as there is no key."""
    named = "127.0.0.1" if host == "localhost" else host
    try:
        address = ipaddress.ip_address(named)
    except ValueError:
        address = None
    if address is not None and address.is_loopback:
        return named
    if not _has_keys(loaded):
        raise ConfigError(
            "the service listens on this machine only, because it has no API keys",
            where="service: host",
            wanted="127.0.0.1",
            got=host,
            do="make a key with `revml keys create`, or leave host out and open a tunnel:"
            " ssh -L 3000:127.0.0.1:3000 THIS_MACHINE",
        )
    if address is None:
        raise ConfigError(
            "the service listens on an address, not on a name",
            where="service: host",
            wanted="127.0.0.1, or 0.0.0.0 for all addresses of this machine",
            got=host,
            do="write the names by which readers call it under `service: hosts`",
        )
    return named


def _has_keys(loaded: Workspace) -> bool:
    from revml.store import Store
    from revml.store.keys import all_keys

    with Store.open(loaded.store_url) as store:
        return bool(all_keys(store.database))


def _free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be used",
                where="service: port",
                wanted="a port on which nothing listens",
                got=error.strerror or str(error),
                do=f"end what listens there, or choose another: `revml serve --port {port + 1}`",
            ) from None


def _wait(service: RunningService) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if service.process.poll() is not None:
            raise _failed("the service ended while starting", service)
        try:
            status, _ = _get(service.host, service.port, "/livez")
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
            continue
        if status == 200:
            return
        raise _failed(f"the service answers with {status}", service)
    raise _failed(f"the service did not answer in {START_SECONDS} s", service)


def _get(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def _failed(what: str, service: RunningService) -> ServiceError:
    lines = service.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return ServiceError(
        what, where=str(service.log), got="\n          ".join(["", *lines[-8:]]), do="see the whole log"
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)  # the child leads its own group: its workers go with it
    else:
        process.kill()
    process.wait()
