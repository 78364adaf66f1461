"""The models that serve, by question: looked for in the background, swapped by one assignment.

`get` is a read of a dictionary. `look` compares the pointer files with what was seen last; what is new is tried in a
process of its own, loaded beside the old one, its golden rows are checked here too, and only then it takes its place:
a request that began with the old one ends with it. One that is not fit changes nothing and is told by `broken`. The one
before stays in memory, so that going back takes no time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from revml.config import QUESTIONS, QuestionName, Workspace
from revml.errors import NotFound, RevmlError
from revml.models.bundle import Bundle
from revml.models.registry import POINTER, appointed, champion
from revml.service.life.soundness import check_sound
from revml.service.life.trial import tried
from revml.service.life.verdicts import Verdicts

Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """A model that serves, and what was made of it once for its requests."""

    bundle: Bundle
    made: Any = None


class Champions:
    """The verified champions of a workspace.

    Args:
        make: what is made of a bundle before it serves, once, off the event loop: `served(question).made`.
        on_change: told each bundle that begins to serve, and the one before it.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        make: Callable[[Bundle], Any] | None = None,
        on_change: Callable[[Bundle, Bundle | None], None] | None = None,
    ) -> None:
        self.workspace = workspace
        self.make, self.on_change = make, on_change
        self._serving: dict[str, Served] = {}
        self._before: dict[str, Served] = {}
        self._seen: dict[str, Stamp | None] = {}
        self._broken: dict[str, RevmlError] = {}
        self._lock = threading.Lock()
        self._verdicts = Verdicts(workspace.work_dir / "service")

    def get(self, question: QuestionName) -> Bundle:
        """The champion of a question.

        Raises:
            NotFound: there is none.
            BundleError: it is broken and there was none before it.
        """
        return self.served(question).bundle

    def served(self, question: QuestionName) -> Served:
        """The champion of a question with what `make` made of it; raises as `get` does."""
        try:
            return self._serving[question]
        except KeyError:
            raise self._why_none(question) from None

    @property
    def loaded(self) -> dict[str, Bundle]:
        """What serves now."""
        return {question: one.bundle for question, one in self._serving.items()}

    @property
    def broken(self) -> dict[str, RevmlError]:
        """Champions that were appointed but cannot serve, with the reason."""
        return dict(self._broken)

    def look(self) -> bool:
        """Load what was appointed since the last look; whether anything changed. May take as long as a trial."""
        with self._lock:
            changed = [self._look_at(question) for question in QUESTIONS]
        return any(changed)

    load_all = look

    def _look_at(self, question: QuestionName) -> bool:
        stamp = self._stamp(question)
        if question in self._seen and self._seen[question] == stamp:
            return False
        before = self._serving.get(question)
        broken = {name: error for name, error in self._broken.items() if name != question}
        try:
            served = self._prepared(question)
        except NotFound as error:
            self._broken = broken if stamp is None and before is None else broken | {question: error}
        except RevmlError as error:
            self._broken = broken | {question: error}
        else:
            self._broken = broken
            if before is not None and before.bundle.hash != served.bundle.hash:
                self._before = self._before | {question: before}
            self._serving = self._serving | {question: served}  # the swap
            if self.on_change is not None:
                self.on_change(served.bundle, before.bundle if before else None)
        self._seen[question] = stamp if question not in self._broken else self._stamp(question)
        return True

    def _prepared(self, question: QuestionName) -> Served:
        """The appointed champion, ready to serve.

        Raises:
            NotFound, BundleError: see `models.champion`; or its trial, or its golden rows, say no.
        """
        place, version = appointed(self.workspace, question)
        for known in (self._serving.get(question), self._before.get(question)):
            if known is not None and known.bundle.folder == place:
                return (
                    known
                    if known.bundle.registered == version
                    else self._made(replace(known.bundle, registered=version))
                )
        self._verdicts.sound(place, lambda: tried(place, seconds=self.workspace.service.trial_seconds))
        bundle = champion(self.workspace, question)
        check_sound(bundle)
        _ = bundle.reference  # read now, so that no request waits for it or misses it
        return self._made(bundle)

    def _made(self, bundle: Bundle) -> Served:
        return Served(bundle, self.make(bundle) if self.make is not None else None)

    def _why_none(self, question: QuestionName) -> RevmlError:
        if question in self._broken:
            return self._broken[question]
        try:
            appointed(self.workspace, question)
        except RevmlError as error:
            return error
        return NotFound(
            f"the champion of {question} is being loaded",
            wanted="a model that serves",
            got="one that was appointed a moment ago",
            do="ask again in some seconds",
        )

    def _stamp(self, question: QuestionName) -> Stamp | None:
        """What tells that there is something new: the pointer's file, and the bundle's files where it is broken."""
        folder = self.workspace.bundles_dir / question
        try:
            found = (folder / POINTER).stat()
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_ino)
        return stamp if question not in self._broken else (*stamp, *self._files(question))

    def _files(self, question: QuestionName) -> Stamp:
        """Times and sizes of the files of a broken bundle: who mends it need not touch the pointer."""
        try:
            folder: Path = appointed(self.workspace, question)[0]
            return tuple(
                number for file in sorted(folder.iterdir()) for number in (file.stat().st_mtime_ns, file.stat().st_size)
            )
        except (OSError, RevmlError):
            return ()
