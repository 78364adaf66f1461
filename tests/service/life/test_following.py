"""MLflow's alias is followed by a process apart, with a real MLflow on SQLite."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from revml.config import WORKSPACE_FILE, Workspace, load_workspace
from revml.errors import Busy
from revml.models.registry import appoint, appointed, number, pointed
from revml.service.life.following import Following, follow_aliases
from tests.service.conftest import RULE, fill, make_workspace, write_bundle_of

pytestmark = pytest.mark.slow


def following(folder: Path, extra: str = "") -> Workspace:
    """A filled workspace that follows the registry."""
    make_workspace(folder)
    text = (folder / WORKSPACE_FILE).read_text(encoding="utf-8")
    told = text.replace("service: {", "service: {follow: registry, registry_seconds: 1, ")
    (folder / WORKSPACE_FILE).write_text(f"{told}{extra}", encoding="utf-8")
    workspace = load_workspace(folder)
    fill(workspace)
    return workspace


def test_a_registry_that_is_away_stops_nothing(tmp_path: Path) -> None:
    """The round tells that MLflow is away, and the champion stays."""
    workspace = following(tmp_path, 'tracking: {uri: "http://127.0.0.1:1"}\n')
    run = [sys.executable, "-m", "revml.service.life.following", str(tmp_path / WORKSPACE_FILE)]
    subprocess.run(run, check=True, timeout=240)
    check = Following(workspace).check()
    assert (check["ok"], check["degraded"]) == (False, ["registry-away"])
    assert "MLflow is away" in check["problem"]


def test_an_empty_registry_changes_nothing(tmp_path: Path) -> None:
    """No model bears the alias: nothing is fetched, and nothing is wrong."""
    workspace = following(tmp_path)
    told = follow_aliases(workspace)
    assert (told["problem"], told["problems"], told["seen"]) == ("", {}, {})


def test_a_worker_starts_the_child_and_never_waits_for_it(tmp_path: Path) -> None:
    """`ask` returns at once; some rounds later the answer is there, and MLflow was not imported here."""
    workspace = following(tmp_path)
    one, other = Following(workspace), Following(workspace)
    started = time.monotonic()
    one.ask()
    other.ask()  # the lock is the first one's
    assert time.monotonic() - started < 5
    assert other._child is None
    until = time.monotonic() + 240
    while "asked_seconds_ago" not in one.check() and time.monotonic() < until:
        one.ask()
        time.sleep(0.1)
    assert one.check()["ok"] is True


def test_a_change_made_here_while_mlflow_was_asked_is_not_undone(tmp_path: Path) -> None:
    """Who decided on what was pointed at before is refused, and a version that becomes known appoints nobody."""
    workspace = following(tmp_path)
    folder = workspace.bundles_dir / "churn"
    before = pointed(folder)
    assert before is not None
    other = write_bundle_of(folder, replace(RULE, levels=(2.0, -1.0, -3.0))).folder.name
    appoint(folder, other, None, event="promote")
    with pytest.raises(Busy, match="changed meanwhile"):
        appoint(folder, before, "1", event="fetch", instead_of=before)
    number(folder, before, "1")
    assert appointed(workspace, "churn") == (folder / other, None)
    number(folder, other, "2")
    assert appointed(workspace, "churn") == (folder / other, "2")
