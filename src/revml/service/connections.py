"""Connections that take their time: a client must have sent a request's headers within so many seconds.

uvicorn waits for ever for the end of headers, and takes headers of any length. This is its protocol with a clock: what
is asked in time costs nothing, for the clock is only wound when a request is left half sent. Bodies are the gate's.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from revml.service.limits import ADDRESS_BYTES, HEADER_BYTES

SECONDS = 10.0


class TimedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; it ends connections whose headers do not come."""

    seconds = SECONDS
    _waiting = True  # for headers
    _clock: asyncio.TimerHandle | None = None
    _size = 0

    def connection_made(self, transport: Any) -> None:
        """A client has come, and should ask something."""
        super().connection_made(transport)
        self._wind()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes; after them the headers are complete, or the clock runs."""
        super().data_received(data)
        if not self._waiting:
            if self._clock is not None:
                self._stop()
            return
        self._size += len(data)
        if self._size > ADDRESS_BYTES + HEADER_BYTES:
            self._end(b"431 Request Header Fields Too Large")
        elif self._clock is None:
            self._wind()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._waiting, self._size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """All headers are there."""
        self._waiting = False
        super().on_headers_complete()

    def _wind(self) -> None:
        self._clock = self.loop.call_later(self.seconds, self._end, b"408 Request Timeout")

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _end(self, status: bytes) -> None:
        self._stop()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()


def guard_connections(receive: Receive) -> bool:
    """Let the server that starts use this protocol; returns whether it does.

    Args:
        receive: of the lifespan's scope, which uvicorn gives before it takes the first connection. BentoML configures
            uvicorn by itself, so that this is the one place where its configuration can be reached.
    """
    config = getattr(getattr(receive, "__self__", None), "config", None)
    if isinstance(config, Config) and config.http_protocol_class is HttpToolsProtocol:
        config.http_protocol_class = TimedProtocol
        return True
    return False
