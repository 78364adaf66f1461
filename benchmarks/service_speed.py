"""How fast rows are scored over HTTP, against peers that serve the same trees: rates, and latency with its spread.

Every service has one worker and one LightGBM thread and stays up for the whole run; they take turns, the load takes the
rest of the same cores. Before the turns every answer is compared with the truth, and in each turn a sample is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from figures import QUICK, Figures
from load import Load, Request, Turns, in_turns, one, send
from peers import mlflow_serve, mlserver_score
from service_case import BODIES, WITHIN, Case, check_answer

SECONDS, TURNS = (0.4, 1) if QUICK else (4.0, 5)
LEVELS = (1, 32) if QUICK else (1, 8, 32)
BLOCKS = (100,) if QUICK else (100, 1000)
MANY = 100_000


@dataclass(frozen=True)
class Ports:
    """Where the services listen (None where a peer could not be had), and by port the first process of each."""

    revml: int
    tutorial: int
    mlflow: int
    mlserver: int | None
    pids: Mapping[int, int]


def reasons(figures: Figures, case: Case, ports: Ports) -> None:
    """One row a request, score and top reasons."""
    ours, tutorial = case.single(ports.revml), _tutorial(case, ports.tutorial)
    mlflow = mlflow_serve.request(ports.mlflow, case.bundle.features, _singles(case))
    _all_equal(case, {"revml": ours, "tutorial": tutorial, "mlflow": mlflow})
    for level in LEVELS:
        turns = _race(
            f"score and reasons, {level} connections",
            case,
            ports,
            {"revml": ours, "tutorial": tutorial, "mlflow": mlflow},
            level,
        )
        name = f"score and reasons, 1 row, {level} connections"
        figures.at_least(f"revml / tutorial, {name}", turns["revml"].rate / turns["tutorial"].rate, 30)
        figures.at_least(f"revml / mlflow serve (score), {name}", turns["revml"].rate / turns["mlflow"].rate, 25)


def blocks(figures: Figures, case: Case, ports: Ports) -> None:
    """Many rows a request, score and top reasons; the best of the forms that revml takes counts."""
    for rows in BLOCKS:
        requests = {"tutorial": _tutorial_block(case, ports.tutorial, rows)}
        requests["mlflow"] = mlflow_serve.request(ports.mlflow, case.bundle.features, [case.numbers(0, rows)])
        for kind in ("rows", "columns", "arrow"):
            mine = case.block(ports.revml, rows, kind)
            if _taken(mine, f"{rows} rows as {kind}"):
                requests[f"revml {kind}"] = mine
        _all_equal(case, requests)
        turns = _race(f"score and reasons, {rows} rows a request", case, ports, requests, 1)
        best = max((turn.rate for name, turn in turns.items() if name.startswith("revml")), default=0.0)
        figures.at_least(f"revml / tutorial, score and reasons, {rows:,} rows", best / turns["tutorial"].rate, 20)


def alone(figures: Figures, case: Case, ports: Ports) -> None:
    """One row a request, the score alone; the tutorial has no such request, so it explains as always."""
    ours = case.single(ports.revml, "?reasons=0")
    if not _taken(ours, "score alone"):
        ours = case.single(ports.revml)
    requests = {"alone": ours, "tutorial": _tutorial(case, ports.tutorial)}
    bare = _tutorial(case, ports.tutorial)
    requests["no shap"] = Request(bare.port, "POST", "/score_alone", bare.bodies)
    if ports.mlserver is not None:
        requests["mlserver"] = mlserver_score.request(ports.mlserver, _singles(case))
    _all_equal(case, requests)
    for level in LEVELS:
        turns = _race(f"score alone, {level} connections", case, ports, requests, level)
        mine, name = turns["alone"].rate, f"score alone, 1 row, {level} connections"
        figures.at_least(f"revml / tutorial, {name}", mine / turns["tutorial"].rate, 40)
        if "mlserver" in turns:
            figures.at_least(f"revml / MLServer, {name}", mine / turns["mlserver"].rate, 1.5)


def many(figures: Figures, case: Case, ports: Ports) -> None:
    """A great many requests, every one answered."""
    count = 2_000 if QUICK else MANY
    made = send(case.single(ports.revml), connections=32, count=count, keep=200, until_closed=True)
    _same(case, "revml", made)
    wrong = len(made.lost) + sum(n for status, n in made.statuses.items() if status != 200)
    print(f"  {count:,} requests at 32 connections in {made.seconds:.0f} s", flush=True)
    figures.at_most(f"requests of {count:,} that failed", wrong + count - len(made.taken) - len(made.lost), 0, "")


def _race(title: str, case: Case, ports: Ports, requests: Mapping[str, Request], connections: int) -> dict[str, Turns]:
    turns = in_turns(
        requests,
        connections=connections,
        seconds=SECONDS,
        turns=TURNS,
        check=lambda name, load: _same(case, name, load),
        pids=ports.pids,
    )
    print(f"  {title}", flush=True)
    for name, mine in turns.items():
        print(f"    {mine.told(name)}", flush=True)
    ours = [name for name in turns if name.startswith(("revml", "alone")) and turns[name].cpu]
    if ours:
        first = min(ours, key=lambda name: turns[name].cpu)
        told = ", ".join(f"{name} {turns[name].cpu / turns[first].cpu:.1f}" for name in turns if name not in ours)
        print(f"    CPU an answer, as multiples of {first}: {told}", flush=True)
    return turns


def _all_equal(case: Case, requests: Mapping[str, Request]) -> None:
    """Every body's answer, compared with the truth."""
    for name, request in requests.items():
        count = len(request.bodies) if not QUICK else min(len(request.bodies), 20)
        _same(case, name, send(request, connections=1, count=count, keep=count))


