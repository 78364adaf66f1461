"""MLflow, and the only file that imports it: runs, registered versions, the aliases champion and challenger.

Comes in: a bundle that already stands on disk. Goes out: a registered version whose pyfunc model predicts what the
bundle predicts, to the last bit. Nothing here can lose a model: with MLflow away, slow or locked the bundle is safe,
the pointers beside the bundles are set, and `revml register QUESTION` lets the registry follow them later.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from revml import __version__, tracked
from revml.config import QuestionName, Workspace
from revml.errors import BundleError, RevmlError, TrackingError
from revml.evaluation.verdict import SENTENCES
from revml.locks import alive
from revml.models.bundle import Bundle, load_bundle
from revml.models.history import now, rolled_back
from revml.models.registry import appoint, challenger, history, in_service, name_challenger
from revml.models.shelf import shelve
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
ALL_SECONDS = 240  # for everything that is told at once, where each call is answered but slowly
QUIET = ("mlflow", "alembic", "urllib3")
BUNDLE_TAG = "revml.bundle"


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


def model_name(workspace: Workspace, question: str) -> str:
    """What the experiment and the registered model of a question are called: with the workspace's prefix, if any."""
    return f"{workspace.tracking.name}-{question}" if workspace.tracking.name else question


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
        with _mlflow(workspace) as (mlflow, client):
            experiment = _experiment(client, workspace, bundle.question)
            _close_dead_runs(client, experiment)
            version = _ensure(mlflow, client, workspace, experiment, bundle)
            _follow(mlflow, client, workspace, experiment, bundle.question)
    except TrackingError as error:
        note = (
            f"MLflow could not be told; the model is safe in {bundle.folder}. "
            f"When MLflow is back, run `revml register {bundle.question}`"
        )
        return Registered(None, alias, note, away=str(error))
    report("registered", 1.0)
    return Registered(version, alias, _note(bundle, version, alias, why))


def follow(workspace: Workspace, question: QuestionName, *, judged: dict[str, Any] | None = None) -> str:
    """Let the registry follow the pointers beside the bundles; empty, or why it could not, with the way out.

    Args:
        judged: what the gate said of the champion; kept as `gate/<time>.json` in the run of its version.

    Never raises because MLflow is away: the pointers are the truth and the registry is told later.
    """
    try:
        with _mlflow(workspace) as (mlflow, client):
            _follow(mlflow, client, workspace, _experiment(client, workspace, question), question)
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
        appoint(folder, name, None, event="first")
        shelve(workspace, bundle)
        return CHAMPION, ""
    gone = rolled_back(history(workspace, bundle.question)).get(name)
    if gone:
        # Otherwise the next retraining on the same data would bring back what somebody has just taken away.
        return None, f"it was champion and was rolled back at {gone}"
    waiting = challenger(workspace, bundle.question)
    if waiting is None or waiting.hash != bundle.hash:
        name_challenger(folder, name, None)
    return CHALLENGER, ""


def _note(bundle: Bundle, version: str, alias: str | None, why: str) -> str:
    if alias == CHAMPION:
        return f"version {version} of {bundle.question} is champion"
    if alias == CHALLENGER:
        return f"version {version} of {bundle.question} passed and is challenger; the champion stays"
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
            yield mlflow, _Bounded(mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri), workspace)
    except RevmlError:
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


class _Bounded:
    """A client that is asked nothing more once all its answers together took too long."""

    def __init__(self, client: Any, workspace: Workspace) -> None:
        self._client, self._workspace = client, workspace
        self._until = time.monotonic() + ALL_SECONDS

    def __getattr__(self, name: str) -> Any:
        if time.monotonic() > self._until:
            raise TrackingError(
                "MLflow is too slow",
                where=_shown(self._workspace.tracking_uri),
                wanted=f"all answers within {ALL_SECONDS} seconds",
                got=f"not yet asked: {name}",
                do="look after the tracking server; a trained model is registered by `revml register QUESTION`",
            )
        return getattr(self._client, name)


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


