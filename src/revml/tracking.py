"""MLflow, and the only file that imports it: runs, registered versions, the aliases champion and challenger.

Comes in: a bundle that already stands on disk. Goes out: a registered version whose pyfunc model predicts what the
bundle predicts, to the last bit. Nothing here can lose a model: with MLflow away or locked the bundle is safe, the
local pointer is still set for the first that passes, and `revml register QUESTION` brings the rest up later.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from revml import __version__
from revml.config import QuestionName, Workspace
from revml.errors import TrackingError
from revml.evaluation import pictures
from revml.evaluation.verdict import SENTENCES
from revml.models.bundle import Bundle, load_bundle, to_text
from revml.models.registry import appoint, in_service
from revml.progress import Progress, silent
from revml.training import TrainingResult

CHAMPION, CHALLENGER = "champion", "challenger"
# MLflow's own defaults let a call to a server that is away stall for minutes.
BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
LOCKED_SECONDS = 5  # how long another writer of an SQLite store is waited for
QUIET = ("mlflow", "alembic", "urllib3")


@dataclass(frozen=True)
class Registered:
    """What became of a bundle.

    Args:
        version: the registered version, None while MLflow is away.
        alias: champion, challenger, or None where it did not pass.
        note: one sentence for the user.
        away: why MLflow could not be reached, empty where it could.
    """

    version: str | None
    alias: str | None
    note: str
    away: str = ""

    @property
    def champion(self) -> bool:
        """Whether this bundle serves."""
        return self.alias == CHAMPION


def register(workspace: Workspace, result: TrainingResult | Bundle, *, progress: Progress | None = None) -> Registered:
    """Log a bundle as a run, register it, and appoint it champion if it passed and there is none.

    Never raises because MLflow is away: the answer then says so and what to do.
    """
    bundle = result if isinstance(result, Bundle) else result.bundle
    report = progress or silent
    passed = bool(bundle.manifest["verdict"]["passed"])
    serving = in_service(workspace, bundle.question)
    first = passed and serving is None
    if first:
        # Before MLflow is asked anything: what passed serves, tracked or not.
        appoint(bundle.folder.parent, bundle.folder.name, None)
        serving = bundle
    try:
        report("telling MLflow", 0.1)
        with _mlflow(workspace) as (mlflow, client):
            experiment = _experiment(client, workspace, bundle.question)
            _close_dead_runs(client, experiment)
            if serving is not None and serving.hash != bundle.hash:
                _ensure(mlflow, client, experiment, serving, CHAMPION)
            alias = None if not passed else CHAMPION if serving and serving.hash == bundle.hash else CHALLENGER
            version = _ensure(mlflow, client, experiment, bundle, alias)
    except TrackingError as error:
        alias = CHAMPION if serving is not None and serving.hash == bundle.hash else None
        note = (
            f"MLflow could not be told; the model is safe in {bundle.folder}. "
            f"When MLflow is back, run `revml register {bundle.question}`"
        )
        return Registered(None, alias, note, away=str(error))
    if alias == CHAMPION:
        appoint(bundle.folder.parent, bundle.folder.name, version)
    report("registered", 1.0)
    return Registered(version, alias, _note(bundle, version, alias))


def _note(bundle: Bundle, version: str, alias: str | None) -> str:
    if alias == CHAMPION:
        return f"version {version} of {bundle.question} is champion"
    if alias == CHALLENGER:
        return f"version {version} of {bundle.question} passed and is challenger; the champion stays"
    why = "; ".join(SENTENCES[r] for r in bundle.manifest["verdict"]["reasons"])
    return f"version {version} of {bundle.question} is registered but may not serve: {why}"


@contextmanager
def _mlflow(workspace: Workspace) -> Iterator[tuple[Any, Any]]:
    """MLflow and a client of the workspace's store, quiet, bounded and without telemetry.

    Raises:
        TrackingError: whatever went wrong inside, with the way out.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    for name, value in BOUNDS.items():
        os.environ.setdefault(name, value)
    levels = {name: logging.getLogger(name).level for name in QUIET}
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import mlflow

        for name in QUIET:
            logging.getLogger(name).setLevel(logging.ERROR)
        if workspace.tracking_uri.startswith("sqlite"):
            workspace.work_dir.mkdir(parents=True, exist_ok=True)
            _writable(workspace.tracking_uri)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A client of its own: MLflow's global URIs stay as the caller left them.
            yield mlflow, mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    except TrackingError:
        raise
    except Exception as error:
        # Whatever MLflow, its database driver or the network raises: none of it may cost a trained model.
        raise TrackingError(
            "MLflow is away or refuses",
            where=_shown(workspace.tracking_uri),
            wanted="a tracking store that answers",
            got=_without_password(workspace.tracking_uri, f"{type(error).__name__}: {error}".splitlines()[0][:300]),
            do="when it is back, call again; a trained model is registered by `revml register QUESTION`",
        ) from error
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _writable(uri: str) -> None:
    """Ask SQLite itself first: where the file refuses, MLflow would try again for minutes before it says so."""
    file = uri.partition(":///")[2].partition("?")[0]
    with closing(sqlite3.connect(file, timeout=LOCKED_SECONDS)) as con:
        con.execute("BEGIN IMMEDIATE")
        con.rollback()


