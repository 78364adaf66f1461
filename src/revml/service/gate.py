"""What every request passes before anything else reads it: who asks, for what, under which name, and how much is sent.

    1. address, headers     short enough; none twice that counts once           414 431 400
    2. requests at once     not too many                                        429
    3. name                 one of the service's own                            421
    4. caller               this machine as long as no key exists; else a key,
                            or a browser's session, with the route's scope      403 401
    5. origin               no foreign page makes a signed-in browser act       403
    6. rate                 of the key                                          429
    7. body                 of a known type, short enough, in time              415 413 408

Everything leaves with headers that let a page load nothing from elsewhere. Exports, promotions, changes of keys and
refusals are written into the audit; what cannot be written is not done.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from revml.service import scoring
from revml.service.connections import guard_connections
from revml.service.door import Door
from revml.service.lane import Lane
from revml.service.limits import JSON_BYTES, answer_and_close, headers_of, replayed
from revml.service.origins import (
    SAFE_METHODS,
    check_host,
    check_loopback,
    check_same_origin,
    is_https,
    is_loopback,
)
from revml.service.problems import Gone, NotWritten, Problem
from revml.service.scopes import ANY_KEY, CALLER, HERE, HTTPS, NOBODY, NOT_LISTED, Caller, Table, audited
from revml.service.serving import Serving

logger = logging.getLogger("revml.service")
BODY_LIMIT = JSON_BYTES
REFUSALS = frozenset({401, 403, 429})
PROBES = frozenset({"/livez", "/readyz"})
SEND_SECONDS = 30.0
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"server", b"revml"),
]
OURS = frozenset(name for name, _ in HEADERS)
NO_STORE = (b"cache-control", b"no-store")
STAY_WITH_HTTPS = (b"strict-transport-security", b"max-age=31536000")


class Admitted(NamedTuple):
    """What the gate found out of a request that may pass.

    Attributes:
        route: its declared path; None where none answers.
        named: what it is called in the audit, where it is written there.
        body: what was read of it; None where it has none.
    """

    route: str | None
    named: str | None
    body: bytes | None


class Gate:
    """ASGI middleware that answers every request from `application`, none from the framework around it.

    BentoML's index page, its API document, its health routes and its metrics are not reachable: they load third-party
    assets, are no valid document, say ready when the service is not, and grow with every address that is asked for.
    """

    def __init__(self, app: ASGIApp, application: Starlette) -> None:
        self.framework, self.application = app, application
        self.table = Table(application.routes)
        self._lanes = {route.path: Lane(route, answer) for route, answer in scoring.lanes}
        self._open = 0
        self._opened: Door | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] == "lifespan":
            guard_connections(receive)
            await self.framework(scope, receive, send)
            if self._opened is not None:
                await run_in_threadpool(self._opened.close)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        door = self._door()
        named: str | None = None

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                if status in REFUSALS:
                    door.refuse(scope, status)
                elif named is not None and not 400 <= status < 500:
                    await door.note(scope, named, str(status))
                _set_headers(message, https=door.https)
                await send(message)
            elif message.get("more_body", False):
                try:
                    async with asyncio.timeout(SEND_SECONDS):  # a client that takes nothing holds its place no longer
                        await send(message)
                except TimeoutError:
                    raise Gone from None
            else:
                await send(message)

        self._open += 1
        try:
            route, named, body = await self._admitted(scope, receive, door)
            lane = self._lanes.get(route or "")
            if lane is not None and body is not None:
                await lane(self.application, scope, receive, sender, body)
            else:
                await self.application(scope, receive if body is None else replayed(body, receive), sender)
        except Problem as problem:
            await _refuse(problem, scope, receive, sender)
        except NotWritten:
            named = None
            unwritten = Problem(503, "store-unavailable", "the audit cannot be written, so this is not answered")
            await unwritten.response()(scope, receive, sender)
        except Gone:
            return
        finally:
            self._open -= 1

    async def _admitted(self, scope: Scope, receive: Receive, door: Door) -> Admitted:
        """What is known of a request that may pass.

        Raises:
            Problem: it may not.
        """
        scope[CALLER] = NOBODY
        headers = headers_of(scope)
        if scope["path"] in PROBES:  # a cluster asks from elsewhere, by address
            if is_loopback(scope):
                check_host(headers, door.hosts, tell=False)
            return Admitted(None, None, await door.bodies.read(headers, receive))
        if self._open > door.at_once:
            raise Problem(429, "too-many-requests", "too many requests at once", headers={"Retry-After": "1"})
        keys = await door.callers.any()
        check_host(headers, door.hosts, tell=not keys)
        method = scope["method"]
        route, needed = self.table.needed(scope)
        if keys:
            caller = await door.caller(headers)
            if caller is None and needed is not None:
                raise _unknown(b"authorization" in headers)
        else:
            check_loopback(scope, headers)
            caller = HERE
        if caller is not None:
            scope[CALLER] = caller
            door.check_rate(caller)
            _check_scope(caller, needed)
        check_same_origin(method, headers, must=caller is not None and caller.session is not None)
        scope[HTTPS] = door.https or is_https(scope, headers, door.trusted)
        body = await door.bodies.read(headers, receive)
        if needed == "models:promote" and method not in SAFE_METHODS:
            await door.note(scope, audited(method, route, needed) or method, "begun")
        return Admitted(route, audited(method, route, needed), body)

    def _door(self) -> Door:
        serving: Serving = self.application.state.serving
        if self._opened is None or self._opened.serving is not serving:
            self._opened = Door(serving)
            self.application.state.callers = self._opened.callers
        return self._opened


def _unknown(presented: bool) -> Problem:
    what = "the key is unknown, expired or revoked" if presented else "a key is needed"
    more = ', error="invalid_token"' if presented else ""
    return Problem(
        401,
        "key-needed",
        what,
        field="Authorization",
        wanted="Bearer revml_ID_SECRET",
        do="`revml keys create` makes a key; a browser signs in at /login",
        headers={"WWW-Authenticate": f'Bearer realm="revml"{more}'},
    )


def _check_scope(caller: Caller, needed: str | None) -> None:
    if needed == NOT_LISTED:
        raise Problem(403, "not-listed", "no scope opens this address for this method")
    if needed is not None and needed != ANY_KEY and needed not in caller.scopes:
        raise Problem(
            403,
            "scope-missing",
            f"the key lacks the scope {needed}",
            field="Authorization",
            wanted=needed,
            got=" ".join(sorted(caller.scopes)),
            headers={"WWW-Authenticate": f'Bearer realm="revml", error="insufficient_scope", scope="{needed}"'},
        )


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if problem.status == 401 and scope["path"] == "/" and scope["method"] in SAFE_METHODS:
        await RedirectResponse("/login", 303)(scope, receive, send)  # a reader's browser
    elif problem.status in (408, 413):
        await answer_and_close(problem, scope, receive, send)
    else:
        await problem.response()(scope, receive, send)


def _set_headers(message: Message, *, https: bool) -> None:
    given = [pair for pair in message.get("headers", ()) if pair[0] not in OURS]
    if not any(name == b"cache-control" for name, _ in given):
        given.append(NO_STORE)
    if https:
        given.append(STAY_WITH_HTTPS)
    message["headers"] = given + HEADERS
