"""Errors of the service in one shape (RFC 9457), each naming the field, what was wanted and what came.

A route raises `Problem`, or a `RevmlError` that is translated here. Nothing else of an exception ever leaves the
service: what is not foreseen is a 500 without a detail, and a traceback in the log.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from revml.errors import BundleError, NotFound, RevmlError
from revml.store.cursor import PageError
from revml.store.scores import NothingPublished

logger = logging.getLogger("revml.service")
MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "bad request",
    401: "not signed in",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
    408: "too slow",
    409: "conflict",
    413: "too large",
    414: "address too long",
    415: "unsupported media type",
    421: "misdirected request",
    422: "invalid",
    429: "too many requests",
    431: "headers too long",
    500: "internal error",
    503: "unavailable",
}


class Problem(Exception):
    """An answer that is an error.

    Args:
        status: the HTTP status.
        code: what went wrong, for programs: the end of the problem's `type`.
        detail: what went wrong, for people.
        field: the parameter or the place in the body concerned.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str = "",
        wanted: str = "",
        got: str = "",
        do: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers or {}
        told = {"field": field, "wanted": wanted, "got": got, "do": do}
        self.content: dict[str, Any] = {
            "type": f"urn:revml:problem:{code}",
            "title": TITLES.get(status, "error"),
            "status": status,
            "detail": detail,
        } | {name: text for name, text in told.items() if text}

    def response(self) -> Response:
        """The answer."""
        body = json.dumps(self.content, ensure_ascii=False).encode("utf-8", "replace")
        return Response(body, self.status, media_type=MEDIA_TYPE, headers=self.headers)


class Passing(Exception):
    """On its way from the sending of an answer to the gate, which knows what to do; no route handles it."""


class Gone(Passing):
    """The client went away, or takes nothing of its answer: there is nobody to answer."""


class NotWritten(Passing):
    """The audit could not be written, so the answer was not begun."""


def translate(error: RevmlError) -> Problem:
    """A `RevmlError` as an answer; places on this machine stay out of it."""
    wanted, got, do = error.wanted, error.got, error.do
    if isinstance(error, PageError):
        return Problem(422, "invalid-parameter", error.what, field=error.where, wanted=wanted, got=got, do=do)
    if isinstance(error, NothingPublished):
        return Problem(404, "nothing-published", error.what, do=error.do)
    if isinstance(error, NotFound):
        return Problem(404, "not-found", error.what, wanted=wanted, got=got, do=do)
    logger.error("%s", error)
    code = "model-unusable" if isinstance(error, BundleError) else "store-unavailable"
    return Problem(503, code, error.what, do="the log of the service says more", headers={"Retry-After": "10"})


async def on_problem(_request: Request, error: Exception) -> Response:
    """Handler of `Problem`."""
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
    return error.response()


async def on_revml_error(_request: Request, error: Exception) -> Response:
    """Handler of `RevmlError`."""
    assert isinstance(error, RevmlError)  # noqa: S101 - registered for this class only
    return translate(error).response()


async def on_http_error(request: Request, error: Exception) -> Response:
    """Handler of what the router says: no such route, wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    path = request.scope["path"][:200]
    if error.status_code == 404:
        return Problem(404, "no-such-route", "there is nothing at this address", got=path).response()
    if error.status_code == 405:
        allowed = _methods_of(request)
        return Problem(
            405,
            "method-not-allowed",
            "this address does not take this method",
            wanted=allowed,
            got=request.method,
            headers={"Allow": allowed},
        ).response()
    return Problem(error.status_code, "refused", str(error.detail)).response()


def _methods_of(request: Request) -> str:
    """All methods that an address takes: each may have a route of its own, and the router tells those of one only.

    Where an address fits several declared paths (an id may hold slashes), the one that spells out most counts.
    """
    same = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    most = max((_spelt_out(route) for route in same), default=0)
    told = [getattr(route, "methods", None) or () for route in same if _spelt_out(route) == most]
    return ", ".join(sorted({method for methods in told for method in methods}))


def _spelt_out(route: BaseRoute) -> int:
    return len(re.sub(r"\{[^}]*\}", "", str(getattr(route, "path", ""))))


async def on_defect(request: Request, error: Exception) -> Response:
    """Handler of everything else: a defect of revml."""
    if not isinstance(error, Passing):
        logger.error("defect while answering %s", request.scope["path"], exc_info=error)
    return Problem(500, "defect", "the service failed; its log says more").response()
