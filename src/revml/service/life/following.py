"""Following MLflow's alias `champion`: asked for by a child process, for no worker ever imports MLflow.

    python -m revml.service.life.following WORKSPACE_FILE

<work_dir>/service/registry.json    {"at", "problem", "problems": {question: …}, "seen": {question: version}}

The child asks which versions bear the alias. One that it has not seen yet is downloaded, verified, scored on its golden
rows, and only then appointed: the pointer file changes and the workers take it over as any other. An alias that stays
where it was changes nothing, so that a promotion here, of which MLflow could not be told, is not undone, nor one that
is made while MLflow is asked. With MLflow away everything serves on, and `check` says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from revml.config import QUESTIONS, WORKSPACE_FILE, Workspace, load_workspace
from revml.errors import Busy, RevmlError, TrackingError
from revml.locks import held
from revml.models.registry import appointed, pointed
from revml.whole_file import whole

STATE, LOCK = "registry.json", ".registry.lock"
LONGEST = 300  # seconds that a round may take, downloads and all


class Following:
    """One worker's part in it: whoever gets the lock when the time has come starts the child."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.folder = workspace.work_dir / "service"
        self._child: subprocess.Popen[bytes] | None = None
        self._until = 0.0
        self._held = contextlib.ExitStack()

    def ask(self) -> None:
        """Start the child when it is time, and look after one that runs; returns at once."""
        if self._child is not None:
            if self._child.poll() is None and time.monotonic() < self._until:
                return
            code = self._child.poll()
            if code is None:
                self._child.kill()
                self._child.wait()
            if code != 0:
                why = f"no answer within {LONGEST} s" if code is None else f"the child that asks ended with {code}"
                _write(self.folder, {**_read(self.folder), "at": time.time(), "problem": why})
            self._child = None
            self._held.close()
            return
        if time.time() - float(_read(self.folder).get("at", 0.0)) < self.workspace.service.registry_seconds:
            return
        with contextlib.suppress(Busy):
            self._held.enter_context(held(self.folder / LOCK, "asking MLflow for its champions"))
            command = [sys.executable, "-m", __name__, str(self.workspace.root / WORKSPACE_FILE)]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
            )
            self._until = time.monotonic() + LONGEST

    def check(self) -> dict[str, Any]:
        """What the last round told."""
        told = _read(self.folder)
        if not told:
            return {"ok": True, "asked": None}
        problem = told.get("problem") or told.get("problems") or None
        check: dict[str, Any] = {"ok": not problem, "asked_seconds_ago": round(time.time() - told["at"])}
        if problem:
            check |= {"problem": problem, "degraded": ["registry-away" if told.get("problem") else "champion-broken"]}
        return check | {"versions": told.get("seen", {})}


def follow_aliases(workspace: Workspace) -> dict[str, Any]:
    """One round: fetch what is new, and return what there is to tell of it."""
    from revml.tracking import champion_versions, fetch_champion

    folder = workspace.work_dir / "service"
    before = _read(folder)
    seen: dict[str, str] = dict(before.get("seen", {}))
    problems: dict[str, str] = dict(before.get("problems", {}))
    pointing = {question: pointed(workspace.bundles_dir / question) for question in QUESTIONS}
    try:
        named = champion_versions(workspace, QUESTIONS)
        for question in QUESTIONS:
            if question not in named or seen.get(question) == named[question][0]:
                continue
            version, digest = named[question]
            problems.pop(question, None)
            try:
                if _serves(workspace, question) != digest[:12]:
                    fetch_champion(workspace, question, instead_of=pointing[question])
            except TrackingError:
                raise
            except Busy:  # promoted or rolled back here since MLflow was asked, which it is about to be told
                continue
            except RevmlError as error:
                problems[question] = f"{error.what}: {error.got}"[:300]
            seen[question] = version
    except TrackingError as error:
        return {"at": time.time(), "problem": f"{error.what}: {error.got}"[:300], "problems": problems, "seen": seen}
    return {"at": time.time(), "problem": "", "problems": problems, "seen": seen}


def _serves(workspace: Workspace, question: Any) -> str:
    try:
        return appointed(workspace, question)[0].name
    except RevmlError:
        return ""


def _read(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) and isinstance(told.get("at"), int | float) else {}


def _write(folder: Path, told: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / STATE) as new:
        new.write_text(json.dumps(told), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """One round, told in the state's file."""
    workspace = load_workspace(arguments[0])
    _write(workspace.work_dir / "service", follow_aliases(workspace))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
