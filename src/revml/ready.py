"""A ready table becomes a dataset: leaks held back, rare categories told, split by time or, without dates, by account.

Comes in: a workspace and the name of a table under `ready:`. Goes out: a `ReadyReport` (what `revml check` says) and a
`Dataset` like any other, whose `own` tells the model card and serving what the columns are. A table without `as_of` has
no order in time: a fifth of the accounts is held out, stratified by the label, and everything that is measured on them
is out of sample and not out of time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from revml.config import QuestionSpec, Workspace
from revml.datasets import Dataset
from revml.errors import NotEnoughData
from revml.evaluation.leaks import Suspicion, suspicions
from revml.labels.labelled import MIN_ACCOUNTS, split_snapshots
from revml.models.encoding import common_values
from revml.models.folds import account_numbers
from revml.progress import Progress, silent
from revml.sources.ready import UNDATED, ReadyRows, read_ready
from revml.windows import TimeSplit

HELD_OUT = 5  # one account in so many is the test of a table without dates
LEAST = 20  # accounts that a category needs to be learned by its name
WEEKLY = 15  # days between instants, below which a quarter of a year has twelve of them
OWN_DAYS = 10  # rows an instant, below which accounts have instants of their own rather than snapshots


@dataclass(frozen=True)
class ReadyReport:
    """What a look at a ready table found.

    Attributes:
        rows, accounts, events, unlabelled: counts; `unlabelled` rows can be scored and not learned from.
        features: the columns to learn from, with what they hold.
        held_back: columns that seem to know the answer and are left out until `allow` names them.
        allowed: suspicious columns that `allow` let in.
        left_out: other columns that are no features, with the reason.
        notes: what was done to columns, and what is worth a look.
        pooled: categories some of whose values are too rare to be learned by name: (values that are not, all values).
    """

    name: str
    question: str
    rows: int
    accounts: int
    events: int
    unlabelled: int
    dated: bool
    features: dict[str, str]
    held_back: tuple[Suspicion, ...]
    allowed: tuple[Suspicion, ...]
    left_out: dict[str, str]
    notes: tuple[str, ...]
    pooled: dict[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def summary(self) -> str:
        """One sentence for logs."""
        held = f", held back: {', '.join(s.column for s in self.held_back)}" if self.held_back else ""
        return f"{self.name}: {self.rows:,} rows, {self.events:,} events, {len(self.features)} features{held}"


def check_ready(workspace: Workspace, name: str) -> ReadyReport:
    """Look at a ready table: its columns, its label, and which columns know the answer.

    Raises:
        ConfigError, DataError: see `read_ready`.
        NotEnoughData: the label has one value only.
    """
    return _looked_at(workspace, name)[1]


def ready_dataset(workspace: Workspace, name: str, *, progress: Progress | None = None) -> Dataset:
    """The dataset of a ready table.

    Raises:
        ConfigError, DataError: see `read_ready`.
        NotEnoughData: too little happened, or no label window has closed.
    """
    report = progress or silent
    report(f"reading {name}", 0.0)
    rows, found = _looked_at(workspace, name)
    spec = definition_of(workspace, name)
    features = tuple(found.features)
    frame = rows.frame[["account_id", "as_of", "label", "money", *features]]
    frame = frame[frame["label"].notna()]
    frame = frame.assign(label=frame["label"].astype("int8")).sort_values(["as_of", "account_id"], ignore_index=True)
    observed_until = UNDATED
    held_out: frozenset[str] = frozenset()
    split = TimeSplit((UNDATED,), (), (UNDATED,))
    if rows.dated:
        frame, split, observed_until = _by_time(workspace, frame, spec, found)
    else:
        held_out = _held_out(frame, workspace.seed)
    categorical = tuple(f for f in features if found.features[f] == "category")
    own = _own(rows, found)
    digest = hashlib.sha256(
        json.dumps([own, spec.model_dump(), split.train, split.valid, split.test], sort_keys=True, default=str).encode()
    )
    digest.update("\n".join(sorted(held_out)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    report(f"{name} read", 1.0)
    return Dataset(
        question=rows.spec.question,
        spec=spec,
        frame=frame,
        features=features,
        categorical=categorical,
        split=split,
        observed_until=observed_until,
        fingerprint=digest.hexdigest(),
        held_out=held_out,
        own=own,
    )


def definition_of(workspace: Workspace, name: str) -> QuestionSpec:
    """The definition that a ready table answers: its own horizon and gap, and no grace, for its label is final."""
    table = workspace.ready[name]
    spec = workspace.question(table.question)
    horizon = table.horizon_days or spec.horizon_days
    return spec.model_copy(update={"horizon_days": horizon, "gap_days": table.gap_days, "grace_days": 0})


def _looked_at(workspace: Workspace, name: str) -> tuple[ReadyRows, ReadyReport]:
    rows = read_ready(workspace, name)
    known = rows.frame[rows.frame["label"].notna()]
    events = int(known["label"].sum())
    _two_outcomes(name, known)
    left_out = dict(rows.left_out)
    notes = list(rows.notes)
    kinds: dict[str, str] = dict(rows.kinds)
    pooled = {}
    for column in [column for column, kind in kinds.items() if kind == "category"]:
        values = known[column]
        every, common = values.nunique(), len(common_values(values, known["account_id"], LEAST))
        if not common:
            alike = "each row has its own" if every > 0.95 * values.notna().sum() else f"{every:,} values"
            left_out[column] = f"{alike}, none of them at {LEAST} accounts: an id or free text, not a property"
            del kinds[column]
        elif common < every:
            pooled[column] = (common, every)
    # Every column is looked at, also those left out for their many values: a leak should be known as one.
    found = suspicions(
        known[list(rows.kinds)],
        known["label"].to_numpy(dtype=float),
        known["account_id"].tolist(),
        categorical=[c for c, kind in rows.kinds.items() if kind == "category"],
        label_name=rows.spec.label,
    )
    allowed = tuple(s for s in found if s.column in rows.spec.allow)
    held_back = tuple(s for s in found if s.column not in rows.spec.allow)
    for one in held_back:
        kinds.pop(one.column, None)
        left_out.pop(one.column, None)
    pooled = {column: counts for column, counts in pooled.items() if column in kinds}
    notes += [
        f"{column}: {common:,} of its {every:,} values stand at {LEAST} accounts or more; rarer ones count as unknown"
        for column, (common, every) in pooled.items()
    ]
    if rows.dated:
        notes += _closed(rows)
    report = ReadyReport(
        name=name,
        question=rows.spec.question,
        rows=len(rows.frame),
        accounts=int(rows.frame["account_id"].nunique()),
        events=events,
        unlabelled=len(rows.frame) - len(known),
        dated=rows.dated,
        features=kinds,
        held_back=held_back,
        allowed=allowed,
        left_out=left_out,
        notes=tuple(notes),
        pooled=pooled,
    )
    if not kinds:
        raise NotEnoughData(
            "no column is left to learn from",
            where=f"ready table {name}",
            wanted="at least one feature",
            got="; ".join([f"{c}: {why}" for c, why in left_out.items()][:5]) or "only columns that are held back",
            do="add columns, or name under `allow` the held back ones that were known beforehand",
        )
    return rows, report


def _two_outcomes(name: str, known: pd.DataFrame) -> None:
    for value, words in ((1.0, "the event"), (0.0, "no event")):
        accounts = known.loc[known["label"] == value, "account_id"].nunique()
        if accounts < MIN_ACCOUNTS:
            raise NotEnoughData(
                "too little happened to learn from",
                where=f"ready table {name}",
                wanted=f"at least {MIN_ACCOUNTS} accounts with {words}",
                got=f"{accounts} of {known['account_id'].nunique()} accounts with a label",
                do="add rows, or look whether `label` and `positive` are the right ones",
            )


def _closed(rows: ReadyRows) -> list[str]:
    unlabelled = rows.frame.groupby("as_of")["label"].apply(lambda label: label.isna().all())
    n, newest = int(unlabelled.sum()), rows.frame["as_of"].max()
    return [f"{len(unlabelled):,} instants up to {newest:%Y-%m-%d}; {n:,} of them without any label yet, to be scored"]


def _held_out(frame: pd.DataFrame, seed: int) -> frozenset[str]:
    """A fifth of the accounts of each outcome, by a hash of their ids: the same ones in any order of rows."""
    held: list[str] = []
    for _, rows in frame.groupby("label"):
        ids = rows["account_id"].tolist()
        order = np.lexsort((np.array(ids, dtype=object).astype(str), account_numbers([f"{seed}\t{i}" for i in ids])))
        held += [ids[i] for i in order[: len(ids) // HELD_OUT]]
    return frozenset(held)


def _by_time(
    workspace: Workspace, frame: pd.DataFrame, spec: QuestionSpec, found: ReadyReport
) -> tuple[pd.DataFrame, TimeSplit, datetime]:
    """The rows that serve, their parts and how far the data reach."""
    window = replace(spec.window("churn"), settle_days=0)
    last = workspace.observed_until or window.end(frame["as_of"].max().to_pydatetime())
    closed = frame["as_of"].map(lambda at: window.closed(at.to_pydatetime(), last))
    frame = frame[closed]
    _two_outcomes(found.name, frame)
    dates = frame["as_of"].drop_duplicates().sort_values()
    own_days = len(frame) / len(dates) < OWN_DAYS
    weekly = len(dates) > 1 and float(dates.diff().dt.days.median()) < WEEKLY
    split = split_snapshots(
        frame, frame if own_days else frame.iloc[:0], window, last, valid_snapshots=12 if weekly else 3
    )
    used = frame["as_of"].isin([*split.train, *split.valid, *split.test])
    return frame[used].reset_index(drop=True), split, last


def _own(rows: ReadyRows, found: ReadyReport) -> dict[str, Any]:
    """What the bundle has to know of its table, in plain values."""
    spec = rows.spec
    return {
        "table": rows.name,
        "account": spec.account,
        "as_of": spec.as_of,
        "label": spec.label,
        "positive": None if spec.positive is None else str(spec.positive),
        "money": spec.money,
        "dated": rows.dated,
        "horizon_days": spec.horizon_days,
        "columns": dict(found.features),
        "least": LEAST,
        "pooled": {column: list(counts) for column, counts in found.pooled.items()},
        "held_back": {s.column: s.evidence for s in found.held_back},
        "allowed": {s.column: s.evidence for s in found.allowed},
        "left_out": dict(found.left_out),
        "notes": list(found.notes),
    }
