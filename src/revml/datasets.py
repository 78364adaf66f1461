"""Datasets: snapshots × who was at risk × what happened × features, split by time.

Comes in: a workspace and its checked facts. Goes out: a frozen `Dataset` a question to learn from, or a frame without
labels to score. Both are made by the same code, so that a model meets at scoring what it met in training. No row is
ever split at random, and no label looks into a later part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from revml.config import QUESTIONS, UPSELL_KINDS, QuestionName, QuestionSpec, Workspace
from revml.errors import ConfigError, NotEnoughData
from revml.features.engine import build_features
from revml.features.pairs import pair_features
from revml.labels import answerable, require
from revml.labels.labelled import Labelled, labelled_snapshots
from revml.labels.outcomes import outcomes
from revml.labels.treated import treated
from revml.progress import Progress
from revml.snapshots import ITEM, KEYS, keys_of, population
from revml.sources.facts import Facts
from revml.sources.known import Known
from revml.sources.replay import KnownAtOnce, known_at_once
from revml.windows import TimeSplit

PartName = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class Dataset:
    """What a question is learned from and measured on.

    Attributes:
        frame: account_id, as_of, item (where the question is about pairs), label (int8: 1 or 0), money (a year's, as
            known at as_of), then the features (float32; `str` for categories, missing where unknown); sorted by as_of,
            account_id and item.
        features: the feature columns in order; `categorical` are those that hold text.
        split: the snapshots of each part.
        observed_until: how far the data reached.
        fingerprint: SHA-256 over definition, split and values; equal data give equal fingerprints.
        held_out: the accounts of the test where rows bear no dates; then no time tells the parts apart.
        own: what is told of a ready table (see `revml.ready`), None where the contract tables gave the features.
        outcomes: what had happened by other horizons (see `labels.outcomes`), None where the question has none.
        treated: snapshots with a play in their label window (see `labels.treated`), None where no plays are known.
        at_once: tables whose past cannot be replayed (see `sources.replay`).
    """

    question: QuestionName
    spec: QuestionSpec
    frame: pd.DataFrame
    features: tuple[str, ...]
    categorical: tuple[str, ...]
    split: TimeSplit
    observed_until: datetime
    fingerprint: str
    held_out: frozenset[str] = frozenset()
    own: Mapping[str, Any] | None = None
    outcomes: pd.DataFrame | None = None
    treated: pd.DataFrame | None = None
    at_once: tuple[KnownAtOnce, ...] = ()

    def part(self, name: PartName) -> pd.DataFrame:
        """The rows of one part."""
        if self.held_out:
            tested = self.frame["account_id"].isin(self.held_out)
            mine = {"train": ~tested, "valid": tested & ~tested, "test": tested}[name]
            return self.frame[mine].reset_index(drop=True)
        chosen = self.frame["as_of"].isin(list(getattr(self.split, name)))
        return self.frame[chosen].reset_index(drop=True)


def asked(workspace: Workspace, facts: Known) -> tuple[QuestionName, ...]:
    """The questions of a workspace that its tables can answer: of those it defines, or where it defines none of all.

    Kinds of upsell are asked only where they are named: they overlap with it.

    Raises:
        NotEnoughData: the tables can answer none of them.
    """
    wanted = tuple(workspace.questions) or tuple(q for q in QUESTIONS if q not in UPSELL_KINDS)
    able = answerable(facts)
    found = tuple(q for q in QUESTIONS if q in wanted and q in able)
    if not found:
        require(facts, wanted[0])
    return found


def build_dataset(
    workspace: Workspace, facts: Facts, question: QuestionName, *, progress: Progress | None = None
) -> Dataset:
    """The dataset of one question.

    Raises:
        NotEnoughData: the tables cannot answer it, no window has closed, or too little happened.
    """
    return build_datasets(workspace, facts, [question], progress=progress)[question]


def build_datasets(
    workspace: Workspace,
    facts: Facts,
    questions: Iterable[QuestionName],
    *,
    progress: Progress | None = None,
    refused: dict[QuestionName, NotEnoughData] | None = None,
) -> dict[QuestionName, Dataset]:
    """The datasets of several questions; features of shared snapshots are built once.

    Args:
        refused: where given, questions with too little data are put there with the reason; else the first one raises.

    Raises:
        NotEnoughData: see `build_dataset`.
    """
    parts: list[Labelled] = []
    for question in dict.fromkeys(questions):
        try:
            parts.append(labelled_snapshots(workspace, facts, question))
        except NotEnoughData as error:
            if refused is None:
                raise
            refused[question] = error
    if not parts:
        return {}
    pairs = pd.concat([p.rows[list(KEYS)] for p in parts]).drop_duplicates()
    features = feature_frame(facts, pairs, progress=progress)
    return {p.question: _joined(p, with_features(facts, p.rows, features, p.spec), facts) for p in parts}


def feature_frame(facts: Facts, snapshots: pd.DataFrame, *, progress: Progress | None = None) -> pd.DataFrame:
    """Features of given pairs as the models take them: numbers float32, categories text, missing where unknown.

    Args:
        snapshots: account_id, as_of.

    Returns:
        account_id, as_of, then the features; sorted by as_of and account_id.
    """
    frame: pd.DataFrame = build_features(facts, snapshots[list(KEYS)], progress=progress).to_pandas()
    numbers = [c for c in frame.columns if c not in KEYS and pd.api.types.is_numeric_dtype(frame[c])]
    return frame.astype(dict.fromkeys(numbers, np.float32))


def with_features(facts: Facts, rows: pd.DataFrame, features: pd.DataFrame, spec: QuestionSpec) -> pd.DataFrame:
    """Rows with the features of their accounts, and of the pairs where the rows are about pairs.

    Args:
        rows: account_id, as_of, item where there is one, and more.
        features: what `feature_frame` gave for these accounts and instants.
        spec: the definition; of pairs, for how long after an order an account has a family.
    """
    if ITEM not in rows.columns:
        return rows.merge(features, on=list(KEYS), how="left", validate="one_to_one")
    pairs = pair_features(facts, rows, spec.lookback_days)
    joined = rows.merge(pairs, on=keys_of(rows), how="left", validate="one_to_one")
    return joined.merge(features, on=list(KEYS), how="left", validate="many_to_one")


def _joined(part: Labelled, frame: pd.DataFrame, facts: Facts) -> Dataset:
    names, categorical = feature_columns(frame)
    digest = hashlib.sha256()
    told = {
        "question": part.question,
        "spec": part.spec.model_dump(),
        "split": [part.split.train, part.split.valid, part.split.test],
        "columns": list(frame.columns),
    }
    digest.update(json.dumps(told, sort_keys=True, default=str).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return Dataset(
        question=part.question,
        spec=part.spec,
        frame=frame,
        features=names,
        categorical=categorical,
        split=part.split,
        observed_until=facts.observed_until,
        fingerprint=digest.hexdigest(),
        outcomes=outcomes(facts, part.question, part.spec, part.rows),
        treated=treated(facts, part.question, part.spec, part.rows),
        at_once=known_at_once(facts),
    )


def feature_columns(frame: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The features of a frame in order, and those of them that hold text."""
    names = tuple(c for c in frame.columns if c not in (*KEYS, ITEM, "label", "money"))
    return names, tuple(c for c in names if not pd.api.types.is_numeric_dtype(frame[c]))


