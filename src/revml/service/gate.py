"""What every request passes before anything else reads it: who asks, for which host, how much is sent.

As long as no API keys exist the service answers this machine only. A foreign `Host` is refused because a page on the
internet can make a browser on this machine ask it under its own name. A body is read here, up to its limit, before the
framework sees it: raising while a framework reads would be answered as a defect. Everything leaves with headers that
let a page load nothing from elsewhere.
"""

from __future__ import annotations

import ipaddress
import time

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from revml.service.problems import Problem
from revml.service.serving import Serving

BODY_LIMIT = 1024 * 1024
AT_ONCE = 64
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
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
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class Gate:
    """ASGI middleware that answers every request from `application`, none from the framework around it.

    BentoML's index page, its API document, its health routes and its metrics are not reachable: they load third-party
    assets, are no valid document, say ready when the service is not, and grow with every address that is asked for.
    """

    def __init__(self, app: ASGIApp, application: Starlette) -> None:
        self.framework, self.application = app, application
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] == "lifespan":
            await self.framework(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started, status = time.perf_counter(), 500

        async def sender(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _set_headers(message)
            await send(message)

        serving: Serving = self.application.state.serving
        self._open += 1
        try:
            body = await self._admitted(scope, receive, serving)
            await self.application(scope, _replay(body, receive), sender)
        except Problem as problem:
            await problem.response()(scope, receive, sender)
        finally:
            self._open -= 1
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            serving.metrics.answered(route, method, status, time.perf_counter() - started)

    async def _admitted(self, scope: Scope, receive: Receive, serving: Serving) -> bytes:
        """The body of a request that may pass."""
        if self._open > AT_ONCE and scope["path"] != "/livez":
            raise Problem(429, "too-many-requests", "too many requests at once", headers={"Retry-After": "1"})
        _check_peer(scope)
        _check_host(scope, serving.hosts)
        return await _body(scope, receive)


def _check_peer(scope: Scope) -> None:
    peer = scope.get("client")
    if peer is None or not peer[0]:
        return  # a socket file: who may open it is the file system's matter
    try:
        here = ipaddress.ip_address(peer[0].split("%")[0])
    except ValueError:
        return  # not an address: an in-process client
    mapped = getattr(here, "ipv4_mapped", None) or here
    if not mapped.is_loopback:
        raise Problem(
            403,
            "loopback-only",
            "this service answers its own machine only, because it has no API keys",
            do="open it on that machine, or through a tunnel: ssh -L 3000:127.0.0.1:3000 THAT_MACHINE",
        )


def _check_host(scope: Scope, allowed: frozenset[str]) -> None:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    name = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
    bare = name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.split(":")[0]
    if bare.lower() not in allowed:
        raise Problem(
            421,
            "foreign-host",
            "this service does not answer to that name",
            field="Host",
            wanted=", ".join(sorted(allowed)),
            got=name[:100],
        )


async def _body(scope: Scope, receive: Receive) -> bytes:
    too_large = Problem(
        413,
        "body-too-large",
        "the body is too large",
        wanted=f"at most {BODY_LIMIT} bytes",
        do="send fewer rows a call",
    )
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > BODY_LIMIT:
            raise too_large
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise too_large
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _set_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
    headers["Server"] = "revml"
