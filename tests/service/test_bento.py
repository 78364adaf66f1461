"""The bento: its packages are the project's, it builds, and what was built answers."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from revml.config import Workspace
from revml.service.process import SERVICE, start_service
from tests.service.conftest import free_port
from tests.service.test_live import ask

ROOT = Path(__file__).parents[2]
BENTOFILE = ROOT / "bentofile.yaml"
needs_checkout = pytest.mark.skipif(not BENTOFILE.exists(), reason="bentofile.yaml is not here: not a checkout")


@needs_checkout
def test_its_packages_are_the_projects_dependencies() -> None:
    """BentoML does not read pyproject.toml, so the two lists are held against each other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bento = yaml.safe_load(BENTOFILE.read_text(encoding="utf-8"))
    assert bento["python"]["packages"] == project["dependencies"]
    assert bento["service"] == SERVICE


def test_importing_the_service_does_nothing(tmp_path: Path) -> None:
    """No folder is made, no workspace is asked for, no environment is changed."""
    code = "import os; before = dict(os.environ); import revml.service.app; assert dict(os.environ) == before"
    environment = {**os.environ, "HOME": str(tmp_path), "REVML_WORKSPACE": "/nowhere/revml.yaml"}
    environment.pop("BENTOML_HOME", None)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@needs_checkout
def test_what_was_built_answers(workspace: Workspace, tmp_path: Path) -> None:
    """`bentoml build`, then the built folder is served with a workspace that it did not know when it was built."""
    home = {"BENTOML_HOME": str(tmp_path / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "bentoml", "build", str(ROOT), "--output", "tag"]
    built = subprocess.run(command, env=os.environ | home, capture_output=True, text=True, check=True)
    name, version = built.stdout.strip().splitlines()[-1].removeprefix("__tag__:").split(":")
    bento = tmp_path / "home" / "bentos" / name / version
    assert (bento / "src" / "revml" / "service" / "pages" / "index.html").exists()
    assert not (bento / "src" / "tests").exists()
    with start_service(workspace.root, port=free_port(), target=str(bento), environment=home) as service:
        assert ask(service, "GET", "/readyz")[2]["ready"] is True
        row = {"active_users_28d": 0, "seats": 5, "industry": "retail"}
        answer = ask(service, "POST", "/v1/score", {"question": "churn", "rows": [row]})
        assert answer[2]["rows"][0]["band"] == "high"
        assert "/static/app.js" in ask(service, "GET", "/")[2]
