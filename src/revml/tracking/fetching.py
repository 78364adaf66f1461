"""The champion as MLflow knows it, brought to this machine and verified: a new server, or a lost work folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from revml.config import QuestionName, Workspace
from revml.errors import BundleError, TrackingError
from revml.models.bundle import Bundle, load_bundle
from revml.models.golden import check_golden
from revml.models.registry import ANY, appoint
from revml.models.shelf import shelve
from revml.tracking.registration import CHAMPION
from revml.tracking.runs import BUNDLE_TAG, model_name
from revml.tracking.store import connected, shown

UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # no such model, no such alias


def fetch_champion(workspace: Workspace, question: QuestionName, *, instead_of: str | None = ANY) -> Bundle:
    """Bring MLflow's champion to this machine and point at it: a new server, or a lost work folder.

    Args:
        instead_of: see `models.registry.appoint`.

    Raises:
        Busy: the champion was changed here meanwhile.
        BundleError: what the registry calls champion is broken, no bundle of this question, or scores otherwise here
            than where it was trained.
        TrackingError: MLflow knows no champion, or is away.
    """
    name = model_name(workspace, question)
    with connected(workspace) as (mlflow, client):
        try:
            version = client.get_model_version_by_alias(name, CHAMPION)
        except mlflow.exceptions.MlflowException as error:
            raise TrackingError(
                f"MLflow knows no champion of {question}",
                where=f"{shown(workspace.tracking_uri)}, registered model {name}",
                wanted=f"a version with the alias {CHAMPION}",
                got=str(error)[:200],
                do=f"where a champion serves, run `revml register {question}`: the alias follows it; or train one",
            ) from None
        folder = workspace.bundles_dir / question
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".fetching-{os.getpid()}-", dir=folder))
        try:
            got = _downloaded(client, version, temporary, question)
            try:
                bundle = load_bundle(got)
            except BundleError as error:
                raise _foreign(question, version, f"{Path(error.where).name}: {error.got}") from None
            if bundle.question != question or version.tags.get(BUNDLE_TAG, bundle.hash) != bundle.hash:
                raise _foreign(question, version, f"a bundle of {bundle.question}, {bundle.hash[:12]}")
            check_golden(bundle)
            target = folder / bundle.hash[:12]
            if target.exists():
                shutil.rmtree(target)  # the same bytes if it is sound, and what is wanted if it is not
            got.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    appoint(folder, bundle.hash[:12], str(version.version), event="fetch", instead_of=instead_of)
    fetched = load_bundle(target, version=str(version.version))
    shelve(workspace, fetched)
    return fetched


def champion_versions(workspace: Workspace, questions: Sequence[QuestionName]) -> dict[str, tuple[str, str]]:
    """The version that MLflow calls champion of each question that has one, and its bundle's hash.

    Raises:
        TrackingError: MLflow is away.
    """
    found: dict[str, tuple[str, str]] = {}
    with connected(workspace) as (mlflow, client):
        for question in questions:
            try:
                version = client.get_model_version_by_alias(model_name(workspace, question), CHAMPION)
            except mlflow.exceptions.MlflowException as error:
                if error.error_code not in UNKNOWN:
                    raise
                continue
            found[question] = str(version.version), str(version.tags.get(BUNDLE_TAG, ""))
    return found


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
        f"`revml register {question}` does it, and makes the version anew where it was deleted in MLflow",
    )
