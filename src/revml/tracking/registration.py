"""Registered versions and their aliases champion and challenger, which follow the pointers beside the bundles.

Comes in: a bundle that already stands on disk. Goes out: its version. Nothing here can lose a model: with MLflow away,
slow or locked the bundle is safe, the pointers are set, and `revml register QUESTION` lets the registry follow later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from revml.config import QuestionName, Workspace
from revml.errors import TrackingError
from revml.evaluation.verdict import SENTENCES
from revml.models.bundle import Bundle
from revml.models.history import now, rolled_back
from revml.models.registry import (
    appoint,
    cannot_serve,
    challenger,
    history,
    in_service,
    name_challenger,
    number,
    pointed,
)
from revml.models.shelf import shelve
from revml.progress import Progress, silent
from revml.tracking import contents
from revml.tracking.runs import (
    BUNDLE_TAG,
    close_dead_runs,
    experiment_of,
    finished_run,
    log_bundle,
    logged_model,
    model_name,
)
from revml.tracking.store import connected
from revml.training import TrainingResult

CHAMPION, CHALLENGER = "champion", "challenger"
ROUNDS = 5  # in which the registry is told anew because the champion changed meanwhile


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

    The pointers beside the bundles are set first, and the registry follows them. Never raises because MLflow is away:
    the answer then says so and what to do.
    """
    bundle = result if isinstance(result, Bundle) else result.bundle
    report = progress or silent
    # Before MLflow is asked anything: what passed serves, tracked or not.
    alias, why = _place(workspace, bundle)
    try:
        report("telling MLflow", 0.1)
        with connected(workspace) as (mlflow, client):
            experiment = experiment_of(client, workspace, bundle.question)
            close_dead_runs(client, experiment)
            version = _ensure(mlflow, client, workspace, experiment, bundle)
            _follow(mlflow, client, workspace, experiment, bundle.question)
    except TrackingError as error:
        note = (
            f"MLflow could not be told; the model is safe in {bundle.folder}. "
            f"When MLflow is back, run `revml register {bundle.question}`"
        )
        return Registered(None, alias, note, away=str(error))
    report("registered", 1.0)
    return Registered(version, alias, _note(bundle, version, alias, why, in_service(workspace, bundle.question)))


def follow(workspace: Workspace, question: QuestionName, *, judged: dict[str, Any] | None = None) -> str:
    """Let the registry follow the pointers beside the bundles; empty, or why it could not, with the way out.

    Args:
        judged: what the gate said of the champion; kept as `gate/<time>.json` in the run of its version.

    Never raises because MLflow is away: the pointers are the truth and the registry is told later.
    """
    try:
        with connected(workspace) as (mlflow, client):
            _follow(mlflow, client, workspace, experiment_of(client, workspace, question), question)
            if judged is not None:
                version = client.get_model_version_by_alias(model_name(workspace, question), CHAMPION)
                client.log_dict(version.run_id, judged, f"gate/{now().replace(':', '')}.json")
    except TrackingError as error:
        return (
            f"MLflow could not be told ({error.what}: {error.got}); this workspace serves as told here. When MLflow "
            f"is back, run `revml register {question}`"
        )
    return ""


def _place(workspace: Workspace, bundle: Bundle) -> tuple[str | None, str]:
    """The alias that a bundle gets by the pointers, which are set here, and why it gets none where that is told."""
    folder, name = bundle.folder.parent, bundle.folder.name
    serving = in_service(workspace, bundle.question)
    if serving is not None and serving.hash == bundle.hash:
        return CHAMPION, ""
    if not bundle.manifest["verdict"]["passed"]:
        return None, "; ".join(SENTENCES[r] for r in bundle.manifest["verdict"]["reasons"])
    if serving is None:
        broken = cannot_serve(workspace, bundle.question)
        appoint(folder, name, None, event="first")
        shelve(workspace, bundle)
        return CHAMPION, f"the one before could not be loaded ({broken}), so nothing was compared" if broken else ""
    gone = rolled_back(history(workspace, bundle.question)).get(name)
    if gone:
        # Otherwise the next retraining on the same data would bring back what somebody has just taken away.
        return None, f"it was champion and was rolled back at {gone}"
    waiting = challenger(workspace, bundle.question)
    if waiting is None or waiting.hash != bundle.hash:
        name_challenger(folder, name, None)
    return CHALLENGER, ""


def _note(bundle: Bundle, version: str, alias: str | None, why: str, serving: Bundle | None) -> str:
    stays = f"; version {serving.version} stays champion" if serving is not None else ""
    if alias == CHAMPION:
        return f"version {version} of {bundle.question} is champion{f'; {why}' if why else ''}"
    if alias == CHALLENGER:
        return f"version {version} of {bundle.question} passed and is challenger{stays}"
    return f"version {version} of {bundle.question} is registered but may not serve: {why}{stays}"


