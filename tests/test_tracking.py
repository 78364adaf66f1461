"""MLflow: versions, aliases, the same bits back; and life without it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import revml
from revml.config import Tracking, Workspace
from revml.errors import BundleError, TrackingError
from revml.models.bundle import load_bundle
from revml.models.registry import appoint, challenger, champion
from revml.models.sheet import load_sheet
from revml.promoting import roll_back
from revml.tracking import fetch_champion, follow, register
from revml.tracking.registration import registered_versions
from revml.training import TrainingResult, train_dataset
from tests.made_dataset import made_dataset

IMPORTS = re.compile(r"^\s*(import|from) mlflow\b", re.MULTILINE)


def _train(workspace: Workspace, seed: int = 0, *, skill: bool = True) -> TrainingResult:
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 50, "max_rounds": 60})
    dataset = made_dataset(accounts=200, seed=seed)
    if not skill:
        shuffled = dataset.frame["label"].sample(frac=1.0, random_state=1).to_numpy()
        dataset = replace(dataset, frame=dataset.frame.assign(label=shuffled), fingerprint="shuffled")
    return train_dataset(workspace, dataset, sheet=sheet)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated MLflow database with nothing in it, because making one takes seconds."""
    workspace = Workspace().at(tmp_path_factory.mktemp("store"))
    with pytest.raises(TrackingError):
        fetch_champion(workspace, "lapse")
    return workspace.work_dir / "mlflow.db"


def _workspace(folder: Path, store: Path) -> Workspace:
    workspace = Workspace().at(folder)
    workspace.work_dir.mkdir()
    shutil.copy(store, workspace.work_dir / "mlflow.db")
    return workspace


class Registry:
    """A workspace in which a good, a second good and a useless model were registered, in that order."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.workspace = _workspace(folder, store)
        self.first = _train(self.workspace)
        self.registered = register(self.workspace, self.first)
        self.again = register(self.workspace, self.first)
        self.second = register(self.workspace, _train(self.workspace, seed=1))
        self.useless = register(self.workspace, _train(self.workspace, skill=False))

    def client(self) -> Any:
        """A client of the workspace's store."""
        import mlflow

        return mlflow.MlflowClient(self.workspace.tracking_uri, self.workspace.tracking_uri)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Registry:
    """The registry, made once."""
    return Registry(tmp_path_factory.mktemp("registry"), empty_store)


def test_the_first_that_passes_is_champion(registry: Registry) -> None:
    """It has the alias, and the pointer names its version."""
    assert (registry.registered.version, registry.registered.champion) == ("1", True)
    assert champion(registry.workspace, "churn").version == "1"
    assert registry.client().get_model_version_by_alias("churn", "champion").version == 1


def test_pyfunc_predicts_the_bundles_bits(registry: Registry) -> None:
    """`models:/churn@champion` loads anywhere and predicts the same to the last bit, unknown values included."""
    import mlflow

    test = made_dataset(accounts=200).part("test")
    test.loc[:3, "industry"] = None
    test.loc[4, "industry"] = "never seen"
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(registry.workspace.tracking_uri)
    try:
        model = mlflow.pyfunc.load_model("models:/churn@champion")
    finally:
        mlflow.set_tracking_uri(before)
    assert (model.predict(test) == registry.first.bundle.predict(test)).all()


def test_every_address_of_a_model_gives_the_same_bits(registry: Registry) -> None:
    """By alias, by version, by the run and by the logged model: the same probabilities, to the last bit."""
    import mlflow

    client, test = registry.client(), made_dataset(accounts=200).part("test")
    version = client.get_model_version("churn", "1")
    [made] = client.get_run(version.run_id).outputs.model_outputs
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(registry.workspace.tracking_uri)
    try:
        for address in ("models:/churn/1", f"models:/{made.model_id}", f"runs:/{version.run_id}/model"):
            model = mlflow.pyfunc.load_model(address)
            assert (model.predict(test) == registry.first.bundle.predict(test)).all(), address
    finally:
        mlflow.set_tracking_uri(before)


