"""Keys over the API: made, listed, rotated and revoked by a key that may; none gives what it does not have itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.errors import ConfigError
from revml.service.answers import JsonAnswer
from revml.service.callers import Callers
from revml.service.parameters import Parameters
from revml.service.problems import Problem
from revml.service.scopes import ALL_SCOPES, TARGET, caller_of, lacking
from revml.service.serving import Serving
from revml.service.strict_json import read_json
from revml.store.database import Database
from revml.store.keys import ApiKey, all_keys, create_key, now_utc, revoke_key, rotate_key

MOST_DAYS = 3650
MOST_GRACE_HOURS = 24 * 30
LONGEST_NAME = 100


def told(key: ApiKey) -> dict[str, Any]:
    """A key as it is listed: all but its secret."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "state": key.state(now_utc()),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "used_at": key.used_at,
        "revoked_at": key.revoked_at,
        "old_until": key.old_until,
    }


def list_keys(request: Request) -> Response:
    """All keys, also those that no longer open."""
    Parameters(request, ())
    return JsonAnswer({"keys": [told(key) for key in all_keys(_database(request))]})


async def create(request: Request) -> Response:
    """Make a key: `{"scopes": [...], "expires_days": 90, "name": "CRM"}`; its text is told in this answer only."""
    asked = _body(await request.body(), {"scopes", "expires_days", "name"})
    scopes, name = asked.get("scopes"), asked.get("name", "")
    if not isinstance(scopes, list) or not scopes or not all(scope in ALL_SCOPES for scope in scopes):
        raise _invalid("scopes", "a list of scopes was expected", ", ".join(ALL_SCOPES))
    days = asked.get("expires_days", 90)
    if days is not None and not _whole(days, 1, MOST_DAYS):
        raise _invalid("expires_days", "days were expected", f"1 to {MOST_DAYS}, or null for never")
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        raise _invalid("name", "a name was expected", f"a text of at most {LONGEST_NAME} characters")
    if missing := lacking(caller_of(request).scopes, scopes):
        raise Problem(
            403,
            "scope-missing",
            "a key gives no scope that it does not have",
            field="scopes",
            wanted=" ".join(sorted(caller_of(request).scopes)),
            got=" ".join(missing),
        )
    expires = None if days is None else timedelta(days=days)
    key, text = await _made(lambda: create_key(_database(request), scopes, expires_in=expires, name=name))
    return await _changed(request, key, 201, {"secret": text})


async def rotate(request: Request) -> Response:
    """Give a key a new secret: `{"grace_hours": 24}`; the old one opens for that long."""
    body = await request.body()
    grace = _body(body, {"grace_hours"}).get("grace_hours", 24) if body else 24
    if not _whole(grace, 0, MOST_GRACE_HOURS):
        raise _invalid("grace_hours", "hours were expected", f"0 to {MOST_GRACE_HOURS}")
    await _check_wider(request)
    key_id = request.path_params["key_id"]
    key, text = await _made(lambda: rotate_key(_database(request), key_id, grace=timedelta(hours=grace)))
    return await _changed(request, key, 200, {"secret": text})


async def revoke(request: Request) -> Response:
    """Close a key for good."""
    key = await run_in_threadpool(lambda: revoke_key(_database(request), request.path_params["key_id"]))
    return await _changed(request, key, 200, {})


async def _made(make: Callable[[], tuple[ApiKey, str]]) -> tuple[ApiKey, str]:
    try:
        return await run_in_threadpool(make)
    except ConfigError as error:
        raise Problem(409, "not-now", error.what, got=error.got, do=error.do) from None


async def _check_wider(request: Request) -> None:
    """Who is told a key's new secret has that key's scopes from then on."""
    keys = await run_in_threadpool(lambda: all_keys(_database(request)))
    held = {key.id: key.scopes for key in keys}.get(request.path_params["key_id"], ())
    if missing := lacking(caller_of(request).scopes, held):
        raise Problem(
            403, "scope-missing", "the key has scopes that yours lacks", field="key_id", got=" ".join(missing)
        )


async def _changed(request: Request, key: ApiKey, status: int, more: dict[str, Any]) -> Response:
    callers: Callers = request.app.state.callers
    await callers.changed()
    request.scope[TARGET] = f"key {key.id} {' '.join(key.scopes)}"
    return JsonAnswer(told(key) | more, status_code=status)


def _body(body: bytes, known: set[str]) -> dict[str, Any]:
    given = read_json(body)
    if not isinstance(given, dict):
        raise _invalid("body", "an object was expected", ", ".join(sorted(known)))
    if unknown := sorted(set(given) - known):
        raise _invalid(unknown[0][:80], "unknown key", ", ".join(sorted(known)))
    return given


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _invalid(field: str, detail: str, wanted: str) -> Problem:
    return Problem(422, "invalid-body", detail, field=field, wanted=wanted)


def _database(request: Request) -> Database:
    state: Serving = request.app.state.serving
    return state.store.database


routes = [
    Route("/v1/keys", list_keys),
    Route("/v1/keys", create, methods=["POST"]),
    Route("/v1/keys/{key_id}/rotate", rotate, methods=["POST"]),
    Route("/v1/keys/{key_id}", revoke, methods=["DELETE"]),
]
