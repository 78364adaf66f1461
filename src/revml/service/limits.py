"""How much a request may be: its address, headers and body, and how long a client may take to send it.

A body is read before the framework sees it, for raising while a framework reads would be answered as a defect. One that
is too long is refused at its announced length, or at the first byte beyond the limit, and not read on.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive, Scope, Send

from revml.service.problems import Gone, Problem

JSON_BYTES = 1024 * 1024
ADDRESS_BYTES = 8 * 1024
HEADER_BYTES = 32 * 1024
HEADER_COUNT = 100
JSON = b"application/json"
LARGE_TYPES = frozenset({b"application/vnd.apache.arrow.stream", b"application/vnd.apache.parquet"})
READ = frozenset(
    {
        b"host",
        b"authorization",
        b"cookie",
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"transfer-encoding",
        b"origin",
        b"sec-fetch-site",
        b"forwarded",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)
ONCE = frozenset({b"host", b"authorization", b"content-type", b"content-length", b"origin", b"sec-fetch-site"})
LARGE_AT_ONCE = 4
MOST_SECONDS = 9.0  # the framework ends at ten what has not begun to answer, in words of its own
LINGER_SECONDS = 1.0
Headers = dict[bytes, bytes]


def headers_of(scope: Scope) -> Headers:
    """The headers that the gate goes by; lists of one name are joined.

    Raises:
        Problem: address or headers are too long, or a header that counts once stands twice.
    """
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > ADDRESS_BYTES:
        raise Problem(414, "address-too-long", "the address is too long", wanted=f"at most {ADDRESS_BYTES} bytes")
    found: Headers = {}
    size = 0
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if name in READ:
            if name not in found:
                found[name] = value
            elif name in ONCE:
                raise Problem(400, "header-twice", "a header stands twice", field=name.decode(), wanted="it once")
            else:
                found[name] += (b"; " if name == b"cookie" else b", ") + value
    if size > HEADER_BYTES or len(scope["headers"]) > HEADER_COUNT:
        raise Problem(
            431,
            "headers-too-long",
            "the headers are too long",
            wanted=f"at most {HEADER_COUNT} headers and {HEADER_BYTES} bytes",
        )
    return found


class Bodies:
    """Reads the bodies of one worker's requests; only a few large ones at once, so that memory has a bound."""

    def __init__(self, large_bytes: int, seconds: float) -> None:
        self.large_bytes, self.seconds = large_bytes, seconds
        self._large = 0

    async def read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body; None where the request has none, and `receive` is as it was.

        Raises:
            Problem: 408 too slow, 413 too long, 415 of another type, 429 too many large ones at once.
        """
        announced = headers.get(b"content-length")
        if b"transfer-encoding" not in headers and announced in (None, b"0"):
            return None
        limit = self._limit(headers)
        if announced is not None and announced.isdigit() and (len(announced) > 12 or int(announced) > limit):
            raise _too_long(limit)
        if limit == JSON_BYTES:
            return await self._read(receive, limit, self.seconds)
        if self._large >= LARGE_AT_ONCE:
            raise Problem(429, "too-many-requests", "too many large bodies at once", headers={"Retry-After": "2"})
        self._large += 1
        try:
            return await self._read(receive, limit, min(self.seconds * (1 + limit / JSON_BYTES / 8), MOST_SECONDS))
        finally:
            self._large -= 1

    def _limit(self, headers: Headers) -> int:
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind == JSON:
            limit = JSON_BYTES
        elif kind in LARGE_TYPES:
            limit = self.large_bytes
        else:
            raise Problem(
                415,
                "unsupported-media-type",
                "bodies of this type are not read here",
                field="Content-Type",
                wanted=", ".join(sorted(t.decode() for t in (JSON, *LARGE_TYPES))),
                got=kind.decode("latin-1")[:80] or "none",
            )
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise Problem(
                415,
                "unsupported-encoding",
                "packed bodies are not read here",
                field="Content-Encoding",
                wanted="none",
                got=headers[b"content-encoding"].decode("latin-1")[:80],
            )
        return limit

    async def _read(self, receive: Receive, limit: int, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await _whole(receive, limit)
        except TimeoutError:
            raise Problem(
                408,
                "too-slow",
                "the body did not arrive in time",
                wanted=f"within {seconds:.0f} s",
                headers={"Connection": "close"},
            ) from None


async def _whole(receive: Receive, limit: int) -> bytes:
    message = await receive()
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(first) > limit:
            raise _too_long(limit)
        return first
    pieces, size = [first], len(first)
    while message.get("more_body", False):
        if size > limit:
            raise _too_long(limit)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    if size > limit:
        raise _too_long(limit)
    return b"".join(pieces)


def _too_long(limit: int) -> Problem:
    return Problem(
        413,
        "body-too-large",
        "the body is too large",
        wanted=f"at most {limit} bytes",
        do="send fewer rows a call; many rows are a job for `revml score`",
        headers={"Connection": "close"},
    )


async def answer_and_close(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before the body has arrived: a client that still sends gets a moment to read, for closing at once would
    reset the connection and lose the answer. What it sends meanwhile is thrown away.
    """
    pending: list[Message] = []

    async def held_back(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            pending.append({"type": "http.response.body", "body": b"", "more_body": False})
            message = {**message, "more_body": True}
        await send(message)

    await problem.response()(scope, receive, held_back)
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    for message in pending:
        await send(message)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then what the client does next."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