def test_run_model_and_version_lead_to_each_other(registry: Registry) -> None:
    """The run names the logged model as its output, the model its run and its version, with figures and parameters."""
    client = registry.client()
    version = client.get_model_version("churn", "1")
    run = client.get_run(version.run_id)
    [made] = run.outputs.model_outputs
    model = client.get_logged_model(made.model_id)
    assert version.source == model.artifact_location
    assert (str(model.status), model.name, model.source_run_id) == ("READY", "model", version.run_id)
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "churn", "version": 1}]
    assert model.tags["revml.bundle"] == registry.first.bundle.hash
    assert model.params == run.data.params
    auc = next(one for one in model.metrics if one.key == "test/roc_auc")
    assert (auc.value, auc.dataset_name) == (
        run.data.metrics["test/roc_auc"],
        run.inputs.dataset_inputs[1].dataset.name,
    )


def test_a_run_of_before_gets_its_version(tmp_path: Path, empty_store: Path) -> None:
    """A run without a logged model, as an older revml wrote it, is registered with the model among its artifacts."""
    import mlflow

    workspace = _workspace(tmp_path, empty_store)
    client = mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    bundle = _train(workspace).bundle
    experiment = client.create_experiment("churn", artifact_location=(tmp_path / "mlartifacts").as_uri())
    run = client.create_run(experiment, tags={"revml.bundle": bundle.hash})
    model = tmp_path / "model"
    mlflow.pyfunc.save_model(str(model), loader_module="revml.models.pyfunc", data_path=str(bundle.folder))
    client.log_artifacts(run.info.run_id, str(model), "model")
    client.log_artifacts(run.info.run_id, str(bundle.folder), "bundle")
    client.set_terminated(run.info.run_id)
    made = client.get_model_version("churn", register(workspace, bundle).version)
    assert made.run_id == run.info.run_id
    assert made.source == f"{run.info.artifact_uri}/model"


def test_one_file_imports_mlflow() -> None:
    """Whatever MLflow changes is met in one package, and imported in one file of it."""
    root = Path(revml.__file__).parent
    found = [
        p.relative_to(root).as_posix() for p in root.rglob("*.py") if IMPORTS.search(p.read_text(encoding="utf-8"))
    ]
    assert found == ["tracking/store.py"]


def test_the_same_model_is_one_version(registry: Registry) -> None:
    """Registering a bundle again finds its version."""
    assert registry.again.version == registry.registered.version


def test_a_later_one_is_challenger(registry: Registry) -> None:
    """A second model that passes does not take the champion's place."""
    assert (registry.second.version, registry.second.alias) == ("2", "challenger")
    assert champion(registry.workspace, "churn").hash == registry.first.bundle.hash


def test_a_useless_one_has_no_alias(registry: Registry) -> None:
    """A model of noise is registered with its verdict, says why, and never serves."""
    assert registry.useless.alias is None
    assert "may not serve" in registry.useless.note
    assert registry.client().get_model_version("churn", "3").tags["revml.verdict"] == "not passed"


def test_a_run_holds_what_a_reader_needs(registry: Registry) -> None:
    """Data, parameters, figures, pictures and the bundle stand in the run."""
    client = registry.client()
    run = client.get_run(client.get_model_version("churn", "1").run_id)
    assert run.info.status == "FINISHED"
    assert {one.dataset.digest for one in run.inputs.dataset_inputs} == {registry.first.facts["fingerprint"][:36]}
    assert [tag.value for one in run.inputs.dataset_inputs for tag in one.tags] == ["train", "test"]
    assert run.data.params["rung"] == registry.first.bundle.rung
    assert run.data.metrics["test/roc_auc"] == pytest.approx(registry.first.figures.values["roc_auc"].value, abs=1e-6)
    names = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert {"bundle", "pictures", "card.md", "card.cs.md"} <= names
    drawn = {f.path for f in client.list_artifacts(run.info.run_id, "pictures")}
    assert {"pictures/reliability.png", "pictures/segments.png", "pictures/importance_concepts.png"} <= drawn
    expected = registry.first.figures.expected
    interval = [run.data.metrics[f"test_interval/expected_events_{end}"] for end in ("low", "high")]
    assert interval[0] <= expected.events <= interval[1]
    assert not {"revml.host", "revml.pid"} & set(run.data.tags)


