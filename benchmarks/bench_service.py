"""What the service answers a second over HTTP, on this machine only, with a bounded number of requests and no error.

    score     one row with its reasons, at 1 and 8 connections, against `peers/tutorial_service.py` (BentoML with
              pydantic, pandas and shap) on the same LightGBM model; probabilities equal
    pages     a page of 50 accounts, and one account, against `/livez` of the same service, which is HTTP alone

The services take turns, one worker and one LightGBM thread each; the load comes from this process on the same cores.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from companies import room, staged_company
from figures import QUICK, Figures
from fixed_bundle import TREES, write_fixed_bundle
from load import Load, Request, one, send
from peers.serving import free_port, peer_service

from revml.datasets import build_dataset, scoring_frame
from revml.models.bundle import Bundle
from revml.scoring import publish_run, score_workspace
from revml.service.process import start_service

ACCOUNTS, EVENTS = (300, 100_000) if QUICK else (2_000, 1_000_000)
SCORES, PAGES = (40, 150) if QUICK else (120, 1_000)
TURNS = 1 if QUICK else 3
ROWS = 40


def main() -> None:
    """Print the figures."""
    figures = Figures()
    with room() as folder:
        workspace, facts = staged_company(folder / "revml", kind="saas", accounts=ACCOUNTS, events=EVENTS)
        bundle = write_fixed_bundle(workspace, build_dataset(workspace, facts, "churn"))
        publish_run(workspace, score_workspace(workspace, facts))
        rows = as_json(bundle, scoring_frame(facts, workspace, "churn").iloc[:ROWS])
        model = {"TUTORIAL_BUNDLE": str(bundle.folder)}
        with (
            start_service(folder / "revml", port=free_port()) as service,
            peer_service("peers.tutorial_service:Tutorial", folder / "tutorial", model) as tutorial,
        ):
            print(f"  {TREES} trees, {len(bundle.features)} features, {ACCOUNTS:,} accounts", flush=True)
            _scores(figures, service.port, tutorial, rows)
            _pages(figures, service.port)
    figures.end()


def as_json(bundle: Bundle, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as a caller sends them: every feature by name, null where unknown."""
    part = frame[list(bundle.features)].astype(object)
    return part.where(part.notna(), None).to_dict("records")


def _scores(figures: Figures, ours: int, theirs: int, rows: list[dict[str, Any]]) -> None:
    revml = Request(
        ours, "POST", "/v1/score", tuple(json.dumps({"question": "churn", "rows": [row]}).encode() for row in rows)
    )
    tutorial = Request(
        theirs, "POST", "/score", tuple(json.dumps({"account": {"features": row}}).encode() for row in rows)
    )
    for body, other in zip(revml.bodies, tutorial.bodies, strict=True):
        answer = json.loads(one(Request(ours, "POST", "/v1/score", (body,))))["rows"][0]
        wanted = json.loads(one(Request(theirs, "POST", "/score", (other,))))
        assert abs(answer["probability"] - wanted["probability"]) < 1e-12
        assert answer["reasons"]
        assert wanted["reasons"]
    for connections in (1, 8):
        count = SCORES * (1 if connections == 1 else 2)
        fast, slow = _in_turns(revml, tutorial, connections=connections, count=count)
        print(f"  {connections} connections: {_told('revml', fast)}; {_told('tutorial', slow)}", flush=True)
        name = f"revml / tutorial, requests/s: score and reasons, {connections} connections"
        figures.at_least(name, fast.rate / slow.rate, 0.05)


def _pages(figures: Figures, port: int) -> None:
    floor = Request(port, "GET", "/livez")
    page = Request(port, "GET", "/v1/accounts?question=churn&order=probability&limit=50")
    found = json.loads(one(page))["accounts"]
    assert len(found) == 50
    account = Request(port, "GET", f"/v1/accounts/{found[0]['account']['account_id']}")
    for what, request, limit in (("a page of 50 accounts", page, 40), ("one account", account, 40)):
        for connections in (1, 8):
            slow, fast = _in_turns(request, floor, connections=connections, count=PAGES)
            print(f"  {connections} connections: {_told(what, slow)}; {_told('/livez', fast)}", flush=True)
            figures.at_most(f"/livez / {what}, requests/s, {connections} connections", fast.rate / slow.rate, limit)


def _in_turns(first: Request, second: Request, *, connections: int, count: int) -> tuple[Load, Load]:
    """The median load of each, the two taking turns; the first turn only warms up."""
    loads: tuple[list[Load], list[Load]] = ([], [])
    for turn in range(TURNS + 1):
        for request, mine in zip((first, second), loads, strict=True):
            made = send(request, connections=connections, count=count if turn else max(count // 10, connections))
            if turn:
                mine.append(made)
    median = [sorted(mine, key=lambda load: load.rate)[len(mine) // 2] for mine in loads]
    return median[0], median[1]


def _told(name: str, load: Load) -> str:
    return f"{name} {load.rate:,.0f}/s (p50 {load.milliseconds(0.5):.1f} ms, p95 {load.milliseconds(0.95):.1f} ms)"


if __name__ == "__main__":
    main()
