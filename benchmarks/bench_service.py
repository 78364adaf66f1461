"""What the service answers a second over HTTP, and how it lives: on this machine only, bounded counts, values compared.

    reasons   one row with its reasons at 1, 8 and 32 connections, against `peers/tutorial_service.py` (BentoML with
              pydantic, pandas and shap) and `mlflow models serve` (score only), same trees
    blocks    100 and 1,000 rows a request, against the tutorial
    alone     one row, score only, against the tutorial and MLServer
    many      100,000 requests, none of them failed
    swaps     10,000 requests while models are promoted and rolled back, none of them failed
    drain     SIGTERM under load: every request that was sent is answered
    large     a body of 400 MiB: 413, and what memory grows by
    start     from the command to ready, against `mlflow models serve`
    files     Parquet to Parquet with reasons, against pandas and shap
    million   a million rows scored and explained: seconds, peak memory
    pages     a page of 50 accounts, and one account, against `/livez` of the same service, which is HTTP alone

`python benchmarks/bench_service.py alone pages` runs those parts. The quick version leaves out `start`, `files` and
`million` unless they are named.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import service_files
import service_life
import service_speed
from companies import room
from figures import QUICK, Figures
from load import Request, in_turns, one
from peers import mlflow_serve, mlserver_score
from peers.serving import free_port, peer_service, wait_ready
from service_case import Case, make_case
from service_speed import Ports

from revml.service.process import RunningService, start_service

ACCOUNTS, EVENTS, ROWS = (300, 50_000, 1_000) if QUICK else (2_000, 1_000_000, 1_000)
SPEED = {
    "reasons": service_speed.reasons,
    "blocks": service_speed.blocks,
    "alone": service_speed.alone,
    "many": service_speed.many,
}
LIFE = {"swaps": service_life.swaps, "large": service_life.large}
STARTED = {"drain": service_life.drain, "start": service_life.start}
FILES = {"files": service_files.files, "million": service_files.million}
PARTS = (*SPEED, "pages", *LIFE, *STARTED, *FILES)
LONG = ("start", *FILES)  # the quick version leaves them out unless they are named


def main(wanted: list[str]) -> None:
    """Print the figures of some parts, of all by default."""
    parts = wanted or [name for name in PARTS if not QUICK or name not in LONG]
    assert set(parts) <= set(PARTS), f"parts are {', '.join(PARTS)}"
    figures = Figures()
    with room() as folder:
        if set(parts) - set(FILES):
            case = make_case(folder / "revml", accounts=ACCOUNTS, events=EVENTS, rows=ROWS)
            _served(figures, case, folder, parts)
            for name in (name for name in STARTED if name in parts):
                STARTED[name](figures, case, folder)
        for name in (name for name in FILES if name in parts):
            FILES[name](figures, folder / "ready")
    figures.end()


def _served(figures: Figures, case: Case, folder: Path, parts: list[str]) -> None:
    """The parts that ask one running service."""
    speed, life = [name for name in SPEED if name in parts], [name for name in LIFE if name in parts]
    if not speed and not life and "pages" not in parts:
        return
    with ExitStack() as stack:
        service = stack.enter_context(start_service(folder / "revml", port=free_port(), workers=1))
        wait_ready(service.process, service.port, "/readyz", service.log)
        if speed:
            ports = _peers(stack, case, folder, service)
            for name in speed:
                SPEED[name](figures, case, ports)
        if "pages" in parts:
            _pages(figures, service.port)
        for name in life:
            LIFE[name](figures, case, service)


def _peers(stack: ExitStack, case: Case, folder: Path, service: RunningService) -> Ports:
    """Start them; each has one worker."""
    model = case.bundle.folder / "model.txt"
    mlflow_serve.save_model(model, case.bundle.features, folder / "mlflow-model")
    environment = {"TUTORIAL_BUNDLE": str(case.bundle.folder)}
    interpreter = mlserver_score.python(install=not QUICK)
    tutorial = stack.enter_context(peer_service("peers.tutorial_service:Tutorial", folder / "tutorial", environment))
    mlflow = stack.enter_context(mlflow_serve.mlflow_serve(folder / "mlflow-model", folder / "mlflow"))
    pids = {service.port: service.process.pid, tutorial.port: tutorial.pid, mlflow.port: mlflow.pid}
    if interpreter is None:
        return Ports(service.port, tutorial.port, mlflow.port, None, pids)
    print(f"  MLServer {mlserver_score.version(interpreter)}", flush=True)
    other = stack.enter_context(mlserver_score.mlserver(interpreter, model, folder / "mlserver"))
    return Ports(service.port, tutorial.port, mlflow.port, other.port, {**pids, other.port: other.pid})


def _pages(figures: Figures, port: int) -> None:
    floor = Request(port, "GET", "/livez")
    page = Request(port, "GET", "/v1/accounts?question=churn&order=probability&limit=50")
    found = json.loads(one(page))["accounts"]
    assert len(found) == 50
    account = Request(port, "GET", f"/v1/accounts/{found[0]['account']['account_id']}")
    for what, request in (("a page of 50 accounts", page), ("one account", account)):
        for level in (1, 8):
            turns = in_turns(
                {what: request, "/livez": floor},
                connections=level,
                seconds=service_speed.SECONDS,
                turns=service_speed.TURNS,
                check=lambda name, load: None,
            )
            for name, mine in turns.items():
                print(f"    {mine.told(name)}", flush=True)
            ratio = turns["/livez"].rate / turns[what].rate
            figures.at_most(f"/livez / {what}, requests/s, {level} connections", ratio, 40)


if __name__ == "__main__":
    main(sys.argv[1:])