def test_folds_are_runs_below(registry: Registry) -> None:
    """Each fold has a run of its own with its rows, its events and the log-loss of every rung there."""
    client = registry.client()
    run = client.get_model_version("churn", "1").run_id
    below = client.search_runs(
        [client.get_experiment_by_name("churn").experiment_id], filter_string=f"tags.`mlflow.parentRunId` = '{run}'"
    )
    folds = registry.first.bundle.manifest["folds"]
    assert {one.info.run_name for one in below} == {f"fold {n}" for n in range(1, len(folds) + 1)}
    for one in below:
        told = folds[int(one.info.run_name.split()[1]) - 1]
        assert one.data.metrics["events"] == told["events"]
        assert one.data.metrics["constant_log_loss"] == told["log_loss"]["constant"]


def test_the_registry_follows_a_roll_back(registry: Registry) -> None:
    """After a promotion and a roll-back the alias is where the pointer is, and the versions tell their history."""
    folder = registry.workspace.bundles_dir / "churn"
    second = challenger(registry.workspace, "churn")
    assert second is not None
    appoint(folder, second.folder.name, None, event="promote", forced=True, reason="a trial", failed=("own test",))
    assert follow(registry.workspace, "churn") == ""
    assert registry.client().get_model_version_by_alias("churn", "champion").version == 2
    tags = registry.client().get_model_version("churn", "2").tags
    assert (tags["revml.forced"], tags["revml.gate"]) == ("a trial", "said no: own test")
    assert roll_back(registry.workspace, "churn", reason="enough").note == ""
    assert registry.client().get_model_version_by_alias("churn", "champion").version == 1
    assert "rolled back from" in registry.client().get_model_version("churn", "2").tags["revml.history"]


def test_an_alias_on_something_foreign_is_told_and_mended(registry: Registry, tmp_path: Path) -> None:
    """Fetching a version that revml never made is refused with the way out; registering brings the alias home."""
    client = registry.client()
    run = client.create_run(client.get_experiment_by_name("churn").experiment_id)
    client.set_terminated(run.info.run_id)
    made = client.create_model_version("churn", f"{run.info.artifact_uri}/model", run_id=run.info.run_id)
    client.set_registered_model_alias("churn", "champion", made.version)
    elsewhere = registry.workspace.model_copy(update={"tracking": Tracking(uri=registry.workspace.tracking_uri)})
    with pytest.raises(BundleError, match="no sound bundle") as told:
        fetch_champion(elsewhere.at(tmp_path), "churn")
    assert "revml register churn" in told.value.do
    register(registry.workspace, registry.first)
    assert client.get_model_version_by_alias("churn", "champion").version == 1
    client.delete_registered_model_alias("churn", "champion")
    with pytest.raises(TrackingError, match="no champion of churn"):
        fetch_champion(elsewhere.at(tmp_path), "churn")
    register(registry.workspace, registry.first)
    assert client.get_model_version_by_alias("churn", "champion").version == 1


def test_nothing_is_pickled(registry: Registry) -> None:
    """No artifact is a pickle."""
    suffixes = {p.suffix for p in (registry.workspace.work_dir / "mlartifacts").rglob("*") if p.is_file()}
    assert suffixes <= {".json", ".txt", ".md", ".png", ".yaml", ""}


