"""Packed files: gzip and zstd, told by their first bytes.

Comes in: a file. Goes out: how it is packed, its unpacked bytes as a stream, and whether it is whole. A gzip file that
was cut off is an error of whoever reads it; a zstd file would merely end early, so its frames are walked here, header
by header, without unpacking them.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from revml.errors import DataError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# What DuckDB calls them, by the end of a file's name.
ENDINGS = {".gz": "gzip", ".zst": "zstd"}
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)


def packing(file: Path) -> str:
    """How a file is packed: `gzip`, `zstd` or `none`.

    Raises:
        OSError: it cannot be opened.
    """
    with file.open("rb") as content:
        head = content.read(4)
    return "gzip" if head[:2] == GZIP else "zstd" if head == ZSTD else "none"


def require_as_named(file: Path) -> None:
    """A file whose name says that it is packed must be, and a packed file must be whole.

    Raises:
        DataError: it is not.
        OSError: it cannot be opened.
    """
    found, said = packing(file), ENDINGS.get(file.suffix.lower())
    if said is not None and found != said:
        raise DataError(
            "this cannot be read",
            where=file.name,
            wanted=f"a file packed with {said}, as its name says",
            got="other content" if file.stat().st_size else "an empty file",
            do="write it again, or give it the name of what it is",
        )
    if found == "zstd":
        _require_whole(file)


def unpacked(file: Path, packed: str) -> BinaryIO:
    """The bytes of a file without its packing; reading one that was cut off raises OSError or EOFError."""
    if packed == "gzip":
        return cast(BinaryIO, gzip.open(file, "rb"))
    if packed == "zstd":
        return cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(file)), "zstd"))
    return file.open("rb")


def _require_whole(file: Path) -> None:
    with file.open("rb") as content:
        if not _whole(content, file.stat().st_size):
            raise DataError(
                "this file was cut off",
                where=file.name,
                wanted="a whole zstd file",
                got=f"{file.stat().st_size:,} bytes that end in the middle",
                do="write or copy it again",
            )


def _whole(content: BinaryIO, size: int) -> bool:
    """Walk the frames (RFC 8878, 3.1): each names the length of each of its blocks."""
    while (at := content.tell()) < size:
        magic = _number(content, 4)
        if magic in _SKIPPABLE:
            content.seek(_number(content, 4), io.SEEK_CUR)
        elif magic == int.from_bytes(ZSTD, "little"):
            told = _number(content, 1)
            single = told >> 5 & 1
            window, known, length = 1 - single, (0, 1, 2, 4)[told & 3], (single, 2, 4, 8)[told >> 6]
            content.seek(window + known + length, io.SEEK_CUR)
            last = 0
            while not last and content.tell() < size:
                block = _number(content, 3)
                last = block & 1
                content.seek(1 if block >> 1 & 3 == 1 else block >> 3, io.SEEK_CUR)
            if not last:
                return False
            content.seek(4 * (told >> 2 & 1), io.SEEK_CUR)
        else:
            return False
        if content.tell() <= at:
            return False
    return content.tell() == size


def _number(content: BinaryIO, length: int) -> int:
    return int.from_bytes(content.read(length), "little")