def _experiment(client: Any, workspace: Workspace, question: str) -> str:
    name = model_name(workspace, question)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = not workspace.tracking_uri.startswith("http")
    folder = workspace.work_dir.absolute() / "mlartifacts" / name
    # Of that kind, MLflow's pages open with training runs rather than with traces of chats.
    told = {"mlflow.experimentKind": "custom_model_development", "revml.question": question}
    return str(client.create_experiment(name, artifact_location=folder.as_uri() if local else None, tags=told))


def _close_dead_runs(client: Any, experiment: str) -> None:
    """Runs of this machine whose process is gone (killed, power cut) are marked so instead of running for ever."""
    here = socket.gethostname()
    for run in client.search_runs([experiment], filter_string="attributes.status = 'RUNNING'", max_results=100):
        tags = run.data.tags
        if tags.get("revml.host") == here and not alive(int(tags.get("revml.pid", "0"))):
            client.set_terminated(run.info.run_id, status="KILLED")


def _ensure(mlflow: Any, client: Any, workspace: Workspace, experiment: str, bundle: Bundle) -> str:
    """The registered version of a bundle, made now if there is none."""
    name = model_name(workspace, bundle.question)
    known = _version_of(client, name, bundle.hash)
    if known is not None:
        return known
    run = _finished(client, experiment, bundle) or _log(mlflow, client, experiment, bundle)
    try:
        client.get_registered_model(name)
    except mlflow.exceptions.MlflowException:
        client.create_registered_model(name, description=bundle.manifest["sheet"]["title"])
    made = client.create_model_version(
        name,
        source=f"{run.info.artifact_uri}/model",
        run_id=run.info.run_id,
        tags=tracked.tags(bundle),
        description=bundle.card("en")[:5000],
        await_creation_for=30,
    )
    return str(made.version)


def _version_of(client: Any, name: str, digest: str) -> str | None:
    versions = client.search_model_versions(f"name = '{name}' and tags.`{BUNDLE_TAG}` = '{digest}'")
    return str(min(int(v.version) for v in versions)) if versions else None


def _finished(client: Any, experiment: str, bundle: Bundle) -> Any:
    """A whole run of a bundle whose process was killed before it made a version of it."""
    found = client.search_runs(
        [experiment],
        filter_string=f"tags.`{BUNDLE_TAG}` = '{bundle.hash}' and attributes.status = 'FINISHED'",
        max_results=1,
    )
    return found[0] if found else None


def _follow(mlflow: Any, client: Any, workspace: Workspace, experiment: str, question: str) -> None:
    """Aliases and the history of versions as the pointers beside the bundles have it; makes versions that miss."""
    name = model_name(workspace, question)
    serving, waiting = in_service(workspace, question), challenger(workspace, question)
    for alias, bundle, point in ((CHAMPION, serving, appoint), (CHALLENGER, waiting, name_challenger)):
        if bundle is None:
            continue
        version = _ensure(mlflow, client, workspace, experiment, bundle)
        if _aliases(mlflow, client, name).get(alias) != version:
            client.set_registered_model_alias(name, alias, version)
        if bundle.registered != version:
            point(bundle.folder.parent, bundle.folder.name, version)
    held = _aliases(mlflow, client, name)
    if CHALLENGER in held and (waiting is None or held[CHALLENGER] == held.get(CHAMPION)):
        client.delete_registered_model_alias(name, CHALLENGER)
    _tell_history(client, workspace, question, name)


def _aliases(mlflow: Any, client: Any, name: str) -> dict[str, str]:
    try:
        return {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}
    except mlflow.exceptions.MlflowException:
        return {}


