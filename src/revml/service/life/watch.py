"""The thread of a worker that keeps up with the world: the pointers, the registry, the other workers.

It never ends by an error: what goes wrong in one round is told by `problem`, and the next round tries again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

logger = logging.getLogger("revml.service")


class Watch:
    """Calls its duties one after the other, again and again, until it is closed."""

    def __init__(self, duties: Sequence[Callable[[], object]], *, seconds: float) -> None:
        self.problem = ""
        self._duties, self._seconds = tuple(duties), seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="revml-watch", daemon=True)

    def start(self) -> None:
        """Begin; the first round comes after the first pause."""
        self._thread.start()

    def close(self) -> None:
        """Let the round under way be the last, and do not wait for it."""
        self._end.set()

    def _run(self) -> None:
        while not self._end.wait(self._seconds):
            problem = ""
            for duty in self._duties:
                try:
                    duty()
                except Exception as error:  # whatever it is, the worker serves on with what it has
                    problem = f"{type(error).__name__}: {error}".splitlines()[0][:300]
                    if problem != self.problem:
                        logger.exception("keeping up failed")
            self.problem = problem