def test_killed_runs_are_closed(registry: Registry) -> None:
    """A run whose process is gone is marked at the next registration."""
    client = registry.client()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    experiment = client.get_experiment_by_name("churn").experiment_id
    tags = {"revml.host": socket.gethostname(), "revml.pid": str(gone.pid)}
    run = client.create_run(experiment, tags=tags)
    model = client.create_logged_model(experiment, name="model", source_run_id=run.info.run_id)
    register(registry.workspace, registry.first)
    assert client.get_run(run.info.run_id).info.status == "KILLED"
    assert str(client.get_logged_model(model.model_id).status) == "FAILED"


def test_a_lost_work_folder_is_fetched_again(registry: Registry, tmp_path: Path) -> None:
    """Another machine gets the champion from MLflow, verified, and serves it."""
    elsewhere = registry.workspace.model_copy(update={"tracking": Tracking(uri=registry.workspace.tracking_uri)})
    elsewhere = elsewhere.at(tmp_path)
    assert fetch_champion(elsewhere, "churn").hash == registry.first.bundle.hash
    assert champion(elsewhere, "churn").version == "1"


def test_life_without_mlflow(tmp_path: Path, empty_store: Path) -> None:
    """With MLflow away the model is safe and serves; when it is back, registering gives it its version."""
    (tmp_path / "file").write_text("in the way")
    away = Workspace(tracking=Tracking(uri=f"sqlite:///{tmp_path}/file/mlflow.db")).at(tmp_path)
    result = _train(away)
    told = register(away, result)
    assert (told.version, told.champion) == (None, True)
    assert "revml register churn" in told.note
    assert champion(away, "churn").version == result.bundle.hash[:12]
    back = Workspace().at(tmp_path)
    shutil.copy(empty_store, back.work_dir / "mlflow.db")
    assert register(back, load_bundle(result.bundle.folder)).version == "1"
    assert champion(back, "churn").version == "1"


