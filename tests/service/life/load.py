"""Callers that ask without a pause, each on a connection of its own, and take down whatever goes wrong."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

BODY = json.dumps({"question": "churn", "rows": [{"active_users_28d": 0, "seats": 5, "industry": "retail"}]}).encode()


@dataclass
class Load:
    """What some callers saw.

    Attributes:
        statuses: how often each status was answered.
        broken: connections that were reset, or ended before they answered, with the error.
        refused: connections that could not be made, because nobody listens any more.
        versions: of the models that answered, in the order in which they were first seen.
    """

    host: str
    port: int
    keep_alive: bool = True
    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    refused: int = 0
    versions: list[str] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, callers: int) -> Load:
        """Begin to ask."""
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(callers)]
        for thread in self._threads:
            thread.start()
        return self

    @property
    def answered(self) -> int:
        """Requests that were answered."""
        return sum(self.statuses.values())

    def until(self, answered: int, seconds: float = 120) -> None:
        """Go on until so many were answered."""
        deadline = time.monotonic() + seconds
        while self.answered < answered and time.monotonic() < deadline:
            time.sleep(0.01)

    def until_ended(self, seconds: float = 120) -> None:
        """Go on until every caller was refused, or broke off."""
        deadline = time.monotonic() + seconds
        while any(thread.is_alive() for thread in self._threads) and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        """Ask no more, and wait for the answers under way."""
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._end.is_set():
            if connection is None:
                connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
                try:
                    connection.connect()
                except (ConnectionRefusedError, TimeoutError):
                    self.refused += 1  # no connection began, so none was reset
                    return
                except OSError as error:
                    self._note(repr(error))
                    return
            try:
                connection.request("POST", "/v1/score", BODY, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                told = json.loads(answer.read())
            except (OSError, http.client.HTTPException) as error:
                self._note(repr(error))
                return
            with self._lock:
                self.statuses[answer.status] += 1
                version = str(told.get("model", {}).get("version", ""))
                if version not in self.versions:
                    self.versions.append(version)
            if answer.will_close or not self.keep_alive:
                connection.close()
                connection = None

    def _note(self, error: str) -> None:
        with self._lock:
            self.broken.append(error)
