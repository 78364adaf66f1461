"""Whether the service lives and can do its work: the store answers, a run is current, no model is broken."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.errors import RevmlError
from revml.service.answers import JsonAnswer
from revml.service.serving import Serving


async def livez(_request: Request) -> Response:
    """The process answers."""
    return JsonAnswer({"live": True})


def readyz(request: Request) -> Response:
    """200 when everything is there, 503 with the reasons when not."""
    state: Serving = request.app.state.serving
    checks = {"store": _store(state), "models": _models(state)}
    ready = all(check["ok"] for check in checks.values())
    return JsonAnswer({"ready": ready, "checks": checks}, status_code=200 if ready else 503)


def _store(state: Serving) -> dict[str, Any]:
    try:
        run = state.store.current()
    except RevmlError as error:
        return {"ok": False, "problem": error.what}
    if run is None:
        return {"ok": False, "problem": "nothing was scored yet", "do": "run `revml score`"}
    return {"ok": True, "run": run.id, "as_of": run.as_of, "published_at": run.published_at}


def _models(state: Serving) -> dict[str, Any]:
    state.champions.load_all()
    broken = state.champions.broken
    check: dict[str, Any] = {"ok": not broken, "serving": {q: b.version for q, b in state.champions.loaded.items()}}
    if broken:
        check["problem"] = {question: error.what for question, error in broken.items()}
    return check


routes = [Route("/livez", livez), Route("/readyz", readyz)]
