"""What the sender says of the files: rows, bytes and checksums, compared before anything is read.

Comes in: files, and a manifest beside them: `usage-01.csv.manifest.json` for one file, or `manifest.json` for a folder:

    {"files": {"usage-01.csv": {"rows": 1000, "bytes": 12345, "sha256": "9f86d0..."}}}

Each figure is optional. Goes out: nothing, or an error that tells what was announced and what is there. A file that
the manifest names and that is not there is an error as well: a part is missing. A CSV cut off at the end of a line
cannot be told from a whole one in any other way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from revml.errors import DataError

FOLDER_MANIFEST = "manifest.json"
BESIDE = ".manifest.json"
FIGURES: dict[str, type] = {"rows": int, "bytes": int, "sha256": str}


def is_manifest(name: str) -> bool:
    """Whether a file is a manifest, by its name."""
    return name == FOLDER_MANIFEST or name.endswith(BESIDE)


def compare(
    files: Sequence[Path], rows: Callable[[Path], int] | None, there: Callable[[Path], bool] = Path.is_file
) -> None:
    """Compare files with the manifests beside them.

    Args:
        rows: how many rows a file holds; None where files have no rows of their own (databases).
        there: whether a file that a manifest names is there.

    Raises:
        DataError: a manifest is broken, names a file that is not there, or tells other figures.
    """
    told: dict[Path, Mapping[str, Any]] = {}
    for folder in dict.fromkeys(file.parent for file in files):
        if (manifest := folder / FOLDER_MANIFEST).is_file():
            told |= _read(manifest, there)
    for file in files:
        if (manifest := file.with_name(file.name + BESIDE)).is_file():
            told |= _read(manifest, there)
    for file in files:
        if file in told:
            _compare(file, told[file], rows)


def _read(manifest: Path, there: Callable[[Path], bool]) -> dict[Path, Mapping[str, Any]]:
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        told: dict[Path, Mapping[str, Any]] = {manifest.parent / name: dict(figures) for name, figures in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            "this manifest cannot be read",
            where=manifest.name,
            wanted='{"files": {"usage-01.csv": {"rows": 1000, "bytes": 12345, "sha256": "..."}}}',
            got=f"{type(error).__name__}: {error}",
            do="write it as docs/your-data.md shows, or remove it",
        ) from None
    for file, figures in told.items():
        if unknown := {name for name in figures if not isinstance(figures[name], FIGURES.get(name, ()))}:
            raise DataError(
                f"the manifest tells of {file.name} what revml does not understand",
                where=manifest.name,
                wanted="rows and bytes as whole numbers, sha256 as text",
                got=", ".join(f"{name}: {figures[name]!r}" for name in sorted(unknown)),
                do="correct it or leave it out",
            )
        if not there(file):
            raise _otherwise(manifest.name, file, "the file", "no such file")
    return told


def _compare(file: Path, told: Mapping[str, Any], rows: Callable[[Path], int] | None) -> None:
    if "bytes" in told and (size := file.stat().st_size) != told["bytes"]:
        raise _otherwise(file.name, file, f"{told['bytes']:,} bytes", f"{size:,} bytes")
    if "sha256" in told:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != str(told["sha256"]).lower():
            raise _otherwise(file.name, file, f"SHA-256 {told['sha256']}", digest)
    if "rows" in told and rows is not None and (there := rows(file)) != told["rows"]:
        raise _otherwise(file.name, file, f"{told['rows']:,} rows", f"{there:,} rows")


def _otherwise(where: str, file: Path, wanted: str, got: str) -> DataError:
    return DataError(
        f"{file.name} is not what its manifest says",
        where=where,
        wanted=wanted,
        got=got,
        do="fetch or write it again with its manifest; it may have been cut off, or still be on its way",
    )
