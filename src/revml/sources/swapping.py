"""Putting a whole folder in the place of another, so that at any moment one of them stands there whole.

Comes in: a new folder beside its place, on the same disk. Goes out: the new one in its place, safely on disk; the old
one under the new one's former name. Where the system can exchange two names at once (Linux, macOS), no reader and no
crash meets an empty place; elsewhere the old folder is put back by the next check.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

ATTEMPTS = 20
HERE = -100
EXCHANGE = 2


def swap(new: Path, place: Path) -> None:
    """Put a folder in its place; of two checks at the same time the last one wins.

    Raises:
        OSError: the disk does not let it.
    """
    for file in new.rglob("*"):
        if file.is_file():
            with file.open("rb") as content:
                os.fsync(content.fileno())
    for attempt in range(ATTEMPTS):
        try:
            _put(new, place, attempt)
        except OSError:
            # Another check put its folder there, or took it away, at the same moment.
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


def _put(new: Path, place: Path, attempt: int) -> None:
    if place.exists():
        if _exchange(new, place):
            return
        place.replace(new.with_name(f"{new.name}.old{attempt}"))
    new.replace(place)


def recover(rooms: list[Path], name: str, place: Path) -> None:
    """Put back a folder that a check was killed over between taking the old one away and putting the new one there."""
    old = [folder for room in rooms for folder in room.glob(f"{name}.old*")]
    if old and not place.exists():
        max(old, key=lambda folder: folder.stat().st_mtime_ns).replace(place)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once; false where the system cannot."""
    names = os.fsencode(one), os.fsencode(other)
    libc: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        return bool(libc.renameat2(HERE, names[0], HERE, names[1], EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        return bool(libc.renamex_np(*names, EXCHANGE) == 0)
    return False
