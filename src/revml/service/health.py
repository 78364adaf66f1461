"""Whether the service lives, and whether it can do its work. `service.degraded` holds what each word means."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.service.answers import JsonAnswer
from revml.service.serving import Serving


async def livez(_request: Request) -> Response:
    """The process answers."""
    return JsonAnswer({"live": True})


def readyz(request: Request) -> Response:
    """200 while some of the work can be done, with what is degraded; 503 when none can, or the worker is ending."""
    state: Serving = request.app.state.serving
    found = state.health()
    told = {"ready": found.ready, "degraded": list(found.degraded), "checks": found.checks}
    return JsonAnswer(told, status_code=200 if found.ready else 503)


routes = [Route("/livez", livez), Route("/readyz", readyz)]
