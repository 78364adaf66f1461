"""Signing in and out: a browser gives a key once and holds a cookie that no script can read.

The cookie names a session with the key's scopes; it ends with the key, when the key is revoked, or after the hours of
the workspace. Only the SHA-256 of what it holds is kept.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.service.answers import JsonAnswer
from revml.service.callers import Callers
from revml.service.problems import Problem
from revml.service.scopes import CALLER, HTTPS, SESSION_COOKIE, TARGET, Caller, caller_of
from revml.service.serving import Serving
from revml.service.strict_json import read_json
from revml.store.keys import ApiKey, close_session, now_utc, open_session, parts, sha256

TRIES_PER_SECOND = 5.0


async def sign_in(request: Request) -> Response:
    """Open a session with a key: `{"key": "revml_…"}`."""
    callers: Callers = request.app.state.callers
    given = read_json(await request.body())
    if not isinstance(given, dict) or set(given) != {"key"} or not isinstance(given["key"], str):
        raise Problem(422, "invalid-body", "a key was expected", field="body", wanted='{"key": "revml_ID_SECRET"}')
    if wait := callers.tries.take(TRIES_PER_SECOND, now=time.monotonic()):
        raise Problem(429, "too-many-requests", "too many try to sign in", headers={"Retry-After": str(int(wait) + 1)})
    caller = await callers.of_key(given["key"].strip())
    key = None if caller is None or caller.key_id is None else callers.key(caller.key_id)
    if caller is None or key is None:
        raise Problem(
            401,
            "key-needed",
            "the key is unknown, expired or revoked",
            field="key",
            headers={"WWW-Authenticate": 'Bearer realm="revml", error="invalid_token"'},
        )
    return await run_in_threadpool(_opened, request, caller, key, given["key"].strip())


def _opened(request: Request, caller: Caller, key: ApiKey, text: str) -> Response:
    state: Serving = request.app.state.serving
    split = parts(text)
    old = split is not None and sha256(split[1]) != key.secret_hash
    lasts = timedelta(hours=state.workspace.service.session_hours)
    session, token = open_session(state.store.database, key, lasts=lasts, until=key.old_until if old else None)
    request.scope[CALLER], request.scope[TARGET] = caller, f"session of key {key.id}"
    answer = JsonAnswer(_told(caller, key))
    seconds = max(1, int((session.expires_at - now_utc()).total_seconds()))
    answer.set_cookie(
        SESSION_COOKIE, token, max_age=seconds, httponly=True, samesite="strict", secure=bool(request.scope.get(HTTPS))
    )
    return answer


async def who(request: Request) -> Response:
    """Whose key or session asks, and what it may."""
    callers: Callers = request.app.state.callers
    caller = caller_of(request)
    return JsonAnswer(_told(caller, None if caller.key_id is None else callers.key(caller.key_id)))


def _told(caller: Caller, key: ApiKey | None) -> dict[str, Any]:
    named = None if key is None else {"id": key.id, "name": key.name, "expires_at": key.expires_at}
    return {"key": named, "scopes": sorted(caller.scopes), "signed_in": caller.session is not None}


async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    state: Serving = request.app.state.serving
    callers: Callers = request.app.state.callers
    caller = caller_of(request)
    if caller.session is not None:
        token_hash = caller.session
        await run_in_threadpool(lambda: close_session(state.store.database, token_hash))
        await callers.changed()
        request.scope[TARGET] = f"session of key {caller.key_id}"
    answer = Response(status_code=204)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict", secure=bool(request.scope.get(HTTPS)))
    return answer


routes = [
    Route("/session", sign_in, methods=["POST"]),
    Route("/session", who, methods=["GET"]),
    Route("/session", sign_out, methods=["DELETE"]),
]
