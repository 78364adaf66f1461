"""CSV files in an older code page, rewritten in UTF-8 before they are read.

Comes in: files and the name of their encoding. Goes out: copies in a temporary folder, written block by block. Nothing
is guessed: bytes that the encoding does not have are an error with their place.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path

from revml.errors import DataError
from revml.sources.copies import copied_to
from revml.sources.packing import packing, unpacked

BLOCK = 1 << 20
NOT_UTF8 = "the line is not UTF-8 text"
# DuckDB reads these as they are.
READ_AS_THEY_ARE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


def needs_copy(encoding: str | None) -> bool:
    """Whether files in an encoding must be rewritten."""
    return encoding is not None and codecs.lookup(encoding).name not in READ_AS_THEY_ARE


def notes(quarantined: Mapping[str, int]) -> list[str]:
    """The way out, where lines were put aside because they are not UTF-8.

    Args:
        quarantined: rows by reason.
    """
    lines = quarantined.get(NOT_UTF8, 0)
    if not lines:
        return []
    return [
        f"{lines:,} lines are not UTF-8: if the file was saved in an older code page, name it in revml.yaml, such as"
        " encoding: windows-1250, and nothing is put aside"
    ]


def in_utf8(files: Sequence[Path], encoding: str, folder: Path, root: str) -> tuple[Path, ...]:
    """Copies of CSV files in UTF-8, unpacked.

    Args:
        folder: where the copies go.
        root: the folder that the files have in common.

    Raises:
        DataError: a file holds bytes that the encoding does not have, or cannot be read.
    """
    return tuple(_rewrite(file, encoding, copied_to(folder, root, str(file))) for file in files)


def _rewrite(file: Path, encoding: str, copy: Path) -> Path:
    decoder = codecs.getincrementaldecoder(encoding)()
    copy.parent.mkdir(parents=True, exist_ok=True)
    new = copy.with_name(f"{copy.name}.new")
    lines = 1
    try:
        with unpacked(file, packing(file)) as content, new.open("w", encoding="utf-8", newline="") as out:
            while block := content.read(BLOCK):
                out.write(decoder.decode(block))
                lines += block.count(b"\n")
            out.write(decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n")
        raise DataError(
            f"this is not text in {encoding}",
            where=f"{file.name}, line {line:,}",
            wanted=f"bytes that {encoding} knows",
            got=f"the byte 0x{error.object[error.start]:02x}",
            do="name the encoding it was saved in (encoding: in revml.yaml), or save it as UTF-8 and leave the key out",
        ) from None
    except (OSError, EOFError) as error:
        raise DataError(
            "this cannot be read",
            where=file.name,
            wanted="a whole file",
            got=str(error)[:300],
            do="write or copy it again",
        ) from None
    new.replace(copy)
    return copy
