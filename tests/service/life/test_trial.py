"""A bundle is tried apart: whatever it does to its reader, it does there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from revml.errors import BundleError
from revml.service.life import trial
from revml.service.life.trial import tried
from tests.service.conftest import write_bundle_of


def test_a_sound_bundle_passes(tmp_path: Path) -> None:
    """Nothing is raised."""
    tried(write_bundle_of(tmp_path).folder, seconds=120)


def test_an_altered_bundle_does_not(tmp_path: Path) -> None:
    """The error is the loader's own, across the border of the process."""
    bundle = write_bundle_of(tmp_path)
    (bundle.folder / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="broken or was altered") as told:
        tried(bundle.folder, seconds=120)
    assert "SHA-256" in told.value.got


def _module(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the trial's process run `code` first, as a library that it loads might."""
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_a_loader_that_crashes_costs_the_bundle_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies by a signal is told as such."""
    bundle = write_bundle_of(tmp_path / "bundle")
    _module(tmp_path, monkeypatch, f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})")
    with pytest.raises(BundleError, match="could not be loaded in a trial") as told:
        tried(bundle.folder, seconds=120)
    assert "exit code -11" in told.value.got


def test_a_load_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is bounded."""
    bundle = write_bundle_of(tmp_path / "bundle")
    _module(tmp_path, monkeypatch, "import time; time.sleep(600)")
    with pytest.raises(BundleError, match="could not be loaded in a trial") as told:
        tried(bundle.folder, seconds=0.5)
    assert told.value.wanted == "it was loaded and checked within 0.5 s"


@pytest.mark.skipif(os.name != "posix", reason="memory is bounded on POSIX only")
def test_its_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would take the machine's memory ends as an error of the bundle."""
    bundle = write_bundle_of(tmp_path / "bundle")
    code = (
        "import revml.models.bundle as b\n"
        "def hungry(folder, **_):\n"
        f"    return bytearray({trial.MEMORY} * 2)\n"
        "b.load_bundle = hungry\n"
    )
    _module(tmp_path, monkeypatch, code)
    with pytest.raises(BundleError, match="could not be loaded in a trial") as told:
        tried(bundle.folder, seconds=120)
    assert "MemoryError" in told.value.got
