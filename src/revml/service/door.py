"""What the gate goes by: the workspace's settings, who has a key, how often each may ask, and the audit."""

from __future__ import annotations

import logging
import time

from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from revml.errors import RevmlError
from revml.service.callers import Callers, bearer, cookie
from revml.service.limits import Bodies, Headers
from revml.service.observing import REQUEST_ID
from revml.service.origins import client_address
from revml.service.problems import NotWritten, Problem
from revml.service.refusals import Refusals
from revml.service.scopes import CALLER, NOBODY, SESSION_COOKIE, TARGET, Caller
from revml.service.serving import Serving
from revml.store.audit import deed, record
from revml.store.database import Database

logger = logging.getLogger("revml.service")


class Door:
    """What the gate goes by: the workspace's settings, the keys, the audit."""

    def __init__(self, serving: Serving) -> None:
        settings = serving.workspace.service
        self.serving = serving
        self.hosts = serving.hosts | {name.lower() for name in settings.hosts}
        self.at_once = settings.at_once
        self.rate = settings.requests_per_second / max(1, serving.board.expected)
        self.https = settings.https
        self.trusted = settings.trusted_proxies
        self.bodies = Bodies(settings.large_body_mib * 1024 * 1024, settings.body_seconds)
        self.callers = Callers(self._database)
        self.refusals = Refusals(self._database)

    async def caller(self, headers: Headers) -> Caller | None:
        """Who asks, None where neither key nor session opens anything."""
        given = headers.get(b"authorization")
        if given is not None:
            text = bearer(given)
            return None if text is None else await self.callers.of_key(text)
        held = headers.get(b"cookie")
        token = None if held is None else cookie(held, SESSION_COOKIE)
        return None if token is None else await self.callers.of_session(token)

    def check_rate(self, caller: Caller) -> None:
        """Take a token of the key's bucket.

        Raises:
            Problem: 429.
        """
        if caller.key_id is not None and (wait := caller.bucket.take(self.rate, now=time.monotonic())):
            raise Problem(
                429,
                "too-many-requests",
                "the key asks too often",
                wanted=f"{self.rate:g} requests a second of this worker",
                headers={"Retry-After": str(int(wait) + 1)},
            )

    async def note(self, scope: Scope, named: str, outcome: str) -> None:
        """Write into the audit what is about to be done or answered.

        Raises:
            NotWritten: it cannot be written.
        """
        asked = scope["query_string"].decode("latin-1")
        target = scope.get(TARGET) or (f"{scope['path']}?{asked}" if asked else scope["path"])
        done = deed(scope[CALLER].who, named, target, outcome, request_id=REQUEST_ID.get() or None)
        try:
            await run_in_threadpool(lambda: record(self._database(), [done]))
        except RevmlError as error:
            logger.error("the audit could not be written: %s", error.what)
            raise NotWritten from None

    def refuse(self, scope: Scope, status: int) -> None:
        """Count a refusal."""
        caller: Caller = scope[CALLER]
        who = caller.who if caller is not NOBODY else f"nobody {client_address(scope, self.trusted)}".strip()
        self.refusals.count(who, f"{scope['method'][:10]} {scope['path'][:200]}", str(status))

    def close(self) -> None:
        """Write what is left."""
        self.refusals.write()
        self.callers.close()

    def _database(self) -> Database:
        return self.serving.store.database
