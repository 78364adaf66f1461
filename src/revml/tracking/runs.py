"""The runs of a bundle in MLflow: its data, parameters, figures, pictures, card and files, the model, folds and trials.

Comes in: MLflow and a client from `store`, a bundle. Goes out: a finished run with a logged model of MLflow 3 whose
pyfunc predicts what the bundle predicts, to the last bit. A run whose process was killed is closed by the next one.
"""

from __future__ import annotations

import os
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from revml import __version__
from revml.config import Workspace
from revml.errors import BundleError
from revml.locks import alive
from revml.models.bundle import Bundle, load_bundle
from revml.tracking import contents

BUNDLE_TAG = "revml.bundle"
MODEL = "model"  # of the logged model, so that `runs:/RUN/model` finds it
SOURCE = {"mlflow.source.name": "revml train", "mlflow.source.type": "LOCAL"}
PROCESS = ("revml.host", "revml.pid")  # who is at a run that is still open


def model_name(workspace: Workspace, question: str) -> str:
    """What the experiment and the registered model of a question are called: with the workspace's prefix, if any."""
    return f"{workspace.tracking.name}-{question}" if workspace.tracking.name else question


def experiment_of(client: Any, workspace: Workspace, question: str) -> str:
    """The id of a question's experiment, made now if there is none."""
    name = model_name(workspace, question)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = not workspace.tracking_uri.startswith("http")
    folder = workspace.work_dir.absolute() / "mlartifacts" / name
    # Of that kind, MLflow's pages open with training runs rather than with traces of chats.
    told = {"mlflow.experimentKind": "custom_model_development", "revml.question": question}
    return str(client.create_experiment(name, artifact_location=folder.as_uri() if local else None, tags=told))


def process() -> dict[str, str]:
    """Tags that tell whether the process that opened a run still lives."""
    return dict(zip(PROCESS, (socket.gethostname(), str(os.getpid())), strict=True))


def close_dead_runs(client: Any, experiment: str) -> None:
    """Runs and models of this machine whose process is gone (killed, power cut) are marked so, not open for ever."""
    here = socket.gethostname()
    for run in client.search_runs([experiment], filter_string="attributes.status = 'RUNNING'", max_results=100):
        tags = run.data.tags
        if tags.get("revml.host") == here and not alive(int(tags.get("revml.pid", "0"))):
            client.set_terminated(run.info.run_id, status="KILLED")
            _give_up_models(client, experiment, run.info.run_id)


def finished_run(client: Any, experiment: str, bundle: Bundle) -> Any:
    """A whole run of a bundle whose process was killed before it made a version of it, its files as they were."""
    found = client.search_runs(
        [experiment],
        filter_string=f"tags.`{BUNDLE_TAG}` = '{bundle.hash}' and attributes.status = 'FINISHED'",
        max_results=1,
    )
    return found[0] if found and _holds(client, found[0], bundle) else None


def _holds(client: Any, run: Any, bundle: Bundle) -> bool:
    """Whether the artifacts of a run still are the bundle: somebody may have cleaned up, or a disk has failed."""
    with tempfile.TemporaryDirectory(prefix="revml-") as temporary:
        try:
            if not client.list_artifacts(run.info.run_id, "bundle"):
                return False
            there = load_bundle(Path(client.download_artifacts(run.info.run_id, "bundle", temporary)))
        except BundleError:
            return False
        return there.hash == bundle.hash


def log_bundle(mlflow: Any, client: Any, experiment: str, bundle: Bundle) -> Any:
    """One run: what went in, what was chosen, what came out, the card, the bundle, the model; its folds below it."""
    own = {**process(), **SOURCE}
    tags = {**contents.tags(bundle), "mlflow.note.content": bundle.card("en")[:8000]}
    run = client.create_run(experiment, run_name=contents.run_name(bundle), tags={**own, **tags})
    run_id = run.info.run_id
    try:
        inputs = contents.dataset_inputs(mlflow, bundle)
        client.log_inputs(run_id, datasets=inputs)
        model = client.create_logged_model(
            experiment, name=MODEL, source_run_id=run_id, tags={**SOURCE, **tags}, params=contents.params(bundle)
        )
        client.log_outputs(run_id, [mlflow.entities.LoggedModelOutput(model.model_id, step=0)])
        # Figures stand with the rows they were measured on and the model they are about.
        test = {"model_id": model.model_id, "dataset_name": inputs[-1].dataset.name}
        test |= {"dataset_digest": inputs[-1].dataset.digest}
        client.log_batch(run_id, *_batch(mlflow, contents.metrics(bundle), contents.params(bundle), **test))
        for name, drawing in contents.drawings(bundle):
            client.log_figure(run_id, drawing, f"pictures/{name}.png")
        client.log_artifacts(run_id, str(bundle.folder), "bundle")
        for card in ("card.md", "card.cs.md"):
            client.log_artifact(run_id, str(bundle.folder / card))
        _log_model(mlflow, client, model, bundle)
        for below in contents.nested(bundle):
            child = {"mlflow.parentRunId": run_id, "revml.kind": below.kind, **own}
            nested = client.create_run(experiment, run_name=below.name, tags=child).info.run_id
            client.log_batch(nested, *_batch(mlflow, below.metrics, below.params))
            client.set_terminated(nested, status="FINISHED")
    except BaseException:
        with suppress(Exception):  # the first error tells more; a run left open is closed by the next registration
            client.set_terminated(run_id, status="FAILED")
            _give_up_models(client, experiment, run_id)
        raise
    client.set_terminated(run_id, status="FINISHED")
    for tag in PROCESS:
        client.delete_tag(run_id, tag)
    return run


def logged_model(client: Any, run_id: str) -> Any:
    """The model that a run made; None for a run of before, which holds its model among its artifacts."""
    outputs = client.get_run(run_id).outputs
    made = outputs.model_outputs if outputs else []
    return client.get_logged_model(made[0].model_id) if made else None


def _log_model(mlflow: Any, client: Any, model: Any, bundle: Bundle) -> None:
    """The files that `mlflow.pyfunc.load_model` reads: a description of the model, and the bundle beside it."""
    described = mlflow.models.Model(
        artifact_path=model.artifact_location,
        model_uuid=model.model_id,
        model_id=model.model_id,
        run_id=model.source_run_id,
        metadata={BUNDLE_TAG: bundle.hash, "rung": bundle.rung},
    )
    with tempfile.TemporaryDirectory(prefix="revml-") as temporary:
        folder = Path(temporary) / MODEL
        mlflow.pyfunc.save_model(
            str(folder),
            mlflow_model=described,
            loader_module="revml.models.pyfunc",
            data_path=str(bundle.folder),
            signature=contents.signature(mlflow, bundle),
            pip_requirements=[f"revml=={__version__}"],
        )
        client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")


def _give_up_models(client: Any, experiment: str, run_id: str) -> None:
    """Models that a broken run left unfinished are marked as failed."""
    for model in client.search_logged_models([experiment], filter_string=f"source_run_id = '{run_id}'"):
        if str(model.status) == "PENDING":
            client.finalize_logged_model(model.model_id, "FAILED")


def _batch(mlflow: Any, metrics: dict[str, float], params: dict[str, Any], **about: str) -> tuple[list[Any], list[Any]]:
    at = int(time.time() * 1000)
    entities = mlflow.entities
    return (
        [entities.Metric(name, float(value), at, 0, **about) for name, value in metrics.items()],
        [entities.Param(name, str(value)[:500]) for name, value in params.items()],
    )
