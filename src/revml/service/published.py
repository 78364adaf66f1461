"""What every answer of published data has in common: which run, how old it is, and a tag by which it is known again.

    {"run": {"id": 7, "as_of": ..., "published_at": ..., "age_days": 12, "stale": false, "models": [...], ...}, ...}

A tag (`ETag`) is made of what an answer depends on: the state of the store (which run is current, which are kept or
withdrawn), the age in days, the address with its query, the language and what the caller may see. It is known before
anything else is read, so that 304 costs one small query.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from revml import __version__
from revml.service import answers
from revml.service.answers import JsonAnswer
from revml.service.serving import Serving
from revml.service.visible import sees, visible
from revml.store.views import RunInfo

DAY_SECONDS = 86_400


def run_of(state: Serving, run: RunInfo, now: datetime | None = None) -> dict[str, Any]:
    """A run as an answer tells it, with its age in whole days and whether that is stale by the workspace's rule."""
    age = age_days(run, now)
    told: dict[str, Any] = answers.record(run)
    return told | {"age_days": age, "stale": age >= state.workspace.service.stale_days}


def age_days(run: RunInfo, now: datetime | None = None) -> int:
    """Whole days since the run's `as_of`, 0 where that lies ahead."""
    today = now or datetime.now(UTC).replace(tzinfo=None)
    return max(0, int((today - run.as_of).total_seconds() // DAY_SECONDS))


def tag_of(request: Request) -> str:
    """The tag of the answer to a request.

    Raises:
        NothingPublished: there is no run.
    """
    state: Serving = request.app.state.serving
    run, edition = state.store.edition()
    parts = (
        __version__,
        edition,
        str(age_days(run)),
        request.scope["path"],
        request.scope["query_string"].decode("latin-1"),
        state.workspace.language,
        sees(request),
    )
    return f'"{hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]}"'


def held(request: Request, tag: str) -> bool:
    """Whether the caller holds the answer with this tag."""
    told = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag in told or "*" in told


def tagged(request: Request, make: Callable[[], Any], headers: Mapping[str, str] | None = None) -> Response:
    """What `make` reads, as JSON with its tag; 304 without reading where the caller holds it.

    Raises:
        NothingPublished: there is no run.
    """
    tag = tag_of(request)
    if held(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return JsonAnswer(visible(request, make()), headers={"ETag": tag, **(headers or {})})
