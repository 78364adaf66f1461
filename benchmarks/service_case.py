"""What the service is measured on: a company, a model of a fixed size on 120 features, rows as callers send them.

Features are revml's own, so that reasons are the sentences that a company reads: all texts among them, and the numbers
with the most different values. Unknown values stay unknown.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
from companies import staged_company
from fixed_bundle import LEAVES, TREES, write_fixed_bundle
from load import Request

from revml.config import Workspace
from revml.datasets import Dataset, build_dataset, scoring_frame
from revml.explanations import features_of
from revml.models.bundle import Bundle
from revml.models.registry import appoint
from revml.scoring import publish_run, score_workspace

FEATURES = 120
BODIES = 200
ARROW = "application/vnd.apache.arrow.stream"
WITHIN = 1e-9


@dataclass(frozen=True)
class Case:
    """A company with two models of churn (the first serves), and rows to score.

    Attributes:
        frame: the rows, each feature by name.
    """

    workspace: Workspace
    bundle: Bundle
    other: Bundle
    frame: pd.DataFrame

    @cached_property
    def matrix(self) -> np.ndarray:
        """The rows as the model takes them: categories as codes."""
        return self.bundle.encoding.matrix(self.frame)

    @cached_property
    def truth(self) -> np.ndarray:
        """The probability of each row, by LightGBM alone."""
        return np.asarray(self._model.predict(self.matrix, num_threads=1))

    @cached_property
    def parts(self) -> np.ndarray:
        """What each feature adds to the log-odds of each row, by LightGBM's own `pred_contrib`."""
        return np.asarray(self._model.predict(self.matrix, pred_contrib=True, num_threads=2))[:, :-1]

    @cached_property
    def concepts(self) -> pd.DataFrame:
        """What each concept adds to the log-odds of each row."""
        names = [feature.concept for feature in features_of(self.bundle)]
        return pd.DataFrame(self.parts, columns=names).T.groupby(level=0).sum().T

    @cached_property
    def _model(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_file=self.bundle.folder / "model.txt")

    def rows(self, start: int = 0, stop: int | None = None) -> list[dict[str, Any]]:
        """Rows as JSON has them: null where unknown."""
        part = self.frame.iloc[start:stop].astype(object)
        return part.where(part.notna(), None).to_dict("records")

    def numbers(self, start: int, stop: int) -> list[list[float | None]]:
        """Rows as peers take them that know codes alone: null where unknown."""
        return [[None if x != x else x for x in row] for row in self.matrix[start:stop].tolist()]

    def single(self, port: int, query: str = "") -> Request:
        """One row a request, to revml."""
        bodies = tuple(json.dumps({"question": "churn", "rows": [row]}).encode() for row in self.rows(0, BODIES))
        return Request(port, "POST", f"/v1/score{query}", bodies)

    def block(self, port: int, rows: int, kind: str, query: str = "") -> Request:
        """Many rows a request, to revml, as `rows` or `columns` of JSON or as an Arrow stream."""
        if kind == "arrow":
            table, stream = pa.Table.from_pandas(self.frame.iloc[:rows], preserve_index=False), io.BytesIO()
            with pa.ipc.new_stream(stream, table.schema) as writer:
                writer.write_table(table)
            more = f"&{query[1:]}" if query else ""
            return Request(port, "POST", f"/v1/score?question=churn{more}", (stream.getvalue(),), ARROW)
        part = self.rows(0, rows)
        told = part if kind == "rows" else {name: [row[name] for row in part] for name in self.bundle.features}
        return Request(port, "POST", f"/v1/score{query}", (json.dumps({"question": "churn", kind: told}).encode(),))


def make_case(folder: Path, *, accounts: int, events: int, rows: int) -> Case:
    """Write, train and publish in a folder.

    Args:
        rows: how many to score; accounts are repeated where there are fewer.
    """
    workspace, facts = staged_company(folder, kind="saas", accounts=accounts, events=events)
    data = _narrowed(build_dataset(workspace, facts, "churn"))
    other = write_fixed_bundle(workspace, data, rate=0.03)
    bundle = write_fixed_bundle(workspace, data)
    publish_run(workspace, score_workspace(workspace, facts))
    found = scoring_frame(facts, workspace, "churn")[list(bundle.features)]
    frame = found.iloc[np.arange(rows) % len(found)].reset_index(drop=True)
    made = Case(workspace, bundle, other, frame)
    unknown = float(np.isnan(made.matrix).mean())
    print(
        f"  {TREES} trees, {LEAVES} leaves, {len(bundle.features)} features ({len(bundle.categorical)} texts), "
        f"{unknown:.0%} unknown, {accounts:,} accounts",
        flush=True,
    )
    return made


def _narrowed(data: Dataset) -> Dataset:
    """The same rows with 120 features."""
    numbers = [name for name in data.features if name not in data.categorical]
    told = data.frame[numbers].nunique().sort_values(ascending=False, kind="stable").index
    chosen = {*data.categorical, *told[: FEATURES - len(data.categorical)]}
    features = tuple(name for name in data.features if name in chosen)
    others = [name for name in data.features if name not in chosen]
    return replace(data, frame=data.frame.drop(columns=others), features=features)


def check_answer(case: Case, body: bytes, start: int, *, reasons: bool, which: Bundle | None = None) -> None:
    """Compare an answer of revml with the truth: probabilities, and what the told concepts add.

    Args:
        start: place of the first of its rows.
        which: the model that must have answered; the champion where none is named.
    """
    answer = json.loads(body)["rows"]
    truth = case.truth if which is None else which.predict(case.frame)
    for place, row in enumerate(answer, start):
        assert abs(row["probability"] - truth[place]) < WITHIN, f"row {place}: {row['probability']}, {truth[place]}"
        if reasons:
            assert row["reasons"], f"row {place} has no reason"
            for reason in row["reasons"]:
                told, wanted = reason["contribution"], case.concepts[reason["concept"]].iloc[place]
                assert abs(told - wanted) < WITHIN, f"row {place}, {reason['concept']}: {told}, {wanted}"


def appoint_bundle(bundle: Bundle) -> None:
    """Make a bundle its question's champion."""
    appoint(bundle.folder.parent, bundle.folder.name, None, event="promote")


def told_probability(body: bytes) -> tuple[str, float]:
    """The model that answered, and the probability of the one row that it was asked about."""
    answer = json.loads(body)
    return str(answer["model"]["version"]), float(answer["rows"][0]["probability"])