def _same(case: Case, name: str, load: Load) -> None:
    """What was kept of a service's answers, compared with the truth."""
    for place, body in load.kept:
        if name.startswith(("revml", "alone")):
            check_answer(case, body, place, reasons=name != "alone")
            continue
        if name == "mlflow":
            told = mlflow_serve.probabilities(body)
        elif name == "mlserver":
            told = mlserver_score.probabilities(body)
        else:
            answer = json.loads(body)
            answers = answer if isinstance(answer, list) else [answer]
            told = [float(one["probability"] if isinstance(one, dict) else one) for one in answers]
            _same_reasons(case, answers, place)
        assert np.allclose(told, case.truth[place : place + len(told)], rtol=0, atol=WITHIN), f"{name}: {told[:3]}"


def _same_reasons(case: Case, answers: list[object], start: int) -> None:
    """The tutorial's contributions, which are features', compared with LightGBM's own."""
    for place, told in enumerate(answers, start):
        if isinstance(told, dict):
            for reason in told["reasons"]:
                wanted = case.parts[place, case.bundle.features.index(reason["feature"])]
                assert abs(reason["contribution"] - wanted) < WITHIN, f"row {place}: {reason}, {wanted}"


def _taken(request: Request, what: str) -> bool:
    """Whether revml takes such a request; told where it does not."""
    try:
        one(request)
    except AssertionError as error:
        print(f"  not taken: {what}: {str(error)[-300:]}", flush=True)
        return False
    return True


def _singles(case: Case) -> list[list[list[float | None]]]:
    return [[row] for row in case.numbers(0, BODIES)]


def _tutorial(case: Case, port: int) -> Request:
    bodies = (json.dumps({"account": {"features": row}}).encode() for row in case.rows(0, BODIES))
    return Request(port, "POST", "/score", tuple(bodies))


def _tutorial_block(case: Case, port: int, rows: int) -> Request:
    told = {"accounts": [{"features": row} for row in case.rows(0, rows)]}
    return Request(port, "POST", "/score_many", (json.dumps(told).encode(),))
