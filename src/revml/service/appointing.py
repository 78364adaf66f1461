"""Which model serves, changed over the API: promote what the gate lets through, go back to the one before.

Going back is done at once. A promotion compares two models, in a process apart: an answer after some seconds that it
is under way (202) is followed up at `/v1/models/{question}/change`. Every attempt stands in the audit.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from typing import Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.config import QUESTIONS, QuestionName
from revml.models.registry import go_back
from revml.models.shelf import shelve
from revml.service.answers import JsonAnswer
from revml.service.life.changing import DONE, REFUSED, begin, last_change
from revml.service.observing import REQUEST_ID
from revml.service.parameters import Parameters
from revml.service.problems import Problem
from revml.service.scopes import TARGET
from revml.service.serving import Serving
from revml.service.strict_json import read_json

WAIT_SECONDS = 3.0
LONGEST_REASON = 500
BUSY = 11  # the exit code of a change that found another one under way


async def promote(request: Request) -> Response:
    """Make the challenger, or `bundle`, champion: `{"bundle": "3fa9", "force": true, "reason": "…"}`, all optional."""
    question = _question(request)
    asked = _asked(await request.body(), {"bundle", "force", "reason"})
    state: Serving = request.app.state.serving
    request.scope[TARGET] = f"{question} {asked.get('bundle', 'challenger')}"
    asked_id = REQUEST_ID.get() or f"{time.time_ns():x}"
    child = await run_in_threadpool(begin, state.workspace, question, asked | {"action": "promote", "id": asked_id})
    until = time.monotonic() + WAIT_SECONDS
    while (code := child.poll()) is None and time.monotonic() < until:
        await asyncio.sleep(0.05)
    if code is None:
        _reap_later(child)
        told = {"id": asked_id, "question": question, "action": "promote", "state": "running"}
        return JsonAnswer(told, 202, headers={"Location": f"/v1/models/{question}/change", "Retry-After": "2"})
    if code == BUSY:
        raise Problem(409, "busy", "another change of this champion is under way", do="ask again when it has ended")
    done = await run_in_threadpool(last_change, state.workspace, question)
    if done is None or done.get("id") != asked_id:
        raise Problem(503, "change-failed", "the promotion ended without a word", do="see `revml models` and try again")
    if done["state"] == DONE:
        await run_in_threadpool(state.champions.look)
    return _answer(done)


async def roll_back(request: Request) -> Response:
    """Let the champion before serve again, at once: `{"reason": "…"}`."""
    question = _question(request)
    asked = _asked(await request.body(), {"reason"})
    state: Serving = request.app.state.serving
    request.scope[TARGET] = question

    def back() -> dict[str, Any]:
        target, before = go_back(state.workspace, question, reason=asked.get("reason", ""))
        state.champions.look()
        shelve(state.workspace, target)
        _reap_later(begin(state.workspace, question, {"action": "tell"}))
        return {"question": question, "action": "rollback", "state": DONE, "bundle": target.hash, "before": before}

    return JsonAnswer(await run_in_threadpool(back))


def change(request: Request) -> Response:
    """The last promotion that was asked for."""
    Parameters(request, ())
    question = _question(request)
    told = last_change(request.app.state.serving.workspace, question)
    if told is None:
        raise Problem(404, "not-found", f"no promotion of {question} was asked for here")
    return JsonAnswer(told)


def _answer(told: dict[str, Any]) -> Response:
    if told["state"] == REFUSED:
        raise Problem(
            int(told["status"]),
            "gate-closed" if told["status"] == 409 else "not-promoted",
            told["what"],
            wanted=told["wanted"],
            got=told["got"],
            do=told["do"],
        )
    return JsonAnswer(told)


def _question(request: Request) -> QuestionName:
    question = request.path_params["question"]
    if question not in QUESTIONS:
        raise Problem(404, "not-found", "no such question", wanted=", ".join(QUESTIONS), got=question[:40])
    return cast(QuestionName, question)


def _asked(body: bytes, known: set[str]) -> dict[str, Any]:
    asked = read_json(body) if body else {}
    if not isinstance(asked, dict):
        raise _invalid("body", "an object was expected", "{}")
    for name in asked:
        if name not in known:
            raise _invalid(name[:80], "unknown key", ", ".join(sorted(known)))
    reason, bundle, force = asked.get("reason", ""), asked.get("bundle", "0000"), asked.get("force", False)
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise _invalid("reason", "a sentence was expected", f"up to {LONGEST_REASON} printable characters")
    if not isinstance(bundle, str) or not re.fullmatch("[0-9a-f]{4,64}", bundle):
        raise _invalid("bundle", "the first digits of a bundle's hash were expected", "4 to 64 digits of 0-9 and a-f")
    if not isinstance(force, bool):
        raise _invalid("force", "true or false was expected", "true, false")
    if force and not reason.strip():
        raise _invalid("reason", "a forced promotion needs a reason", "why, for whoever reads the history")
    return asked


def _invalid(field: str, detail: str, wanted: str) -> Problem:
    return Problem(422, "invalid-body", detail, field=field, wanted=wanted)


def _reap_later(child: Any) -> None:
    """Wait for a child in the background, so that none stays behind as a zombie."""
    threading.Thread(target=child.wait, name="revml-reaper", daemon=True).start()


routes = [
    Route("/v1/models/{question}/promote", promote, methods=["POST"]),
    Route("/v1/models/{question}/rollback", roll_back, methods=["POST"]),
    Route("/v1/models/{question}/change", change),
]
