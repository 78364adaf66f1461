"""The files a table stands in, wherever they are: name, place, size and version.

Comes in: paths. Goes out: `SourceFile`s, by which a later run tells what is new. No content is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SourceFile:
    """One file of a table, on this machine or in an object store.

    Attributes:
        name: what messages call it.
        path: where it stands: a path, or a URL such as s3://bucket/usage/01.parquet.
        size: in bytes.
        version: another text whenever the content is another: the time of the last change, or the store's own tag.
    """

    name: str
    path: str
    size: int
    version: str


def local_file(file: Path) -> SourceFile:
    """A file of this machine.

    Raises:
        OSError: it is gone.
    """
    stat = file.stat()
    return SourceFile(file.name, str(file), stat.st_size, str(stat.st_mtime_ns))
