"""What the routes work with, opened when the service starts: the workspace, its store, its champions, its metrics.

The store is opened at its first use and again after a failure, so that a database that is away for a while makes the
service degraded, not dead. What serves is looked after in the background, see `service.life`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from revml.config import WORKSPACE_FILE, Workspace, load_workspace
from revml.explanations.warm import warm
from revml.models import Bundle
from revml.service.degraded import Health, examine
from revml.service.environment import WORKSPACE
from revml.service.joining import Joiner
from revml.service.life.board import Board
from revml.service.life.champions import Champions
from revml.service.life.drain import Drain
from revml.service.life.following import Following
from revml.service.life.watch import Watch
from revml.service.metrics import Metrics
from revml.service.prepared import Prepared
from revml.service.request_log import RequestLog
from revml.store import Store

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Serving:
    """The state of a running service."""

    def __init__(self, workspace: Workspace, board: Board | None = None) -> None:
        settings = workspace.service
        self.workspace = workspace
        self.metrics = Metrics()
        self.joiner = Joiner(self.metrics.joined, self.metrics.waiting)
        self.champions = Champions(workspace, make=self._prepare, on_change=self._changed)
        self.board = board or Board(None)
        self.log = RequestLog(settings.request_log)
        self.drain = Drain(self.board, settings.drain_seconds)
        self.following = Following(workspace)
        duties = [self.following.ask] if settings.follow == "registry" else []
        self.watch = Watch([self.champions.look, *duties, self.health], seconds=settings.poll_seconds)
        self.hosts = frozenset({*LOOPBACK_NAMES, settings.host})
        self._store: Store | None = None
        self._read: dict[tuple[int, str], Any] = {}
        self._health: Health | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Serving:
        """Open what the variable `REVML_WORKSPACE` names (a workspace file or its folder; default: the file here).

        Raises:
            ConfigError: there is no such workspace, or it is wrong.
        """
        workspace = load_workspace(Path(environment.get(WORKSPACE, WORKSPACE_FILE)))
        serving = cls(workspace, Board.from_environment(environment))
        serving.start()
        return serving

    def start(self) -> None:
        """Compile and load what is there, so that no request waits for it, and keep up with the world from then on."""
        warm()
        self.champions.look()
        self.board.tell(serving=self._versions())
        self.log.start()
        self.watch.start()

    @property
    def leaving(self) -> bool:
        """Whether this worker is ending: it answers, but should be sent nothing more."""
        return self.drain.draining

    def health(self) -> Health:
        """What works and what does not, found now; asks the store."""
        self._health = found = examine(self)
        return found

    @property
    def degraded(self) -> tuple[str, ...]:
        """What did not work as it should when it was last looked at; costs nothing."""
        return self._health.degraded if self._health is not None else ()

    def _prepare(self, bundle: Bundle) -> Prepared:
        return Prepared.of(bundle, currency=self.workspace.company.currency)

    def _versions(self) -> list[list[str]]:
        """What serves, as the other workers are told it."""
        return sorted([question, bundle.hash[:12]] for question, bundle in self.champions.loaded.items())

    def _changed(self, bundle: Bundle, before: Bundle | None) -> None:
        old = None if before is None else (before.version, before.hash[:12])
        self.metrics.serves(bundle.question, bundle.version, bundle.hash[:12], old)
        self.board.tell(serving=self._versions())

    @property
    def store(self) -> Store:
        """The scores database.

        Raises:
            StoreError: it is away.
        """
        with self._lock:
            if self._store is None:
                self._store = Store.open(self.workspace.store_url)
            return self._store

    def of_current_run(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` reads out of the current run, read once: a published run never changes."""
        run = self.store.current()
        if run is None:
            return make()
        key = (run.id, name)
        if key in self._read:
            return self._read[key]
        made, after = make(), self.store.current()
        if after is not None and after.id == run.id:  # not when another run was published meanwhile
            kept = {known: value for known, value in self._read.items() if known[0] == run.id}
            self._read = kept | {key: made}
        return made

    def close(self) -> None:
        """End what runs beside the requests, and close the store."""
        self.watch.close()
        self.joiner.close()
        self.log.close()
        self.board.close()
        self.metrics.close()
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
