"""Refusals, counted in memory and written into the audit from time to time: at most a few rows a minute.

The first of a quiet time is written within seconds. Whoever knocks in ever new ways is counted under `others`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from revml.errors import RevmlError
from revml.store.audit import REFUSED, deed, record
from revml.store.database import Database

logger = logging.getLogger("revml.service")
KINDS = 8  # told apart between two writings
SOON_SECONDS = 2.0
REST_SECONDS = 60.0
OTHERS = ("others", "", "refused in other ways")


class Refusals:
    """The refusals of one worker."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._counted: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._written = float("-inf")

    def count(self, who: str, target: str, outcome: str) -> None:
        """Count one."""
        kind = (who, target, outcome)
        with self._lock:
            known = kind in self._counted or len(self._counted) < KINDS
            self._counted[kind if known else OTHERS] += 1
            if self._timer is None:
                delay = max(SOON_SECONDS, self._written + REST_SECONDS - time.monotonic())
                self._timer = threading.Timer(delay, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write what was counted; where the database is away, the log gets it."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._written = None, time.monotonic()
        deeds = [deed(who, REFUSED, target, outcome, times=n) for (who, target, outcome), n in counted.items()]
        if not deeds:
            return
        try:
            record(self._database(), deeds)
        except RevmlError as error:
            logger.error("refusals could not be written into the audit: %s", error.what)
            for one in deeds:
                logger.warning("refused %d times: %s %s %s", one.times, one.who, one.target, one.outcome)
