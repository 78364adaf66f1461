"""An environment of its own for a peer, made once in the user's cache folder, never in the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def ready(*packages: str) -> bool:
    """Whether the environment with the packages has been made already."""
    return (_folder(packages) / "ready").exists()


def python_with(*packages: str) -> Path | None:
    """The Python of an environment with the packages (pinned, `name==version`), or None with a line that says why.

    It is made with `venv` and `pip` in `$XDG_CACHE_HOME/revml-benchmarks`, `~/.cache` where that is unset.
    """
    folder = _folder(packages)
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return python
    print(f"  installing {', '.join(packages)} into {folder} ...", flush=True)
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
    except (OSError, subprocess.CalledProcessError) as error:
        told = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        print(f"  skipped: {', '.join(packages)} could not be installed: {told[-1] if told else error}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    (folder / "ready").touch()
    return python


def _folder(packages: tuple[str, ...]) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "revml-benchmarks" / "-".join(packages).replace("==", "-")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
