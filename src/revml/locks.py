"""One process at a time: a lock that the system itself lets go when its holder ends, however it ends.

The file beside what is locked tells who holds it and stays when it is free; only the lock on it counts, so that a
process that was killed leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from revml.errors import Busy

PAUSE = 0.05  # seconds between two tries


@contextmanager
def held(place: Path, doing: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock file `place` while the block runs.

    Args:
        doing: what its holder does, for the message that another one gets.
        wait_seconds: how long to wait for another holder.

    Raises:
        Busy: another process, or another part of this one, holds it; says which and since when.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / ".lock"
    >>> with held(place, "training churn"):
    ...     try:
    ...         with held(place, "training churn"):
    ...             pass
    ...     except Busy as error:
    ...         print(error.what)
    training churn is under way already
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(file, place, wait_seconds)
        since = datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat()
        told = {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "doing": doing}
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(told).encode(), 0)
        yield
    finally:
        os.close(file)


def alive(pid: int) -> bool:
    """Whether a process of this machine still runs."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _take(file: int, place: Path, wait_seconds: float) -> None:
    until = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(PAUSE)
                continue
            raise _busy(place) from None
        return


def _busy(place: Path) -> Busy:
    try:
        told = json.loads(place.read_text(encoding="utf-8"))
        doing, who = str(told["doing"]), f"process {told['pid']} on {told['host']}, since {told['since']} UTC"
    except (OSError, ValueError, KeyError, TypeError):
        doing, who = "something else", "a process that has not told its name yet"
    return Busy(
        f"{doing} is under way already",
        where=str(place),
        wanted="one at a time",
        got=who,
        do="wait until it ends and call again; a process that was killed holds nothing",
    )
