"""The end of a worker, in an order in which nobody's connection is reset.

1. SIGTERM comes: `/readyz` says 503, so that a balancer sends no more. Requests are still answered, on new connections
   too, each with `Connection: close`, for `drain_seconds`.
2. The last worker of the service shuts the door: the kernel no longer lets connections begin (Linux; a filter on the
   listening socket passes over what would begin one). Those that had begun are accepted, not dropped with the queue.
3. Nothing more is accepted; what is under way is finished, up to `FINISH_SECONDS`.
4. The server ends as it would have at once.

SIGINT, which Ctrl-C sends, goes to step 4.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterable
from types import FrameType
from typing import Any

from revml.service.life.board import Board

FINISH_SECONDS = 20  # for requests that are under way when nothing more is accepted
BEGUN_SECONDS = 0.2  # for connections that had begun when the door was shut
SO_ATTACH_FILTER = 26


class Drain:
    """The end of the worker whose server's signal handlers stand when `install` is called."""

    def __init__(self, board: Board, seconds: float) -> None:
        self.board, self.seconds = board, seconds
        self.draining = False
        self._server: Any = None
        self._task: asyncio.Task[None] | None = None

    def install(self) -> bool:
        """Take SIGTERM over from uvicorn's server; False where no such server runs in this process."""
        try:
            handler = signal.getsignal(signal.SIGTERM)
            self._server = getattr(handler, "__self__", None)
            if not hasattr(self._server, "handle_exit"):
                return False
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False

        def on_signal(number: int, frame: FrameType | None) -> None:
            if not self.draining:
                self.draining = True
                with contextlib.suppress(RuntimeError):  # the loop has ended already
                    loop.call_soon_threadsafe(self._begin, number)

        signal.signal(signal.SIGTERM, on_signal)
        return True

    def _begin(self, number: int) -> None:
        self._task = asyncio.get_running_loop().create_task(self._drain(number))

    async def _drain(self, number: int) -> None:
        server = self._server
        try:
            self.board.tell(draining=True)
            await self._served(self.seconds)
            if self.board.last_to_leave():
                shut(listening(server))
            await self._served(BEGUN_SECONDS)
            for one in getattr(server, "servers", ()):
                one.close()
            until = time.monotonic() + 1.0
            while server.server_state.connections and time.monotonic() < until and not server.should_exit:
                await asyncio.sleep(0.05)  # each closes with its next answer; idle ones have none under way
        finally:
            if server.config.timeout_graceful_shutdown is None:
                server.config.timeout_graceful_shutdown = FINISH_SECONDS
            server.handle_exit(number, None)

    async def _served(self, seconds: float) -> None:
        """Go on for some seconds, unless the server was told to end at once."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._server.should_exit:
            await asyncio.sleep(min(left, 0.1))


def listening(server: Any) -> list[socket.socket]:
    """The listening sockets of uvicorn's server."""
    return [one for of in getattr(server, "servers", ()) for one in of.sockets]


def shut(sockets: Iterable[Any]) -> None:
    """Let no connection begin on these sockets any more: what asks for one is passed over, as if it were lost.

    A client whose first packet is passed over tries again a second later and is then refused. A connection that sat
    in the socket's queue when that is closed would be reset instead.
    """
    if not sys.platform.startswith("linux"):
        return
    # A program of the kernel's socket filter: load byte 13 of the TCP header; is SYN set? take nothing : take all.
    steps = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    told = struct.pack("HL", len(steps), ctypes.addressof(program))
    for one in sockets:
        with contextlib.suppress(OSError, ValueError):
            held = socket.socket(fileno=socket.dup(one.fileno()))
            try:
                held.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, told)
            finally:
                held.close()
