"""Who may call what: one table from (method, route) to the scope that it needs, and what a scope lets be told.

    SCOPES[("GET", "/v1/accounts")]   "scores:read"
    may(request, "explain:read")      whether the answer may give reasons

A route that does not stand in the table is refused. The route is the one that the router itself finds for
`scope["path"]`, never `request.url.path`, which a caller can bend. HEAD needs what GET needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match
from starlette.types import Scope as Asgi

from revml.service.buckets import Bucket

Scope = Literal["scores:read", "explain:read", "export:read", "personal:read", "models:promote", "keys:manage"]
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)
ABOUT: Mapping[Scope, str] = {
    "scores:read": "scores, lifetime values, key figures, and scoring of rows",
    "explain:read": "the reasons of scores, and what is derived from them",
    "export:read": "whole lists as files",
    "personal:read": "names of persons, such as an account's owner",
    "models:promote": "let another model serve, or go back to the one before",
    "keys:manage": "make, list, rotate and revoke keys",
}
ANY_KEY: Final = "any"  # a valid key, whatever its scopes
NOT_LISTED: Final = "not listed"  # nobody has it
CALLER = "revml.caller"
TARGET = "revml.target"  # what a route acted on, for the audit, where its address does not say it
HTTPS = "revml.https"
SESSION_COOKIE = "revml_session"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

SCOPES: Mapping[tuple[str, str], Scope | Literal["any"] | None] = {  # None: open to everybody
    ("GET", "/livez"): None,
    ("GET", "/readyz"): None,
    ("GET", "/login"): None,
    ("GET", "/static"): None,
    ("GET", "/texts/{language}.json"): None,
    ("POST", "/session"): None,
    ("GET", "/session"): ANY_KEY,
    ("DELETE", "/session"): ANY_KEY,
    ("GET", "/"): ANY_KEY,
    ("GET", "/metrics"): ANY_KEY,
    ("GET", "/openapi.json"): ANY_KEY,
    ("GET", "/api"): ANY_KEY,
    ("GET", "/v1/accounts"): "scores:read",
    ("GET", "/v1/accounts/{account_id:path}"): "scores:read",
    ("GET", "/v1/accounts/{account_id:path}/history"): "scores:read",
    ("GET", "/v1/accounts/{account_id:path}/changes"): "explain:read",
    ("GET", "/v1/accounts/{account_id:path}/levers"): "explain:read",
    ("POST", "/v1/accounts/{account_id:path}/what-if"): "explain:read",
    ("POST", "/v1/scores"): "scores:read",
    ("GET", "/v1/segments"): "scores:read",
    ("GET", "/v1/runs"): "scores:read",
    ("GET", "/v1/export/{what}.csv"): "export:read",
    ("GET", "/v1/export/{what}.parquet"): "export:read",
    ("GET", "/v1/totals"): "scores:read",
    ("GET", "/v1/facets"): "scores:read",
    ("GET", "/v1/forecast"): "scores:read",
    ("GET", "/v1/forecast/backtest"): "scores:read",
    ("GET", "/v1/kpis"): "scores:read",
    ("GET", "/v1/scenarios"): "scores:read",
    ("GET", "/v1/runs/current"): "scores:read",
    ("GET", "/v1/models"): "scores:read",
    ("GET", "/v1/models/{question}/importance"): "explain:read",
    ("POST", "/v1/models/{question}/promote"): "models:promote",
    ("POST", "/v1/models/{question}/rollback"): "models:promote",
    ("GET", "/v1/models/{question}/change"): "models:promote",
    ("POST", "/v1/score"): "scores:read",
    ("GET", "/v1/export.csv"): "export:read",
    ("GET", "/v1/keys"): "keys:manage",
    ("POST", "/v1/keys"): "keys:manage",
    ("POST", "/v1/keys/{key_id}/rotate"): "keys:manage",
    ("DELETE", "/v1/keys/{key_id}"): "keys:manage",
}


@dataclass(slots=True)
class Caller:
    """Who asks: a key, by itself or through a browser's session, or this machine while no key exists."""

    who: str
    scopes: frozenset[str]
    key_id: str | None = None
    session: str | None = None  # hash of the session's token
    bucket: Bucket = field(default_factory=Bucket, repr=False)  # one for a key and all its sessions


