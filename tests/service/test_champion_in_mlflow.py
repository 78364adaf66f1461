"""A champion changed over the API, and in MLflow, with a real MLflow store and the real service: both end alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pytest

from revml.config import Workspace, load_workspace
from revml.models.bundle import Bundle
from revml.models.registry import appoint
from revml.models.sheet import load_sheet
from revml.ready import ready_dataset
from revml.service.process import RunningService, start_service
from revml.tracking import register
from revml.training import train_dataset
from tests.ready_company import DATED, dated_table
from tests.service.conftest import free_port
from tests.service.test_live import ask

pytestmark = pytest.mark.slow
SECONDS = 180  # a child that imports MLflow and compares two models, on a busy machine


@dataclass(frozen=True)
class Running:
    """The service, its workspace, a champion of noise (version 1), a good challenger (version 2), and rows for both."""

    service: RunningService
    workspace: Workspace
    noise: Bundle
    good: Bundle
    rows: pd.DataFrame

    def client(self) -> Any:
        """A client of the workspace's MLflow."""
        import mlflow

        return mlflow.MlflowClient(self.workspace.tracking_uri, self.workspace.tracking_uri)

    def champion(self) -> str:
        """The version that MLflow calls champion."""
        return str(self.client().get_model_version_by_alias("churn", "champion").version)

    def serving(self) -> str:
        """The version that the service answers with."""
        return str(ask(self.service, "GET", "/readyz")[2]["checks"]["models"]["serving"]["churn"])

    def scored(self) -> list[float]:
        """The service's probabilities of the rows."""
        columns = {name: [None if pd.isna(v) else v for v in self.rows[name].tolist()] for name in self.good.features}
        told = ask(self.service, "POST", "/v1/score?reasons=0", {"question": "churn", "columns": columns})
        assert told[0] == 200, told
        return [row["probability"] for row in told[2]["rows"]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A company whose champion learned from noise, with a better model waiting, and a service that follows MLflow."""
    root = tmp_path_factory.mktemp("company")
    dated_table(accounts=200).to_parquet(root / "table.parquet")
    told = "service: {workers: 1, poll_seconds: 0.2, drain_seconds: 1, follow: registry, registry_seconds: 1}\n"
    (root / "revml.yaml").write_text(DATED + told, encoding="utf-8")
    workspace = load_workspace(root)
    dataset = ready_dataset(workspace, "own")
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 30, "rungs": ("logistic",)})
    mixed = dataset.frame["label"].sample(frac=1.0, random_state=1).to_numpy()
    noise = train_dataset(workspace, replace(dataset, frame=dataset.frame.assign(label=mixed)), sheet=sheet).bundle
    appoint(noise.folder.parent, noise.folder.name, None, event="first")
    assert register(workspace, noise).version == "1"
    good = train_dataset(workspace, dataset, sheet=sheet)
    assert (register(workspace, good).version, good.verdict.passed) == ("2", True)
    with start_service(workspace.root, port=free_port()) as service:
        yield Running(service, workspace, noise, good.bundle, dataset.part("test").head(20))


def _until(what: Callable[[], bool]) -> bool:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.3)
    return False


def test_a_promotion_over_the_api_moves_the_alias_and_back(running: Running) -> None:
    """Promoted through the gate: service, MLflow and pyfunc say the same bits; a roll-back takes the alias back too."""
    import mlflow

    assert (running.serving(), running.champion()) == ("1", "1")
    status, _, told = ask(running.service, "POST", "/v1/models/churn/promote", {"reason": "it is better"})
    assert status in (200, 202), told
    assert _until(lambda: ask(running.service, "GET", "/v1/models/churn/change")[2]["state"] == "done")
    assert _until(lambda: running.serving() == "2")
    assert running.champion() == "2"
    version = running.client().get_model_version("churn", "2")
    assert (version.tags["revml.gate"], "challenger" in version.aliases) == ("passed", False)
    mlflow.set_tracking_uri(running.workspace.tracking_uri)
    try:
        model = mlflow.pyfunc.load_model("models:/churn@champion")
    finally:
        mlflow.set_tracking_uri(None)
    features = running.rows[list(running.good.features)]
    assert model.predict(features).tolist() == running.good.predict(running.rows).tolist() == running.scored()
    status, _, told = ask(running.service, "POST", "/v1/models/churn/rollback", {"reason": "wrong calls"})
    assert (status, told["bundle"]) == (200, running.noise.hash)
    assert running.scored() == running.noise.predict(running.rows).tolist()
    assert _until(lambda: running.champion() == "1")
    assert _until(lambda: "wrong calls" in running.client().get_model_version("churn", "1").tags["revml.history"])


def test_an_alias_that_somebody_moves_in_mlflow_is_followed(running: Running) -> None:
    """Version 2 is called champion in MLflow: the service fetches, verifies and serves it; a broken one it leaves."""
    client = running.client()
    assert _until(lambda: running.champion() == running.serving() == "1")
    assert _until(
        lambda: ask(running.service, "GET", "/readyz")[2]["checks"]["registry"].get("versions", {}).get("churn") == "1"
    )
    client.set_registered_model_alias("churn", "champion", "2")
    assert _until(lambda: running.serving() == "2")
    assert running.scored() == running.good.predict(running.rows).tolist()
    run = client.create_run(client.get_experiment_by_name("churn").experiment_id)
    client.set_terminated(run.info.run_id)
    foreign = client.create_model_version("churn", f"{run.info.artifact_uri}/model", run_id=run.info.run_id)
    client.set_registered_model_alias("churn", "champion", foreign.version)

    def told() -> dict[str, Any]:
        return dict(ask(running.service, "GET", "/readyz")[2]["checks"]["registry"])

    assert _until(lambda: "problem" in told())
    assert "no sound bundle" in str(told()["problem"])
    assert running.serving() == "2"
    assert running.scored() == running.good.predict(running.rows).tolist()
