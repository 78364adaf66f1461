"""Answers that are long and stay as they are as long as a run is current: rendered and packed once.

A client that names the `ETag` it holds gets 304 and no body; one that takes gzip gets a tenth of the bytes. Browsers
still store nothing: what is said of customers stays off the disk.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from revml.service.answers import JsonAnswer
from revml.service.published import age_days, held
from revml.service.serving import Serving
from revml.service.visible import sees, visible

JSON = "application/json"


@dataclass(frozen=True)
class _Rendered:
    body: bytes
    packed: bytes
    tag: str


def long_answer(request: Request, name: str, make: Callable[[], Any]) -> Response:
    """What `make` reads out of the current run, as JSON.

    Args:
        name: of the answer, with all that was asked for.
    """
    state: Serving = request.app.state.serving
    age = age_days(state.store.published())
    found: _Rendered = state.of_current_run(
        f"rendered {name}, {age} days old, without {sees(request)}", lambda: _rendered(visible(request, make()))
    )
    headers = {"ETag": found.tag, "Vary": "Accept-Encoding"}
    if held(request, found.tag):
        return Response(status_code=304, headers=headers)
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(found.packed, media_type=JSON, headers=headers | {"Content-Encoding": "gzip"})
    return Response(found.body, media_type=JSON, headers=headers)


def _rendered(content: Any) -> _Rendered:
    body = bytes(JsonAnswer(content).body)
    packed = gzip.compress(body, compresslevel=6, mtime=0)
    return _Rendered(body, packed, f'"{hashlib.sha256(body).hexdigest()[:24]}"')


def _takes_gzip(accepted: str) -> bool:
    """Whether a client names gzip and does not refuse it.

    >>> _takes_gzip("gzip, deflate, br"), _takes_gzip("gzip;q=0"), _takes_gzip("identity"), _takes_gzip("")
    (True, False, False, False)
    """
    for part in accepted.lower().split(","):
        coding, _, weight = part.strip().partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