@pytest.mark.slow
def test_a_server_over_http_is_told_the_same(
    tmp_path: Path, empty_store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With a real server: one version with its model, nothing on stdout, and the champion comes back from it."""
    import mlflow

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    store = shutil.copy(empty_store, tmp_path / "server.db")
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{store}", "--artifacts-destination", str(tmp_path / "artifacts")]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    uri = f"http://127.0.0.1:{port}"
    try:
        _answers(uri)
        here = Workspace(tracking=Tracking(uri=uri, name="acme")).at(tmp_path / "here")
        bundle = _train(here).bundle
        told = register(here, bundle)
        assert (told.version, told.champion, capfd.readouterr().out) == ("1", True, "")
        there = here.at(tmp_path / "there")
        assert fetch_champion(there, "churn").hash == bundle.hash
        client = mlflow.MlflowClient(uri, uri)
        run = client.get_run(client.get_model_version("acme-churn", "1").run_id)
        [made] = run.outputs.model_outputs
        assert str(client.get_logged_model(made.model_id).status) == "READY"
    finally:
        server.terminate()
        server.wait()


def _answers(uri: str) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(f"{uri}/health", timeout=5):
            return
        time.sleep(0.5)
    raise AssertionError(f"{uri} never answered")


def test_a_server_that_is_away_is_not_waited_for(tmp_path: Path) -> None:
    """A refused connection ends in an answer after bounded retries, without the password of the address."""
    away = Workspace(tracking=Tracking(uri="http://user:secret@127.0.0.1:9")).at(tmp_path)
    told = register(away, _train(away))
    assert told.away
    assert "secret" not in told.away + told.note


def test_a_server_that_answers_slowly_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All answers together have a bound: what is not told by then is told later, and the model is safe."""

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(1.0)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("revml.tracking.store.ALL_SECONDS", 0.5)
    away = Workspace(tracking=Tracking(uri=f"http://127.0.0.1:{server.server_port}")).at(tmp_path)
    try:
        result = _train(away)
        told = register(away, result)
    finally:
        server.shutdown()
    assert "too slow" in told.away
    assert "revml register churn" in told.note
    assert champion(away, "churn").hash == result.bundle.hash


def test_no_champion_to_fetch_is_told(tmp_path: Path, empty_store: Path) -> None:
    """Where MLflow knows no champion, fetching says so."""
    with pytest.raises(TrackingError, match="no champion of lapse"):
        fetch_champion(_workspace(tmp_path, empty_store), "lapse")


def test_importing_does_nothing(tmp_path: Path) -> None:
    """Importing the module loads no mlflow, sets no environment and writes no file."""
    code = "import os, sys; before = dict(os.environ); import revml.tracking; import json; "
    code += "print(json.dumps(['mlflow' in sys.modules, before == dict(os.environ), os.listdir()]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == [False, True, []]


def test_a_broken_champion_does_not_stop_training(tmp_path: Path, empty_store: Path) -> None:
    """When the champion's folder is gone, the next model that passes takes its place."""
    workspace = _workspace(tmp_path, empty_store)
    first = _train(workspace)
    register(workspace, first)
    shutil.rmtree(first.bundle.folder)
    assert register(workspace, _train(workspace, seed=1)).champion


def test_a_broken_champion_is_told_when_another_takes_its_place(tmp_path: Path, empty_store: Path) -> None:
    """What passes serves although nothing can be compared, and the note says that and why."""
    workspace = _workspace(tmp_path, empty_store)
    first = _train(workspace)
    assert register(workspace, first).champion
    (first.bundle.folder / "features.json").write_text("{}", encoding="utf-8")
    registered = register(workspace, _train(workspace, seed=1))
    assert registered.champion
    assert "could not be loaded" in registered.note


def test_a_version_whose_files_broke_in_mlflow_is_named_and_made_anew(tmp_path: Path, empty_store: Path) -> None:
    """One flipped bit among the artifacts: fetching names the version and the file; deleted there, it is made anew."""
    workspace = _workspace(tmp_path, empty_store)
    result = _train(workspace)
    register(workspace, result)
    [file] = (workspace.work_dir / "mlartifacts").glob("*/*/artifacts/bundle/calibration.json")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match="no sound bundle") as told:
        fetch_champion(workspace, "churn")
    assert ("version 1" in told.value.where, "calibration.json" in told.value.got) == (True, True)
    assert champion(workspace, "churn").hash == result.bundle.hash
    import mlflow

    client = mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    client.delete_model_version("churn", "1")
    assert register(workspace, result).version == "2"
    assert fetch_champion(workspace, "churn").hash == result.bundle.hash


@pytest.mark.parametrize("swept", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["in the bin", "swept away"])
def test_a_version_whose_run_was_deleted_has_a_run_again(tmp_path: Path, empty_store: Path, swept: bool) -> None:
    """A run in MLflow's bin comes back with its version; one that `mlflow gc` swept away gets a new version."""
    from mlflow import MlflowClient

    workspace = _workspace(tmp_path, empty_store)
    register(workspace, _train(workspace))
    client = MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    client.delete_run(client.get_model_version("churn", "1").run_id)
    if swept:
        store = ("--backend-store-uri", workspace.tracking_uri, "--tracking-uri", workspace.tracking_uri)
        subprocess.run([sys.executable, "-m", "mlflow", "gc", *store], check=True, cwd=tmp_path, capture_output=True)
    serving = champion(workspace, "churn")
    assert register(workspace, serving).version == ("2" if swept else "1")
    version = client.get_model_version_by_alias("churn", "champion")
    assert client.get_run(version.run_id).info.lifecycle_stage == "active"
    assert fetch_champion(_workspace_like(workspace, tmp_path / "new"), "churn").hash == serving.hash
    assert registered_versions(workspace, "churn")[serving.hash] == (str(version.version), "champion")


def _workspace_like(workspace: Workspace, folder: Path) -> Workspace:
    """A work folder of another machine that shares the store."""
    return Workspace(tracking=Tracking(uri=workspace.tracking_uri)).at(folder)
