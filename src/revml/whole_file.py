"""Writing a file so that, whatever happens, its place holds the old one or the new one, whole."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(place: Path) -> Iterator[Path]:
    """A path beside `place` to write to; at the end it is safely on disk and takes its place, on an error it is gone.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "told.txt"
    >>> with whole(place) as new:
    ...     _ = new.write_text("all of it")
    >>> place.read_text(), len(list(place.parent.iterdir()))
    ('all of it', 1)
    """
    new = place.with_name(f"{place.name}.{uuid.uuid4().hex}")
    try:
        yield new
        with new.open("rb+") as written:
            os.fsync(written.fileno())
        new.replace(place)
    finally:
        new.unlink(missing_ok=True)