def _tell_history(client: Any, workspace: Workspace, question: str, name: str) -> None:
    """Each version's tag `revml.history` says when it became champion, and why; `revml.forced` by whose words."""
    of: dict[str, list[str]] = {}
    forced: dict[str, str] = {}
    for entry in history(workspace, question):
        of.setdefault(entry.bundle, []).append(entry.sentence())
        if entry.event == "rollback" and entry.before:
            of.setdefault(entry.before, []).append(f"{entry.at} rolled back from")
        if entry.forced:
            forced[entry.bundle] = entry.reason
    for bundle, sentences in of.items():
        for version in client.search_model_versions(f"name = '{name}' and tags.`{BUNDLE_TAG}` LIKE '{bundle}%'"):
            wanted = {"revml.history": "; ".join(sentences)[-5000:]}
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
    with _mlflow(workspace) as (mlflow, client):
        alias_of = {v: a for a, v in _aliases(mlflow, client, name).items() if a in (CHAMPION, CHALLENGER)}
        versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda v: -int(v.version))
        return {
            v.tags[BUNDLE_TAG]: (str(v.version), alias_of.get(str(v.version))) for v in versions if BUNDLE_TAG in v.tags
        }


def _log(mlflow: Any, client: Any, experiment: str, bundle: Bundle) -> Any:
    """One run: what went in, what was chosen, what came out, the bundle, the pyfunc model; its folds below it."""
    own = {
        "revml.host": socket.gethostname(),
        "revml.pid": str(os.getpid()),
        "mlflow.source.name": "revml train",
        "mlflow.source.type": "LOCAL",
    }
    told = {**tracked.tags(bundle), "mlflow.note.content": bundle.card("en")[:8000]}
    run = client.create_run(experiment, run_name=tracked.run_name(bundle), tags={**own, **told})
    run_id = run.info.run_id
    try:
        client.log_inputs(run_id, datasets=tracked.dataset_inputs(mlflow, bundle))
        client.log_batch(run_id, *_batch(mlflow, tracked.metrics(bundle), tracked.params(bundle)))
        for name, drawing in tracked.drawings(bundle):
            client.log_figure(run_id, drawing, f"pictures/{name}.png")
        client.log_artifacts(run_id, str(bundle.folder), "bundle")
        for card in ("card.md", "card.cs.md"):
            client.log_artifact(run_id, str(bundle.folder / card))
        with tempfile.TemporaryDirectory(prefix="revml-") as temporary:
            model = Path(temporary) / "model"
            mlflow.pyfunc.save_model(
                str(model),
                loader_module="revml.models.pyfunc",
                data_path=str(bundle.folder),
                signature=tracked.signature(mlflow, bundle),
                pip_requirements=[f"revml=={__version__}"],
                metadata={BUNDLE_TAG: bundle.hash, "rung": bundle.rung},
            )
            client.log_artifacts(run_id, str(model), "model")
        for below in tracked.nested(bundle):
            child = {"mlflow.parentRunId": run_id, "revml.kind": below.kind, **own}
            nested = client.create_run(experiment, run_name=below.name, tags=child).info.run_id
            client.log_batch(nested, *_batch(mlflow, below.metrics, below.params))
            client.set_terminated(nested, status="FINISHED")
    except BaseException:
        with suppress(Exception):  # the first error tells more; a run left open is closed by the next registration
            client.set_terminated(run_id, status="FAILED")
        raise
    client.set_terminated(run_id, status="FINISHED")
    return run


