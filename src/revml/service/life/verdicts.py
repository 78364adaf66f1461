"""Which bundles passed their trial on this machine, so that no worker and no restart tries the same one again.

<work_dir>/service/sound/<key>    empty; the key names the bundle's bytes and the libraries that read them

A worker verifies every digest before it loads a bundle: what it loads is what was tried. Where the folder cannot be
written, each worker tries for itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path

from revml.errors import Busy
from revml.locks import held
from revml.models.bundle import verify

LIBRARIES = ("revml", "lightgbm", "numba", "numpy", "llvmlite")
LONGEST = 600  # seconds that another worker's trial is waited for


class Verdicts:
    """The trials that ended well, in a folder that all workers share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sound(self, bundle: Path, trial: Callable[[], None]) -> None:
        """Make sure that a bundle has passed a trial.

        Args:
            trial: tries it, and raises where it is not fit.

        Raises:
            NotFound, BundleError: it is not there, broken, or not fit.
        """
        mark = self.folder / "sound" / _key(str(verify(bundle)["hash"]))
        if mark.exists():
            return
        with contextlib.ExitStack() as stack:
            # Another worker of this service may be at it; where nothing can be locked, this one tries by itself.
            with contextlib.suppress(OSError, Busy):
                stack.enter_context(held(self.folder / ".trial.lock", "trying a model", wait_seconds=LONGEST))
            if mark.exists():
                return
            trial()
            with contextlib.suppress(OSError):
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.touch()


def _key(digest: str) -> str:
    return hashlib.sha256(f"{digest} {_libraries()}".encode()).hexdigest()[:32]


@cache
def _libraries() -> str:
    """What the outcome of a trial depends on beside the bundle."""
    found = [platform.python_version(), platform.machine()]
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return " ".join(found)
