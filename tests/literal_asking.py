"""A published run of literal accounts with what was kept beside it: feature rows, contributions, and its model.

The model is the hand-made rule on `active_users_28d` (`tests.service.conftest`): one user or none 1.0, up to ten -1.0,
more -3.0 of log-odds, around an average of -2.0.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from revml.at_risk import AtRisk
from revml.config import Workspace
from revml.explanations.one_row import ask
from revml.models.bundle import Bundle
from revml.store import Store
from revml.store.kept import KeptRows
from revml.store.runs import Concepts, ScoreRun
from revml.store.snapshots import save_run

USERS = {"acme": 3.0, "bolt": 30.0, "skoda": 8.0, "cogs": 0.0, "dent": 1.0}
SEATS = {"acme": 20.0, "bolt": 40.0, "skoda": 8.0, "cogs": 5.0, "dent": 5.0}


def kept_frame(users: Mapping[str, float]) -> pd.DataFrame:
    """Feature rows of accounts, sorted; `active_users_84d` and a ratio are features that the model does not look at."""
    ids = sorted(users)
    return pd.DataFrame(
        {
            "account_id": ids,
            "active_users_28d": pd.Series([users[i] for i in ids], dtype="float32"),
            "active_users_84d": pd.Series([users[i] + 1 for i in ids], dtype="float32"),
            "seats": pd.Series([SEATS[i] for i in ids], dtype="float32"),
            "active_users_per_seat_28d": pd.Series([users[i] / SEATS[i] for i in ids], dtype="float32"),
            "industry": pd.Series(["retail"] * len(ids), dtype="str"),
        }
    )


def with_kept(
    run: ScoreRun, workspace: Workspace, bundle: Bundle, users: Mapping[str, float] | None = None
) -> ScoreRun:
    """The run with the churn rows that its model scored, and what each concept added."""
    ids = sorted(run.scores.loc[run.scores["question"] == "churn", "account_id"])
    frame = kept_frame({i: (users or USERS)[i] for i in ids})
    rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    said = ask(bundle, rows)  # type: ignore[arg-type]
    names = tuple(said[0].concepts)
    parts = [json.dumps([round(one.concepts[name], 6) for name in names]) for one in said]
    contributions = pd.DataFrame({"account_id": ids, "question": "churn", "item": "", "parts": parts})
    kept = KeptRows(workspace.work_dir)
    kept.add("churn", AtRisk(frame[["account_id"]].assign(money=12.0), frame))
    concepts = {"churn": Concepts(round(said[0].base, 6), names)}
    return replace(run, contributions=contributions, concepts=concepts, kept=kept)


def publish_kept(workspace: Workspace, store: Store, run: ScoreRun) -> int:
    """Publish, and keep what stands beside a run."""
    number = store.publish(run)
    save_run(run, number, workspace.work_dir / "runs")
    return number


def as_named(bundle: Bundle, name: str = "ab12cd34ef56") -> None:
    """The bundle under the hash that literal runs give their models."""
    shutil.copytree(bundle.folder, bundle.folder.parent / name)
