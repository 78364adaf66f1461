"""Where the temporary copy of a file stands, and how its path leads back to the file it is a copy of.

Comes in: a folder for copies and the root that the originals have in common. Goes out: paths below the folder that
mirror those below the root, so that messages and quarantine name the original.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from revml.errors import DataError


def copied_to(folder: Path, root: str, file: str) -> Path:
    """The place of a copy.

    Raises:
        DataError: the file's name would lead out of the folder.
    """
    relative = file.removeprefix(root).replace("\\", "/").lstrip("/")
    parts = PurePosixPath(relative).parts
    if not parts or ".." in parts or "\x00" in relative:
        raise DataError(
            "a file's name leads out of its folder",
            where=file,
            wanted="names without '..'",
            got=relative,
            do="give it another name",
        )
    return folder.joinpath(*parts)
