"""The outermost layer: gives each request its id, counts and logs it, says what is degraded.

`X-Request-ID` is taken over where it is well-formed and made where it is not; it comes back with every answer, and is
what the log and a defect's traceback are found by.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from contextvars import ContextVar

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from revml.service.scopes import CALLER
from revml.service.serving import Serving

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
REFUSED = {401: "key", 403: "not-allowed", 408: "slow", 413: "too-large", 421: "host", 429: "rate"}
GONE = 499  # the client went away before it was answered
_WELL_FORMED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.:-]{7,127}")
_START = os.urandom(6).hex()
_NUMBER = itertools.count(int.from_bytes(os.urandom(3), "big"))
_HEADER, _DEGRADED, _CONNECTION, _CLOSE = b"x-request-id", b"x-revml-degraded", b"connection", b"close"


class Observed:
    """ASGI middleware around the gate."""

    def __init__(self, app: ASGIApp, application: Starlette) -> None:
        self.app, self.application = app, application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and take note of what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        serving: Serving = self.application.state.serving
        started, status, sent = time.perf_counter(), GONE, 0
        request_id = request_id_of(scope)
        REQUEST_ID.set(request_id)
        header = (_HEADER, request_id.encode())

        async def sender(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
                if serving.degraded:
                    message["headers"].append((_DEGRADED, ", ".join(serving.degraded).encode()))
                if serving.leaving:
                    message["headers"].append((_CONNECTION, _CLOSE))
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sender)
        except Exception:
            status = 500
            raise
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            serving.metrics.answered(route, method, status, seconds)
            serving.metrics.answered(route, method, status, seconds)
            if status in REFUSED:
                serving.metrics.refused(REFUSED[status])
            caller = scope.get(CALLER)
            serving.log.add(request_id, method, route, status, seconds, sent, getattr(caller, "key_id", None))


def request_id_of(scope: Scope) -> str:
    """The request's own id where it sent exactly one that is well-formed, else a new one."""
    found = [value for name, value in scope["headers"] if name == _HEADER]
    if len(found) == 1 and _WELL_FORMED.fullmatch(found[0]):
        return str(found[0].decode("ascii"))
    return f"{_START}{next(_NUMBER) & 0xFFFFFFFF:08x}"