def _shown(uri: str) -> str:
    """A URI without its password."""
    head, at, tail = uri.rpartition("@")
    return f"{head.split('://')[0]}://***@{tail}" if at else uri


def _without_password(uri: str, text: str) -> str:
    """A message in which MLflow may have repeated its address, without the password in it."""
    password = urlsplit(uri).password
    return text.replace(password, "***") if password else text


def _experiment(client: Any, workspace: Workspace, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = not workspace.tracking_uri.startswith("http")
    folder = workspace.work_dir.absolute() / "mlartifacts" / name
    return str(client.create_experiment(name, artifact_location=folder.as_uri() if local else None))


def _close_dead_runs(client: Any, experiment: str) -> None:
    """Runs of this machine whose process is gone (killed, power cut) are marked so instead of running for ever."""
    here = socket.gethostname()
    for run in client.search_runs([experiment], filter_string="attributes.status = 'RUNNING'", max_results=100):
        tags = run.data.tags
        if tags.get("revml.host") == here and not _alive(int(tags.get("revml.pid", "0"))):
            client.set_terminated(run.info.run_id, status="KILLED")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _ensure(mlflow: Any, client: Any, experiment: str, bundle: Bundle, alias: str | None) -> str:
    """The registered version of a bundle, made now if there is none, with its alias."""
    name = bundle.question
    found = [v for v in _versions(client, name) if v.tags.get("revml.bundle") == bundle.hash]
    version = str(found[0].version) if found else _log(mlflow, client, experiment, bundle)
    if alias is not None:
        held = dict(client.get_registered_model(name).aliases)
        if alias != CHAMPION or str(held.get(CHAMPION, "")) != version:
            client.set_registered_model_alias(name, alias, version)
        if alias == CHAMPION and str(held.get(CHALLENGER, "")) == version:
            client.delete_registered_model_alias(name, CHALLENGER)
    return version


def _versions(client: Any, name: str) -> list[Any]:
    return list(client.search_model_versions(f"name = '{name}'"))


def _log(mlflow: Any, client: Any, experiment: str, bundle: Bundle) -> str:
    """One run: what went in, what was chosen, what came out, the bundle, the pyfunc model; then a version of it."""
    manifest = bundle.manifest
    started = time.time()
    run = client.create_run(
        experiment,
        run_name=f"{bundle.question} {_until(bundle, manifest['data']['split']['test'][-1])} {bundle.hash[:8]}",
        tags={"revml.host": socket.gethostname(), "revml.pid": str(os.getpid()), **_tags(bundle)},
    )
    run_id = run.info.run_id
    try:
        client.log_inputs(run_id, datasets=[_dataset_input(mlflow, bundle)])
        client.log_batch(run_id, metrics=_metrics(mlflow, manifest, started), params=_params(mlflow, manifest))
        for name, drawing in (
            ("reliability", pictures.reliability(manifest["figures"]["reliability"], bundle.question)),
            ("ladder", pictures.ladder(manifest["ladder"], bundle.rung, bundle.question)),
        ):
            client.log_figure(run_id, drawing, f"pictures/{name}.png")
        client.log_artifacts(run_id, str(bundle.folder), "bundle")
        with tempfile.TemporaryDirectory(prefix="revml-") as temporary:
            model = Path(temporary) / "model"
            mlflow.pyfunc.save_model(
                str(model),
                loader_module="revml.models.pyfunc",
                data_path=str(bundle.folder),
                signature=_signature(mlflow, bundle),
                pip_requirements=[f"revml=={__version__}"],
                metadata={"revml.bundle": bundle.hash, "rung": bundle.rung},
            )
            client.log_artifacts(run_id, str(model), "model")
    except BaseException:
        client.set_terminated(run_id, status="FAILED")
        raise
    client.set_terminated(run_id, status="FINISHED")
    try:
        client.get_registered_model(bundle.question)
    except mlflow.exceptions.MlflowException:
        client.create_registered_model(bundle.question, description=bundle.manifest["sheet"]["title"])
    made = client.create_model_version(
        bundle.question,
        source=f"{run.info.artifact_uri}/model",
        run_id=run_id,
        tags=_tags(bundle),
        description=bundle.card("en")[:5000],
        await_creation_for=30,
    )
    return str(made.version)


def _tags(bundle: Bundle) -> dict[str, str]:
    verdict = bundle.manifest["verdict"]
    return {
        "revml.bundle": bundle.hash,
        "revml.rung": bundle.rung,
        "revml.verdict": "passed" if verdict["passed"] else "not passed",
        "revml.reasons": "; ".join(SENTENCES[r] for r in verdict["reasons"]),
        "revml.data": str(bundle.manifest["data"]["fingerprint"]),
    }


def _dataset_input(mlflow: Any, bundle: Bundle) -> Any:
    told = bundle.manifest["data"]
    entities = mlflow.entities
    schema = to_text({"features": list(bundle.features), "categorical": list(bundle.categorical)})
    dataset = entities.Dataset(
        name=f"{bundle.question} until {_until(bundle, told['observed_until'])}",
        digest=str(told["fingerprint"])[:36],
        source_type="local",
        source=to_text({"uri": f"ready: {bundle.ready['table']}" if bundle.ready else "staged"}),
        schema=schema if len(schema) < 1_000_000 else None,
        profile=to_text({"rows": told["rows"], "accounts": told["accounts"], "events": told["events"]}),
    )
    return entities.DatasetInput(dataset, tags=[entities.InputTag("mlflow.data.context", "training")])


def _until(bundle: Bundle, at: str) -> str:
    """A day of the data, or that there is none."""
    return at[:10] if bundle.manifest["data"].get("dated", True) else "undated"


def _metrics(mlflow: Any, manifest: Any, started: float) -> list[Any]:
    at = int(started * 1000)
    values = {}
    for name, figure in manifest["figures"]["values"].items():
        for part, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
            if figure[part] is not None:
                values[f"test_{name}{suffix}"] = figure[part]
    for row in manifest["ladder"]:
        values[f"ladder_{row['rung']}_log_loss"] = row["log_loss"]
    return [mlflow.entities.Metric(name, float(value), at, 0) for name, value in values.items()]


def _params(mlflow: Any, manifest: Any) -> list[Any]:
    sheet, data = manifest["sheet"], manifest["data"]
    served = next(r for r in manifest["ladder"] if r["rung"] == manifest["rung"])
    params = {
        "rung": manifest["rung"],
        "seed": manifest["seed"],
        "features": data["features"],
        "rows": data["rows"],
        "chosen": "out of time" if data["by_time"] else "across accounts",
        "tested": "out of time" if data.get("dated", True) else "out of sample",
        **{f"definition.{k}": v for k, v in manifest["definition"].items()},
        **{f"lightgbm.{k}": v for k, v in sheet["params"].items()},
        **{f"served.{k}": v for k, v in served["setting"].items()},
    }
    return [mlflow.entities.Param(k, str(v)[:500]) for k, v in params.items()]


def _signature(mlflow: Any, bundle: Bundle) -> Any:
    """Numbers as doubles, categories as text, every column wanted; one double out."""
    types = mlflow.types
    columns = [types.ColSpec("string" if c.kind == "category" else "double", c.name) for c in bundle.encoding.columns]
    return mlflow.models.ModelSignature(inputs=types.Schema(columns), outputs=types.Schema([types.ColSpec("double")]))


def fetch_champion(workspace: Workspace, question: QuestionName) -> Bundle:
    """Bring MLflow's champion to this machine and point at it: a new server, or a lost work folder.

    Raises:
        NotFound: MLflow knows no champion.
        TrackingError: MLflow is away.
    """
    with _mlflow(workspace) as (mlflow, client):
        try:
            version = client.get_model_version_by_alias(question, CHAMPION)
        except mlflow.exceptions.MlflowException as error:
            raise TrackingError(
                f"MLflow knows no champion of {question}", where=_shown(workspace.tracking_uri), got=str(error)[:200]
            ) from None
        folder = workspace.bundles_dir / question
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder))
        try:
            got = Path(client.download_artifacts(version.run_id, "bundle", str(temporary)))
            bundle = load_bundle(got)
            target = folder / bundle.hash[:12]
            if not target.exists():
                got.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    appoint(folder, bundle.hash[:12], str(version.version))
    return load_bundle(target, version=str(version.version))


__all__ = ["Registered", "fetch_champion", "register"]