def _ensure(mlflow: Any, client: Any, workspace: Workspace, experiment: str, bundle: Bundle) -> str:
    """The registered version of a bundle, made now if there is none."""
    name = model_name(workspace, bundle.question)
    known = _version_of(mlflow, client, name, bundle.hash)
    if known is not None:
        return known
    run = finished_run(client, experiment, bundle) or log_bundle(mlflow, client, experiment, bundle)
    try:
        client.get_registered_model(name)
    except mlflow.exceptions.MlflowException:
        client.create_registered_model(name, description=bundle.manifest["sheet"]["title"])
    model = logged_model(client, run.info.run_id)
    made = client.create_model_version(
        name,
        source=model.artifact_location if model else f"{run.info.artifact_uri}/model",
        run_id=run.info.run_id,
        model_id=model.model_id if model else None,
        tags=contents.tags(bundle),
        description=bundle.card("en")[:5000],
        await_creation_for=30,
    )
    if model:  # MLflow's own way to show the version where the model is shown
        versions = json.dumps([{"name": name, "version": made.version}])
        client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": versions})
    return str(made.version)


def _version_of(mlflow: Any, client: Any, name: str, digest: str) -> str | None:
    """The first version of a bundle whose run is there; a run in MLflow's bin is brought back.

    A version outlives its run in MLflow. Left in the bin, the run would be swept away with the version's files by the
    next `mlflow gc`; swept away already, the version is an empty name and the bundle needs another.
    """
    versions = client.search_model_versions(f"name = '{name}' and tags.`{BUNDLE_TAG}` = '{digest}'")
    for version in sorted(versions, key=lambda one: int(one.version)):
        try:
            run = client.get_run(version.run_id)
        except mlflow.exceptions.MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            continue
        if run.info.lifecycle_stage == "deleted":
            client.restore_run(version.run_id)
        return str(version.version)
    return None


def _follow(mlflow: Any, client: Any, workspace: Workspace, experiment: str, question: str) -> None:
    """Aliases and the history of versions as the pointers beside the bundles have it; makes versions that miss."""
    name = model_name(workspace, question)
    for _ in range(ROUNDS):
        before = pointed(workspace.bundles_dir / question)
        serving, waiting = in_service(workspace, question), challenger(workspace, question)
        for alias, bundle in ((CHAMPION, serving), (CHALLENGER, waiting)):
            if bundle is None:
                continue
            version = _ensure(mlflow, client, workspace, experiment, bundle)
            if _aliases(mlflow, client, name).get(alias) != version:
                client.set_registered_model_alias(name, alias, version)
            if bundle.registered != version:
                number(bundle.folder.parent, bundle.folder.name, version)
        held = _aliases(mlflow, client, name)
        if CHALLENGER in held and (waiting is None or held[CHALLENGER] == held.get(CHAMPION)):
            client.delete_registered_model_alias(name, CHALLENGER)
        _tell_history(client, workspace, question, name)
        if pointed(workspace.bundles_dir / question) == before:
            return


def _aliases(mlflow: Any, client: Any, name: str) -> dict[str, str]:
    try:
        return {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}
    except mlflow.exceptions.MlflowException:
        return {}


def _tell_history(client: Any, workspace: Workspace, question: str, name: str) -> None:
    """Tags of each version: `revml.history`, when it was champion; `revml.gate` and `revml.forced`, why it could be."""
    of: dict[str, list[str]] = {}
    forced: dict[str, str] = {}
    gate: dict[str, str] = {}
    for entry in history(workspace, question):
        of.setdefault(entry.bundle, []).append(entry.sentence())
        if entry.event == "rollback" and entry.before:
            of.setdefault(entry.before, []).append(f"{entry.at} rolled back from")
        if entry.event == "promote":
            gate[entry.bundle] = f"said no: {', '.join(entry.failed)}" if entry.failed else "passed"
        if entry.forced:
            forced[entry.bundle] = entry.reason
    for bundle, sentences in of.items():
        for version in client.search_model_versions(f"name = '{name}' and tags.`{BUNDLE_TAG}` LIKE '{bundle}%'"):
            wanted = {"revml.history": "; ".join(sentences)[-5000:]}
            if bundle in gate:
                wanted["revml.gate"] = gate[bundle]
            if bundle in forced:
                wanted["revml.forced"] = forced[bundle][:5000]
            for key, value in wanted.items():
                if version.tags.get(key) != value:
                    client.set_model_version_tag(name, str(version.version), key, value)


def registered_versions(workspace: Workspace, question: QuestionName) -> dict[str, tuple[str, str | None]]:
    """Version and alias (champion, challenger or None) of every registered bundle, by its hash.

    Raises:
        TrackingError: MLflow is away.
    """
    name = model_name(workspace, question)
    with connected(workspace) as (mlflow, client):
        alias_of = {v: a for a, v in _aliases(mlflow, client, name).items() if a in (CHAMPION, CHALLENGER)}
        found = client.search_model_versions(f"name = '{name}'")
        # Of several versions of a bundle the one with an alias is told, else the first.
        versions = sorted(found, key=lambda v: (str(v.version) in alias_of, -int(v.version)))
        return {
            v.tags[BUNDLE_TAG]: (str(v.version), alias_of.get(str(v.version))) for v in versions if BUNDLE_TAG in v.tags
        }
