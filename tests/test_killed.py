"""Processes that are killed or meet each other: real ones, at several points; nothing half stays, nothing doubles."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from revml.config import Tracking, Workspace
from revml.errors import Busy, TrackingError
from revml.models.history import read_entries
from revml.models.registry import appoint, champion, newest_bundle, training
from revml.models.sheet import load_sheet
from revml.tracking import fetch_champion, register, registered_versions
from revml.training import train_dataset
from tests.cli.commands import call
from tests.made_dataset import made_dataset

ROOT = Path(__file__).parent.parent
REGISTER = """
import sys
from pathlib import Path
from revml.config import Workspace
from revml.models.registry import newest_bundle, training
from revml.tracking import register
workspace = Workspace().at(Path(sys.argv[1]))
with training(workspace.bundles_dir / "churn", "churn"):
    register(workspace, newest_bundle(workspace, "churn"))
"""
HOLD = """
import sys, time
from pathlib import Path
from revml.models.registry import training
with training(Path(sys.argv[1]), "churn"):
    print("held", flush=True)
    time.sleep(60)
"""
WRITE = """
import sys
from pathlib import Path
from revml.models.bundle import write_bundle
write_bundle(Path(sys.argv[1]), {"question": "churn"}, {f"{n}.txt": "x" * 3_000_000 for n in range(60)}, {})
"""
APPOINT = """
import sys
from pathlib import Path
from revml.models.registry import appoint
for n in range(40):
    appoint(Path(sys.argv[1]), f"{sys.argv[2]}{n}", None, event="promote")
"""


@contextmanager
def _process(code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def _seen(folder: Path, pattern: str, process: subprocess.Popen[str]) -> bool:
    """Wait until a file of that pattern is there; False where the process ended before."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if next(folder.glob(pattern), None) is not None:
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    raise AssertionError(f"{pattern} never came")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with one bundle that passed, an empty MLflow database, and nothing registered."""
    workspace = Workspace().at(tmp_path_factory.mktemp("trained"))
    sheet = load_sheet(workspace, "churn").model_copy(
        update={"bootstrap_rounds": 30, "rungs": ("constant", "rule", "logistic")}
    )
    assert train_dataset(workspace, made_dataset(accounts=200), sheet=sheet).verdict.passed
    with pytest.raises(TrackingError):
        fetch_champion(workspace, "lapse")
    return workspace.work_dir


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [
        ".revml/bundles/churn/champion.json",
        ".revml/mlartifacts/churn/*/artifacts/pictures",
        ".revml/mlartifacts/churn/*/artifacts/bundle",
        ".revml/mlartifacts/churn/models/*/artifacts/MLmodel",
    ],
)
def test_killed_while_registering(trained: Path, tmp_path: Path, point: str) -> None:
    """Whatever was reached, the next registration gives one whole version, one champion, and nothing left open."""
    import mlflow

    shutil.copytree(trained, tmp_path / ".revml")
    workspace = Workspace().at(tmp_path)
    with _process(REGISTER, str(tmp_path)) as process:
        assert _seen(tmp_path, point, process)
    told = register(workspace, newest_bundle(workspace, "churn"))
    assert (told.version, told.champion, told.away) == ("1", True, "")
    assert registered_versions(workspace, "churn") == {champion(workspace, "churn").hash: ("1", "champion")}
    client = mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    experiments = [client.get_experiment_by_name("churn").experiment_id]
    assert {run.info.status for run in client.search_runs(experiments)} <= {"FINISHED", "KILLED"}
    assert {str(model.status) for model in client.search_logged_models(experiments)} <= {"READY", "FAILED"}
    assert len(read_entries(workspace.bundles_dir / "churn")) == 1
    shutil.rmtree(workspace.bundles_dir)
    assert fetch_champion(workspace, "churn").version == "1"


def test_killed_while_writing_a_bundle(tmp_path: Path) -> None:
    """Half a bundle is no bundle, and the next training sweeps it away."""
    with _process(WRITE, str(tmp_path)) as process:
        assert _seen(tmp_path, ".writing-*/*.txt", process)
    assert [p.name.split("-")[0] for p in tmp_path.iterdir()] == [".writing"]
    with training(tmp_path, "churn"):
        assert list(tmp_path.glob(".writing-*")) == []


def test_two_trainings_at_once(tmp_path: Path) -> None:
    """The second is told who is at it and ends with its own exit code; after a kill the way is free."""
    (tmp_path / "revml.yaml").write_text("company: {name: Two}\n")
    folder = tmp_path / ".revml" / "bundles" / "churn"
    with _process(HOLD, str(folder)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        result = call(tmp_path, "register", "churn")
        assert result.exit_code == Busy.exit_code
        assert f"process {process.pid}" in result.stderr
    with training(folder, "churn"):
        pass


def test_two_promotions_at_once_leave_one_chain(tmp_path: Path) -> None:
    """Eighty changes by two processes: each line of the history begins where the line before ended."""
    with _process(APPOINT, str(tmp_path), "a") as one, _process(APPOINT, str(tmp_path), "b") as two:
        assert (one.wait(60), two.wait(60)) == (0, 0)
    entries = read_entries(tmp_path)
    assert len(entries) == 80
    assert [entry.before for entry in entries] == [None, *(entry.bundle for entry in entries[:-1])]


def test_what_a_killed_promotion_left_is_swept(tmp_path: Path) -> None:
    """A pointer that was never put in its place is gone after the next change."""
    (tmp_path / "champion.json.0123").write_text("{")
    appoint(tmp_path, "b1", None, event="first")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".pointer.lock", "champion.json", "history.jsonl"]


@pytest.mark.slow
def test_two_companies_share_a_server(trained: Path, tmp_path: Path) -> None:
    """With a prefix each, they have experiments, models and champions of their own."""
    shutil.copy(trained / "mlflow.db", tmp_path / "mlflow.db")
    found = []
    for name in ("north", "south"):
        shutil.copytree(trained / "bundles", tmp_path / name / ".revml" / "bundles")
        tracking = Tracking(uri=f"sqlite:///{tmp_path}/mlflow.db", name=name)
        workspace = Workspace(tracking=tracking).at(tmp_path / name)
        assert register(workspace, newest_bundle(workspace, "churn")).version == "1"
        found.append(registered_versions(workspace, "churn"))
    assert [list(versions.values()) for versions in found] == [[("1", "champion")], [("1", "champion")]]
    assert (tmp_path / "north" / ".revml" / "mlartifacts" / "north-churn").is_dir()
