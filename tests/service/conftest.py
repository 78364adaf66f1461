"""A workspace with two published runs and one hand-made champion, and its service: in process, and the real one."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from revml.config import Workspace, load_workspace
from revml.models.baselines import Rung
from revml.models.bundle import Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import Calibration
from revml.models.curve import Curve, Interval
from revml.models.encoding import Encoding
from revml.models.registry import appoint
from revml.service.application import make_application
from revml.service.gate import Gate
from revml.service.life.champions import Champions
from revml.service.observing import Observed
from revml.service.process import RunningService, start_service
from revml.service.serving import Serving
from revml.store import Store
from tests.literal_asking import as_named, publish_kept, with_kept
from tests.literal_kpis import kpi_document
from tests.literal_runs import literal_run, with_attention
from tests.literal_scenarios import scenarios_document
from tests.literal_values import FORECAST, with_values
from tests.literal_views import literal_views
from tests.models import hand_made

FRAME = hand_made.FRAME.rename(columns={"logins_28d": "active_users_28d"})
RULE = hand_made.RULE
CURVE = Curve(
    90,
    0,
    falls=False,
    intervals=(
        Interval(0, 30, "average", -4.0),
        Interval(30, 90, "average", -3.0),
        Interval(90, 180, "average", -3.0),
        Interval(180, 365, "extrapolated", -2.0),
    ),
)
COMPANY = """company: {name: Literal s.r.o., currency: EUR}
data: data
service: {workers: 1, poll_seconds: 0.2, drain_seconds: 1, stale_days: 3650}
"""


def make_workspace(folder: Path) -> Workspace:
    """An empty workspace in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "revml.yaml").write_text(COMPANY, encoding="utf-8")
    return load_workspace(folder)


def write_bundle_of(folder: Path, model: Rung = RULE) -> Bundle:
    """A churn bundle over features that have words: `active_users_28d`, `seats` and `industry`."""
    encoding = Encoding.fit(FRAME, tuple(FRAME.columns), categorical=("industry",))
    manifest = {"question": "churn", "rung": model.name, "definition": {"horizon_days": 90}, "base_rate": 0.1}
    files = {
        **model_files(model),
        "features.json": to_text(encoding.to_json()),
        "calibration.json": to_text({**Calibration("none").to_json(), "bands": {"medium": 0.1, "high": 0.3}}),
        "reference.json": to_text({"features": {}}),
        "curve.json": to_text(CURVE.to_json()),
        "views.json": to_text(literal_views()),
    }
    return load_bundle(write_bundle(folder, {**manifest, "figures": {}}, files, {"at": "2026-01-01"}))


def fill(workspace: Workspace) -> None:
    """Publish two runs and appoint a champion for churn."""
    bundle = write_bundle_of(workspace.bundles_dir / "churn")
    as_named(bundle)
    with Store.open(workspace.store_url) as store:
        before = literal_run("2026-02-01", churn={"acme": 0.2, "bolt": 0.05})
        publish_kept(workspace, store, with_kept(before, workspace, bundle, {"acme": 12.0, "bolt": 30.0}))
        churn = {"acme": 0.42, "bolt": 0.05, "skoda": 0.12, "cogs": 0.9, "dent": 0.3}
        run = literal_run("2026-03-01", churn=churn, upsell={"acme": 0.1, "bolt": 0.4})
        valued = with_attention(with_values(run, FORECAST), acme="treated", bolt="held_out")
        reports = {**valued.reports, "kpis": kpi_document(), "scenarios": scenarios_document()}
        publish_kept(workspace, store, with_kept(replace(valued, reports=reports), workspace, bundle))
    appoint(workspace.bundles_dir / "churn", bundle.folder.name, "3")


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def client_and_serving(workspace: Workspace, **options: object) -> tuple[TestClient, Serving]:
    """A client of the application behind its gate, in this process, and what its routes work with."""
    serving = Serving(workspace)
    serving.champions.look()
    application = make_application(serving)
    gate = Observed(Gate(Starlette(), application), application)
    return TestClient(gate, base_url="http://localhost", **options), serving  # type: ignore[arg-type]


def client_of(workspace: Workspace, **options: object) -> TestClient:
    """A client of the application behind its gate, in this process."""
    return client_and_serving(workspace, **options)[0]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The filled workspace; nobody changes it. Its model has passed its trial: services of copies need no other."""
    made = make_workspace(tmp_path_factory.mktemp("service"))
    fill(made)
    Champions(made).look()
    return made


@pytest.fixture
def own_workspace(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the filled workspace, for a test that changes it."""
    return load_workspace(shutil.copytree(workspace.root, tmp_path / "own"))


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    """The service of the filled workspace, in this process."""
    return client_of(workspace)


@pytest.fixture(scope="session")
def live(workspace: Workspace) -> Iterator[RunningService]:
    """The real BentoML service of the filled workspace."""
    with start_service(workspace.root, port=free_port()) as service:
        yield service