def scoring_frame(
    facts: Facts, workspace: Workspace, question: QuestionName, as_of: datetime | None = None
) -> pd.DataFrame:
    """Everyone at risk at `as_of` with features, as a `Dataset` frame without label.

    Raises:
        NotEnoughData: the tables cannot answer the question.
        ConfigError: `as_of` lies after the end of the data.
    """
    return scoring_frames(facts, workspace, [question], as_of)[question]


def scoring_frames(
    facts: Facts,
    workspace: Workspace,
    questions: Sequence[QuestionName],
    as_of: datetime | None = None,
    *,
    progress: Progress | None = None,
) -> dict[QuestionName, pd.DataFrame]:
    """`scoring_frame` of several questions; features of shared accounts are built once."""
    at = scoring_time(facts, as_of)
    at_risk: dict[QuestionName, pd.DataFrame] = {}
    for question in questions:
        require(facts, question)
        at_risk[question] = population(facts, question, workspace.question(question), [at])
    if not at_risk:
        return {}
    pairs = pd.concat([rows[list(KEYS)] for rows in at_risk.values()]).drop_duplicates()
    features = feature_frame(facts, pairs, progress=progress)
    return {q: with_features(facts, rows, features, workspace.question(q)) for q, rows in at_risk.items()}


def scoring_time(facts: Known, as_of: datetime | None = None) -> datetime:
    """The instant to score at: the given one, or the last midnight that the data covers.

    Raises:
        ConfigError: `as_of` lies after the midnight that follows the end of the data.
    """
    end = facts.observed_until
    floor = datetime(end.year, end.month, end.day)  # noqa: DTZ001 - naive means UTC in revml
    if as_of is None:
        return floor
    if as_of > floor + timedelta(days=1):
        raise ConfigError(
            "the data does not reach that far",
            where="as_of",
            wanted=f"{floor + timedelta(days=1):%Y-%m-%d} or earlier",
            got=f"{as_of:%Y-%m-%d %H:%M}",
            do="load newer data and run `revml check`, or leave as_of out",
        )
    return as_of