def _batch(mlflow: Any, metrics: dict[str, float], params: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    at = int(time.time() * 1000)
    entities = mlflow.entities
    return (
        [entities.Metric(name, float(value), at, 0) for name, value in metrics.items()],
        [entities.Param(name, str(value)[:500]) for name, value in params.items()],
    )


def fetch_champion(workspace: Workspace, question: QuestionName) -> Bundle:
    """Bring MLflow's champion to this machine and point at it: a new server, or a lost work folder.

    Raises:
        BundleError: what the registry calls champion is broken, or no bundle of this question.
        TrackingError: MLflow knows no champion, or is away.
    """
    name = model_name(workspace, question)
    with _mlflow(workspace) as (mlflow, client):
        try:
            version = client.get_model_version_by_alias(name, CHAMPION)
        except mlflow.exceptions.MlflowException as error:
            raise TrackingError(
                f"MLflow knows no champion of {question}",
                where=f"{_shown(workspace.tracking_uri)}, registered model {name}",
                wanted=f"a version with the alias {CHAMPION}",
                got=str(error)[:200],
                do=f"where a champion serves, run `revml register {question}`: the alias follows it; or train one",
            ) from None
        folder = workspace.bundles_dir / question
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".fetching-{os.getpid()}-", dir=folder))
        try:
            got = _downloaded(client, version, temporary, question)
            bundle = load_bundle(got)
            if bundle.question != question or version.tags.get(BUNDLE_TAG, bundle.hash) != bundle.hash:
                raise _foreign(question, version, f"a bundle of {bundle.question}, {bundle.hash[:12]}")
            target = folder / bundle.hash[:12]
            if target.exists():
                shutil.rmtree(target)  # the same bytes if it is sound, and what is wanted if it is not
            got.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    appoint(folder, bundle.hash[:12], str(version.version), event="fetch")
    fetched = load_bundle(target, version=str(version.version))
    shelve(workspace, fetched)
    return fetched


def _downloaded(client: Any, version: Any, temporary: Path, question: str) -> Path:
    """The bundle folder of a version's run.

    Raises:
        BundleError: the version has none.
    """
    listed = client.list_artifacts(version.run_id, "bundle") if version.run_id else []
    if not any(file.path.endswith("manifest.json") for file in listed):
        raise _foreign(question, version, "no bundle among the artifacts of its run")
    return Path(client.download_artifacts(version.run_id, "bundle", str(temporary)))


def _foreign(question: str, version: Any, got: str) -> BundleError:
    return BundleError(
        f"what MLflow calls the champion of {question} is no sound bundle of it",
        where=f"registered model {version.name}, version {version.version}",
        wanted=f"a version that revml registered for {question}",
        got=got,
        do=f"set the alias {CHAMPION} to such a version in MLflow and fetch again; where a champion serves, "
        f"`revml register {question}` does it",
    )


__all__ = ["Registered", "fetch_champion", "follow", "model_name", "register", "registered_versions"]


def log_backtest(
    workspace: Workspace,
    question: QuestionName,
    *,
    name: str,
    params: Mapping[str, Any],
    steps: Sequence[Mapping[str, float]],
    overall: Mapping[str, float],
    texts: Mapping[str, str],
) -> str:
    """A replayed past as one run, tagged `kind=backtest`; empty, or why MLflow could not be told.

    Args:
        steps: metrics of each origin, the oldest first; the step is its place.
        overall: metrics without a step.
        texts: artifacts by path.
    """
    try:
        with _mlflow(workspace) as (mlflow, client):
            experiment = _experiment(client, workspace, question)
            _close_dead_runs(client, experiment)
            own = {"revml.host": socket.gethostname(), "revml.pid": str(os.getpid()), "kind": "backtest"}
            run_id = client.create_run(experiment, run_name=name, tags=own).info.run_id
            try:
                at = int(time.time() * 1000)
                metric = mlflow.entities.Metric
                metrics = [metric(k, float(v), at, 0) for k, v in overall.items()]
                metrics += [metric(k, float(v), at, n) for n, step in enumerate(steps) for k, v in step.items()]
                for start in range(0, len(metrics), 1000):
                    client.log_batch(run_id, metrics=metrics[start : start + 1000])
                client.log_batch(run_id, params=[mlflow.entities.Param(k, str(v)[:500]) for k, v in params.items()])
                for path, text in texts.items():
                    client.log_text(run_id, text, path)
            except BaseException:
                client.set_terminated(run_id, status="FAILED")
                raise
            client.set_terminated(run_id, status="FINISHED")
    except TrackingError as error:
        return f"MLflow could not be told of the back-test ({error.what}: {error.got})"
    return ""
