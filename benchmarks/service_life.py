"""How the service lives under load: models swapped, an end asked for, a body that is too large, a start.

The load is what one client sends over connections that stay open, one request after another; nothing is sent again.
"""

from __future__ import annotations

import http.client
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import QUICK, Figures
from load import Load, one, send
from peers import mlflow_serve
from peers.serving import free_port, wait_ready
from processes import family, memory_mib
from service_case import WITHIN, Case, appoint_bundle, told_probability

from revml.promoting import roll_back
from revml.service.process import RunningService, start_service

REQUESTS = 600 if QUICK else 10_000
SWAPS, SEEN_SECONDS = (2, 60) if QUICK else (10, 60)
CONNECTIONS = 8
MIB = 1024**2
BODY = 400 * MIB
STARTS = 1 if QUICK else 3


def swaps(figures: Figures, case: Case, service: RunningService) -> None:
    """Promote and roll back while rows are scored: no request fails, each is answered by one of the two models."""
    changing = _Changing(case, service.port)
    made: list[Load] = []
    changing.start()
    while changing.is_alive() or sum(len(load.taken) for load in made) < REQUESTS:
        request = case.single(service.port)
        made.append(send(request, connections=CONNECTIONS, count=REQUESTS // 10, keep=50, until_closed=True))
    changing.join()
    appoint_bundle(case.bundle)
    by = _answered_by(case, made)
    answered = sum(len(load.taken) for load in made)
    failed = sum(_failed(load, REQUESTS // 10) for load in made)
    seen = ", ".join(f"{took:.1f}" for took in changing.taken)
    print(f"  promoted and rolled back in turn, seen after {seen} s; answers looked at: {by}", flush=True)
    assert changing.error is None, changing.error
    assert len(by) == 2, f"the models were not swapped: {by}"
    name = f"requests of {answered:,} failed in {len(changing.taken)} swaps and rollbacks"
    figures.at_most(name, failed, 0, "")


class _Changing(threading.Thread):
    """Promotes one model and rolls back to the other, each time waiting until answers come from it."""

    def __init__(self, case: Case, port: int) -> None:
        super().__init__(daemon=True)
        self.taken: list[float] = []
        self.error: BaseException | None = None
        self._case, self._request = case, case.single(port)

    def run(self) -> None:
        try:
            for change in range(SWAPS):
                time.sleep(0.5)
                begun = time.perf_counter()
                wanted = (self._case.other, self._case.bundle)[change % 2]
                if change % 2 == 0:
                    appoint_bundle(wanted)
                else:
                    roll_back(self._case.workspace, "churn")
                while told_probability(one(self._request))[0] != wanted.version:
                    assert time.perf_counter() < begun + SEEN_SECONDS, f"{wanted.version} does not serve"
                    time.sleep(0.05)
                self.taken.append(time.perf_counter() - begun)
        except BaseException as error:
            self.error = error


def drain(figures: Figures, case: Case, folder: Path) -> None:
    """SIGTERM under load: what was sent before a connection was closed is answered."""
    lost, answered = [], 0
    for _ in range(1 if QUICK else 5):
        with _ready(case) as service:
            ending = threading.Timer(1.0, service.process.terminate)
            ending.start()
            made = send(case.single(service.port), connections=32, count=100_000, seconds=20, until_closed=True)
            ending.join()
            service.wait()
            lost += made.lost
            answered += len(made.taken)
            print(f"  ended after {made.seconds:.1f} s, answers {made.statuses}, lost {made.lost[:3]}", flush=True)
    figures.at_most(f"requests reset in a drain under load ({answered:,} answered)", len(lost), 0, "")


def large(figures: Figures, case: Case, service: RunningService) -> None:
    """A body of 400 MiB, with its length told and without: 413, and what the service's processes grow by at most."""
    send(case.single(service.port), connections=1, count=20)
    for told in (True, False):
        pids = family(service.process.pid)
        before = {pid: memory_mib(pid, "VmRSS") for pid in pids}
        for pid in pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
        status = _too_large(service.port, told=told)
        grown = max(memory_mib(pid, "VmHWM") - before[pid] for pid in pids)
        how = "its length told" if told else "in chunks"
        assert status == 413, f"a body of 400 MiB, {how}: {status}"
        figures.at_most(f"a body of 400 MiB, {how}: 413, memory grows by", grown, 64, "MiB")
    send(case.single(service.port), connections=1, count=20)


def start(figures: Figures, case: Case, folder: Path) -> None:
    """From the command to ready, against `mlflow models serve` with the same trees, in turns."""
    model = folder / "mlflow-start"
    mlflow_serve.save_model(case.bundle.folder / "model.txt", case.bundle.features, model)
    ours, theirs = [], []
    for turn in range(STARTS):
        begun = time.perf_counter()
        with _ready(case):
            ours.append(time.perf_counter() - begun)
        with mlflow_serve.mlflow_serve(model, folder / f"mlflow-start-{turn}") as peer:
            theirs.append(peer.seconds)
    ready, other = statistics.median(ours), statistics.median(theirs)
    print(f"  ready after {ready:.1f} s, mlflow models serve after {other:.1f} s", flush=True)
    figures.at_least("mlflow serve / revml, time to ready", other / ready, 1)


@contextmanager
def _ready(case: Case) -> Iterator[RunningService]:
    with start_service(case.workspace.root, port=free_port()) as service:
        wait_ready(service.process, service.port, "/readyz", service.log)
        yield service


def _answered_by(case: Case, made: list[Load]) -> dict[str, int]:
    """How many of the kept answers each model gave; one that neither would give is an error."""
    truths = {one.version: one.predict(case.frame) for one in (case.bundle, case.other)}
    by: dict[str, int] = {}
    for place, body in (kept for load in made for kept in load.kept):
        version, probability = told_probability(body)
        assert abs(probability - truths[version][place]) < WITHIN, f"row {place}: {version} says {probability}"
        by[version] = by.get(version, 0) + 1
    return by


def _failed(made: Load, count: int) -> int:
    wrong = sum(n for status, n in made.statuses.items() if status != 200)
    return wrong + count - len(made.taken)


def _too_large(port: int, *, told: bool) -> int:
    """Send 400 MiB as far as they are taken; the status that comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        length = f"Content-Length: {BODY}" if told else "Transfer-Encoding: chunked"
        head = (
            f"POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        )
        piece = b" " * MIB
        try:
            connection.sendall(head.encode())
            for _ in range(BODY // MIB):
                connection.sendall(piece if told else f"{MIB:x}\r\n".encode() + piece + b"\r\n")
            if not told:
                connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # the service has answered and reads no further
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status
