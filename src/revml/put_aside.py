"""A folder for what waits on disk while a run works: gone with the run, or with the next one after a kill.

Comes in: a folder of the workspace, never the system's own for temporary files, which may be memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from revml.locks import alive

PREFIX = ".aside-"


def put_aside(place: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of its own in `place`; sweeps away those of processes that are no more.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> (place / f"{PREFIX}0-killed").mkdir()
    >>> with put_aside(place) as folder:
    ...     [Path(folder)] == list(place.iterdir())
    True
    >>> list(place.iterdir())
    []
    """
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob(f"{PREFIX}*"):
        owner = left.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdecimal() and not alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=place)
