"""What the routes work with, opened when the service starts: the workspace, its store and its champions.

The store is opened at its first use and again after a failure, so that a database that is away for a while makes the
service unready, not dead. A champion is verified when it is loaded; when its pointer file changes, the new one is
loaded and verified before it takes over, and a broken one leaves the last good one in place and says so in `/readyz`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from revml.config import QUESTIONS, WORKSPACE_FILE, QuestionName, Workspace, load_workspace
from revml.errors import NotFound, RevmlError
from revml.models import Bundle, champion
from revml.models.registry import POINTER
from revml.service.metrics import Metrics
from revml.store import Store

WORKSPACE_VARIABLE = "REVML_WORKSPACE"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass
class Champions:
    """The verified champions of a workspace, by question."""

    workspace: Workspace
    _loaded: dict[QuestionName, Bundle] = field(default_factory=dict)
    _seen: dict[QuestionName, tuple[int, int] | None] = field(default_factory=dict)
    _broken: dict[QuestionName, RevmlError] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, question: QuestionName) -> Bundle:
        """The champion of a question.

        Raises:
            NotFound: there is none.
            BundleError: it is broken and there was none before it.
        """
        self._refresh(question)
        if question in self._loaded:
            return self._loaded[question]
        if question in self._broken:
            raise self._broken[question]
        return champion(self.workspace, question)

    def load_all(self) -> None:
        """Load what is there, so that no request waits for it; failures are kept for `broken`."""
        for question in QUESTIONS:
            self._refresh(question)

    @property
    def loaded(self) -> dict[QuestionName, Bundle]:
        """What serves now."""
        return dict(self._loaded)

    @property
    def broken(self) -> dict[QuestionName, RevmlError]:
        """Champions that were appointed but cannot serve, with the reason."""
        return dict(self._broken)

    def _refresh(self, question: QuestionName) -> None:
        stamp = self._stamp(question)
        if question in self._seen and self._seen[question] == stamp:
            return
        with self._lock:
            try:
                self._loaded[question] = champion(self.workspace, question)
                self._broken.pop(question, None)
            except NotFound as error:
                if stamp is not None:
                    self._broken[question] = error
            except RevmlError as error:
                self._broken[question] = error
            self._seen[question] = stamp

    def _stamp(self, question: QuestionName) -> tuple[int, int] | None:
        try:
            found = (self.workspace.bundles_dir / question / POINTER).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


class Serving:
    """The state of a running service."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.champions = Champions(workspace)
        self.metrics = Metrics()
        self.hosts = frozenset({*LOOPBACK_NAMES, workspace.service.host})
        self._store: Store | None = None
        self._read: dict[tuple[int, str], Any] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Serving:
        """Open what the variable `REVML_WORKSPACE` names (a workspace file or its folder; default: the file here).

        Raises:
            ConfigError: there is no such workspace, or it is wrong.
        """
        serving = cls(load_workspace(Path(environment.get(WORKSPACE_VARIABLE, WORKSPACE_FILE))))
        serving.champions.load_all()
        return serving

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
        """Close the store."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
