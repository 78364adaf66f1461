"""Who asks: keys and sessions, held in memory for a moment so that no request waits for the database.

Keys are read anew in the background once a second while requests come; one that was revoked elsewhere is refused after
`STALE_SECONDS` at most. While the database is away what is known holds for `AWAY_SECONDS`; after that nobody is let in,
for nobody can say who may.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from starlette.concurrency import run_in_threadpool

from revml.errors import RevmlError
from revml.service.buckets import Bucket
from revml.service.problems import Problem
from revml.service.scopes import Caller
from revml.store.database import Database
from revml.store.keys import USED_TO, ApiKey, Session, all_keys, find_session, mark_used, now_utc, parts, sha256

REFRESH_SECONDS = 1.0
STALE_SECONDS = 3.0
AWAY_SECONDS = 60.0
WAIT_SECONDS = 2.0
FIRST_SECONDS = 20.0  # where nothing is known, an answer that comes late is better than none
AGAIN_SECONDS = 0.5  # an unknown key may be a new one: asked for again, but not oftener
LOOKUPS_PER_SECOND = 50.0  # of sessions that this worker does not know
HELD_SESSIONS = 5000
MARK_SECONDS = 60.0


class Callers:
    """The keys and sessions that one worker knows."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._keys: dict[str, ApiKey] = {}
        self._callers: dict[str, Caller] = {}
        self._sessions: dict[str, tuple[Session, float]] = {}
        self._read_at = self._tried_at = float("-inf")
        self._marked: dict[str, float] = {}
        self.tries = Bucket()  # of signing in, whoever tries
        self._lookups = Bucket()
        self._thread: ThreadPoolExecutor | None = None
        self._reading: Future[None] | None = None

    async def any(self) -> bool:
        """Whether any key exists, by what is known now or a moment ago.

        Raises:
            Problem: 503, the database is away for too long.
        """
        age = time.monotonic() - self._read_at
        if age > REFRESH_SECONDS:
            await self._refresh(wait=age > STALE_SECONDS)
            if time.monotonic() - self._read_at > AWAY_SECONDS:
                raise Problem(
                    503,
                    "store-unavailable",
                    "keys cannot be checked: the scores database is away",
                    headers={"Retry-After": "10"},
                )
        return bool(self._keys)

    async def of_key(self, text: str) -> Caller | None:
        """The caller with a key's text, None where it opens nothing."""
        given = parts(text)
        if given is None:
            return None
        found = self._opened(*given)
        if found is None and time.monotonic() - self._tried_at > AGAIN_SECONDS:
            await self._refresh(wait=True)
            found = self._opened(*given)
        return found

    async def of_session(self, token: str) -> Caller | None:
        """The caller whose browser holds a session's token, None where it has ended or there is none."""
        token_hash, now = sha256(token), time.monotonic()
        held = self._sessions.get(token_hash)
        if held is None or now - held[1] > STALE_SECONDS:
            held = await self._looked_up(token_hash, held, now)
        if held is None:
            return None
        session, instant = held[0], now_utc()
        key = self._keys.get(session.key_id)
        if key is None or key.state(instant) != "valid" or session.expires_at <= instant:
            return None
        caller = self._caller(key)
        return Caller(caller.who, caller.scopes, caller.key_id, token_hash, caller.bucket)

    def key(self, key_id: str) -> ApiKey | None:
        """A key that is known, None where it is not."""
        return self._keys.get(key_id)

    async def changed(self) -> None:
        """Read all again: a key or session was made, changed or ended by this worker."""
        self._sessions.clear()
        self._read_at = float("-inf")
        await self._refresh(wait=True)

    def close(self) -> None:
        """End the thread that reads."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def _opened(self, key_id: str, secret: str) -> Caller | None:
        key = self._keys.get(key_id)
        now = now_utc()
        if key is None or not key.opens(secret, now):
            return None
        if key.used_at is None or now - key.used_at > USED_TO:
            self._mark(key_id)
        return self._caller(key)

    def _caller(self, key: ApiKey) -> Caller:
        found = self._callers.get(key.id)
        if found is None:
            found = self._callers[key.id] = Caller(key.id, frozenset(key.scopes), key.id)
        return found

    async def _refresh(self, *, wait: bool) -> None:
        if self._reading is None or self._reading.done():
            self._tried_at = time.monotonic()
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "revml-keys")
            self._reading = self._thread.submit(self._read)
        if not wait:
            return
        done = asyncio.wrap_future(self._reading)
        seconds = WAIT_SECONDS if self._read_at > float("-inf") else FIRST_SECONDS
        try:
            await asyncio.wait_for(asyncio.shield(done), seconds)
        except TimeoutError:
            return  # what is known holds a while

    def _read(self) -> None:
        started = time.monotonic()
        try:
            keys = all_keys(self._database())
        except RevmlError:
            return  # `any` says so when it lasts; `readyz` says it at once
        self._keys = {key.id: key for key in keys}
        self._read_at = started

    def _mark(self, key_id: str) -> None:
        """Write that a key was used, apart: a writer may have to wait for another."""
        now = time.monotonic()
        if now - self._marked.get(key_id, float("-inf")) > MARK_SECONDS:
            self._marked[key_id] = now
            threading.Thread(target=self._write_used, args=(key_id,), daemon=True).start()

    def _write_used(self, key_id: str) -> None:
        try:
            mark_used(self._database(), [key_id])
        except RevmlError:
            return  # a coarse figure: a later request writes it

    async def _looked_up(
        self, token_hash: str, held: tuple[Session, float] | None, now: float
    ) -> tuple[Session, float] | None:
        if held is None and self._lookups.take(LOOKUPS_PER_SECOND, now=now):
            return None
        try:
            found = await run_in_threadpool(lambda: find_session(self._database(), token_hash))
        except RevmlError:
            return held if held is not None and now - held[1] < AWAY_SECONDS else None
        if found is None:
            self._sessions.pop(token_hash, None)
            return None
        while len(self._sessions) >= HELD_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        self._sessions[token_hash] = (found, now)
        return self._sessions[token_hash]


def bearer(value: bytes) -> str | None:
    """The key in an `Authorization` header, None where it holds something else.

    >>> bearer(b"Bearer revml_1_2"), bearer(b"Basic dTpw")
    ('revml_1_2', None)
    """
    scheme, _, given = value.decode("latin-1").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def cookie(value: bytes, name: str) -> str | None:
    """One cookie of a `Cookie` header, None where it is not there or stands twice."""
    found = [rest for part in value.decode("latin-1").split(";") if (rest := _named(part, name)) is not None]
    return found[0] if len(found) == 1 else None


def _named(part: str, name: str) -> str | None:
    given, equals, value = part.strip().partition("=")
    return value if equals and given == name else None
