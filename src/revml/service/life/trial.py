"""A bundle tried in a process of its own: verified, loaded, its golden rows scored, within a time and a memory.

    python -m revml.service.life.trial FOLDER ...

Whatever a loader does with a bad file (it crashes, it never ends, it takes all memory), it does there and not in a
worker that answers. A line of JSON a folder: `{"hash": ..., "golden": true}`, or the error's four parts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from revml.errors import BundleError, RevmlError

MEMORY = 4 * 1024**3  # bytes of data; a bundle is some megabytes
STACK_OF_ERROR = 400  # characters of what a trial that died said last


def tried(folder: Path, *, seconds: float) -> None:
    """Try a bundle apart.

    Raises:
        BundleError: it is broken, does not score as it was trained, or its trial died or did not end in time.
    """
    command = [sys.executable, "-m", __name__, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, env=environment
        )
    except subprocess.TimeoutExpired:
        raise _unfit(folder, f"it was loaded and checked within {seconds:g} s", "not done by then") from None
    except OSError as error:
        raise _unfit(folder, "a process to try it in", error.strerror or str(error)) from None
    told = _told(ended.stdout)
    if "what" in told:
        raise BundleError(**{name: str(told.get(name, "")) for name in ("what", "where", "wanted", "got", "do")})
    if ended.returncode != 0 or "hash" not in told:
        last = ended.stderr.strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
        raise _unfit(folder, "a model that loads", f"its trial died: {last[0][:STACK_OF_ERROR]}")


def _told(output: str) -> dict[str, Any]:
    """The last line that is an object; libraries may have printed before it."""
    for line in reversed(output.splitlines()):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict):
            return told
    return {}


def _unfit(folder: Path, wanted: str, got: str) -> BundleError:
    return BundleError(
        "the model could not be loaded in a trial, so it does not serve",
        where=str(folder),
        wanted=wanted,
        got=got,
        do="promote another, or train again; what served before serves on",
    )


def main(folders: Sequence[str]) -> int:
    """Try each folder and say what came of it; the exit code is 1 where one is not fit."""
    _bound()
    from revml.models.bundle import load_bundle
    from revml.service.life.soundness import check_sound

    code = 0
    for folder in folders:
        try:
            bundle = load_bundle(folder)
            told: dict[str, Any] = {"hash": bundle.hash, "golden": check_sound(bundle)}
        except RevmlError as error:
            code = 1
            told = {"what": error.what, "where": error.where, "wanted": error.wanted, "got": error.got, "do": error.do}
        print(json.dumps(told), flush=True)
    return code


def _bound() -> None:
    """Give this process no more memory than a model may take."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