HERE = Caller("this machine", frozenset(ALL_SCOPES))
NOBODY = Caller("nobody", frozenset())


def caller_of(request: HTTPConnection) -> Caller:
    """Who asks; nobody where the request did not come through the gate."""
    return caller_in(request.scope)


def caller_in(scope: Asgi) -> Caller:
    """Who asks, by the request's scope."""
    found: Caller = scope.get(CALLER, NOBODY)
    return found


def may(request: HTTPConnection, scope: Scope) -> bool:
    """Whether the caller has a scope: ask before reasons, names of persons and the like go into an answer."""
    return scope in caller_of(request).scopes


class Table:
    """What a request needs, found by the routes of an application and `SCOPES`.

    Goes through the routes as Starlette's router does: the first that matches whole answers. Paths without parameters
    are looked up once; there are as many of them as routes, whatever addresses are asked for.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes
        self._plain = frozenset(path for route in routes if "{" not in (path := str(getattr(route, "path", "{"))))
        self._found: dict[tuple[str, str], tuple[str | None, str | None]] = {}

    def needed(self, scope: Asgi) -> tuple[str | None, str | None]:
        """The declared path of the route that answers, None where there is none or not for this method; and what it
        needs, None where it is open. Where nothing answers a key is needed too, so that nobody learns what there is; a
        route that does not stand in the table needs what nobody has.
        """
        path = scope["path"]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        plain = path in self._plain and method in METHODS and not scope.get("root_path")
        if plain and (method, path) in self._found:
            return self._found[(method, path)]
        found: tuple[str | None, str | None] = (None, ANY_KEY)
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                declared = str(getattr(route, "path", ""))
                found = (declared, SCOPES.get((method, declared), NOT_LISTED))
                break
        if plain:
            self._found[(method, path)] = found
        return found


# What is written into the audit when it is done; a session of a browser counts.
AUDITED: Mapping[tuple[str, str], str] = {
    ("POST", "/session"): "signed in",
    ("DELETE", "/session"): "signed out",
    ("POST", "/v1/keys"): "key created",
    ("POST", "/v1/keys/{key_id}/rotate"): "key rotated",
    ("DELETE", "/v1/keys/{key_id}"): "key revoked",
}


def audited(method: str, path: str | None, needed: str | None) -> str | None:
    """The name of what a request does, where it is written into the audit: exports, models, keys, sessions.

    >>> audited("GET", "/v1/export.csv", "export:read"), audited("GET", "/v1/keys", "keys:manage")
    ('export', None)
    >>> audited("POST", "/v1/models/{question}/promote", "models:promote")
    'promote'
    """
    if needed == "export:read":
        return "export"
    if needed == "models:promote" and path is not None and method != "GET":
        return path.rpartition("/")[2]
    return AUDITED.get((method, path or ""))


def security_scheme() -> dict[str, Any]:
    """What the API document says of keys: its `components.securitySchemes`."""
    return {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "revml_ID_SECRET",
            "description": "A key of `revml keys create`. Needed as soon as one exists; until then the service answers"
            " its own machine only. Scopes: " + "; ".join(f"{name}: {about}" for name, about in ABOUT.items()) + ".",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "Set by `POST /session` for the pages.",
        },
    }


def security_of(method: str, path: str) -> list[dict[str, list[str]]]:
    """What the API document says of one operation: its `security`; empty where it is open to everybody.

    >>> security_of("GET", "/livez"), security_of("GET", "/v1/export.csv")[0]
    ([], {'key': ['export:read']})
    """
    needed = SCOPES[(method, path)]
    if needed is None:
        return []
    scopes: list[str] = [] if needed == ANY_KEY else [needed]
    return [{"key": scopes}, {"session": scopes}]


def lacking(scopes: Collection[str], wanted: Sequence[str]) -> list[str]:
    """The scopes of `wanted` that are not among `scopes`.

    >>> lacking({"scores:read"}, ["scores:read", "keys:manage"])
    ['keys:manage']
    """
    return [scope for scope in wanted if scope not in scopes]
