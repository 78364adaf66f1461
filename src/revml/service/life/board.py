"""What the workers of a service tell each other: a note a worker in a folder that they share.

<PROMETHEUS_MULTIPROC_DIR>/workers-<pid of their parent>/<pid>.json

BentoML names that folder to its workers and empties it at each start. Where there is none, a worker is alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from revml.locks import alive
from revml.service.environment import SHARED, WORKERS
from revml.whole_file import whole


class Board:
    """The notes of a service's workers."""

    def __init__(self, folder: Path | None, expected: int = 1) -> None:
        self.folder, self.expected = folder, expected
        self._mine: dict[str, Any] = {}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Board:
        """The board of the service that this process is a worker of."""
        shared = environment.get(SHARED)
        expected = environment.get(WORKERS, "1")
        folder = Path(shared) / f"workers-{os.getppid()}" if shared else None
        return cls(folder, int(expected) if expected.isdecimal() else 1)

    def tell(self, **note: Any) -> None:
        """Put up what changed of this worker's note."""
        told = self._mine | note
        if told == self._mine:
            return
        self._mine = told
        if self.folder is None:
            return
        with contextlib.suppress(OSError):  # the others then know less; this worker goes on
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole(self.folder / f"{os.getpid()}.json") as new:
                new.write_text(json.dumps(told), encoding="utf-8")

    def notes(self) -> dict[int, dict[str, Any]]:
        """The notes of the workers that live, by their process."""
        found = {os.getpid(): dict(self._mine)}
        for file in self.folder.glob("*.json") if self.folder is not None else ():
            if file.stem.isdecimal() and int(file.stem) != os.getpid() and alive(int(file.stem)):
                with contextlib.suppress(OSError, ValueError):
                    found[int(file.stem)] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def last_to_leave(self) -> bool:
        """Whether no worker remains that goes on."""
        return all(note.get("draining") for pid, note in self.notes().items() if pid != os.getpid())

    def close(self) -> None:
        """Take this worker's note down."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                (self.folder / f"{os.getpid()}.json").unlink(missing_ok=True)
