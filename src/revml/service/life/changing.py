"""A change of champion as a child process, for no worker imports what a promotion needs: MLflow, the facts, the gate.

    python -m revml.service.life.changing WORKSPACE_FILE QUESTION      with what is asked as JSON on stdin

<work_dir>/service/changes/<question>.json    the last change of a question that the service was asked for (a `told`)

A promotion compares two models on the newest window, which takes seconds to minutes: whoever asked waits a few seconds
and asks again later. One change of a question at a time; the pointer file is changed in one step or not at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from revml.config import WORKSPACE_FILE, QuestionName, Workspace, load_workspace
from revml.errors import Busy, ConfigError, GateError, NotFound, RevmlError
from revml.locks import alive, held
from revml.whole_file import whole

LONGEST = 1800  # seconds
TELL_SECONDS = 120
RUNNING, DONE, REFUSED, INTERRUPTED = "running", "done", "refused", "interrupted"


def begin(workspace: Workspace, question: QuestionName, asked: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """Start a change; `last_change` tells what came of it.

    Args:
        asked: `action` (promote, or tell: let MLflow follow), `id`, and for a promotion bundle, force, reason.
    """
    command = [sys.executable, "-m", __name__, str(workspace.root / WORKSPACE_FILE), question]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(dict(asked)).encode())
            child.stdin.close()
    return child


def last_change(workspace: Workspace, question: str) -> dict[str, Any] | None:
    """The last change that was asked for; None where there was none."""
    try:
        told = json.loads(_place(workspace, question).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict):
        return None
    if told.get("state") == RUNNING and not alive(int(told.get("pid", 0))):
        told["state"] = INTERRUPTED
    told.pop("pid", None)
    return told


def _place(workspace: Workspace, question: str) -> Path:
    return workspace.work_dir / "service" / "changes" / f"{question}.json"


def _tell(workspace: Workspace, question: str, told: Mapping[str, Any]) -> None:
    place = _place(workspace, question)
    place.parent.mkdir(parents=True, exist_ok=True)
    with whole(place) as new:
        new.write_text(json.dumps({**told, "pid": os.getpid()}), encoding="utf-8")


def change(workspace: Workspace, question: QuestionName, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked; returns what there is to tell of it, a refusal included.

    Raises:
        Busy: another change of the question is under way.
    """
    told: dict[str, Any] = {"id": str(asked.get("id", "")), "question": question, "action": "promote"}
    with held(_place(workspace, question).with_suffix(".lock"), f"changing the champion of {question}"):
        told |= {"state": RUNNING, "started_at": _now(), "ended_at": None}
        _tell(workspace, question, told)
        try:
            told |= _promoted(workspace, question, asked)
        except RevmlError as error:
            status = {GateError: 409, NotFound: 404, ConfigError: 422, Busy: 409}.get(type(error), 503)
            parts = {name: getattr(error, name) for name in ("wanted", "got", "do")}
            told |= {"state": REFUSED, "status": status, "what": error.what, **parts}
        told["ended_at"] = _now()
        _tell(workspace, question, told)
    return told


def _promoted(workspace: Workspace, question: QuestionName, asked: Mapping[str, Any]) -> dict[str, Any]:
    from revml.promoting import promote
    from revml.retraining import facts_for

    facts = facts_for(workspace, question)
    done = promote(
        workspace,
        facts,
        question,
        bundle=asked.get("bundle"),
        force=bool(asked.get("force", False)),
        reason=str(asked.get("reason", "")),
    )
    rows = [asdict(row) for row in done.rows]
    said = {"bundle": done.champion.hash, "before": done.before, "forced": done.forced, "note": done.note}
    return {"state": DONE, **said, "gate": rows}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def main(arguments: Sequence[str]) -> int:
    """Do what stdin asks."""
    if hasattr(signal, "alarm"):
        signal.alarm(LONGEST)
    workspace, question = load_workspace(arguments[0]), cast(QuestionName, arguments[1])
    asked = json.loads(sys.stdin.read())
    if asked.get("action") == "tell":
        from revml.models.registry import training
        from revml.tracking import follow

        # A promotion may still be telling MLflow of itself; a training that takes longer tells it when it ends.
        with contextlib.suppress(Busy), training(workspace.bundles_dir / question, question, wait_seconds=TELL_SECONDS):
            follow(workspace, question)
        return 0
    try:
        change(workspace, question, asked)
    except Busy:
        return Busy.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
