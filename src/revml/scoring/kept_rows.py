"""One account's feature rows out of the run that scored it: what what-if, levers and changes ask a model about.

Comes in: a workspace, a published run, a question and an account. Goes out: the row as the model saw it, with every
feature that was built. Nothing is built again.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from revml.config import QuestionName, Workspace
from revml.errors import NotFound
from revml.models.bundle import MANIFEST, Bundle, load_bundle
from revml.snapshots import ITEM
from revml.store.kept import SHARED
from revml.store.kept import kept_rows as kept_in
from revml.store.views import RunInfo

RUNS = "runs"


def run_folder(workspace: Workspace, run_id: int) -> Path:
    """Where a run's files stand."""
    return workspace.work_dir / RUNS / str(run_id)


def can_ask(workspace: Workspace, run: RunInfo, question: str) -> bool:
    """Whether the rows of a question, and the model that scored them, are here."""
    model = next(model for model in run.models if model.question == question)
    rows = run_folder(workspace, run.id) / f"{SHARED}_{question}.parquet"
    return rows.is_file() and (workspace.bundles_dir / question / model.bundle[:12] / MANIFEST).is_file()


def kept_rows(workspace: Workspace, run_id: int, question: QuestionName, account_id: str) -> pd.DataFrame:
    """The rows of an account that a run scored for a question, of pairs one an item.

    Raises:
        NotFound: the run kept no rows (an older revml published it, or another machine), or the account was not scored.
        StoreError: the files are damaged.
    """
    found = kept_in(run_folder(workspace, run_id), question, account_id)
    if found is None:
        raise NotFound(
            "the run kept no feature rows, so nothing can be asked of its models about an account",
            where=f"run {run_id}, {question}, in {run_folder(workspace, run_id)}",
            wanted=f"features_{question}.parquet beside the run's other files",
            got="none: an older revml published the run, another machine did, or the files were deleted",
            do="publish again here with `revml score`",
        )
    if found.empty:
        raise NotFound(
            f"the account was not scored for {question}",
            where=f"run {run_id}",
            wanted="an account at risk of the question",
            got=account_id,
        )
    return found


def kept_row(
    workspace: Workspace, run_id: int, question: QuestionName, account_id: str, item: str | None = None
) -> pd.DataFrame:
    """One row; of pairs that of `item`, which must be told where there are several.

    Raises:
        NotFound: as `kept_rows`, or there is no such item.
    """
    found = kept_rows(workspace, run_id, question, account_id)
    if ITEM not in found or (item is None and len(found) == 1):
        return found.iloc[:1].reset_index(drop=True)
    mine = found[found[ITEM] == item]
    if mine.empty:
        raise NotFound(
            f"the account was not scored for this item of {question}" if item else "it is not said for which item",
            where=f"run {run_id}, {question}",
            wanted=", ".join(found[ITEM].astype(str)),
            got=item or "none",
        )
    return mine.iloc[:1].reset_index(drop=True)


def bundle_of(bundles_dir: Path, question: str, bundle: str, version: str) -> Bundle:
    """The model that a run scored with, which may no longer be the champion, by its hash.

    Raises:
        NotFound: its bundle is no longer here.
        BundleError: it is broken.
    """
    folder = bundles_dir / question / bundle[:12]
    try:
        return load_bundle(folder, version=version)
    except NotFound:
        raise NotFound(
            f"the {question} model that scored the run is no longer here",
            where=str(folder),
            wanted=f"the bundle {bundle[:12]} (version {version})",
            do="`revml fetch` brings it from MLflow, or `revml score` publishes a run of the present champion",
        ) from None
