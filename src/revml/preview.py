"""Preview: what a definition gives before anything is trained.

Comes in: checked facts and a question. Goes out: who was at risk at each snapshot and how often the event came, the
parts a model would learn from and be measured on, what other horizons would give, and plain warnings. No feature is
built, so that a definition can be tried in a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from revml.config import QuestionName, QuestionSpec, Workspace
from revml.errors import NotEnoughData
from revml.labels import label, require
from revml.labels.labelled import Labelled, labelled_snapshots
from revml.snapshots import first_snapshot, population, snapshot_dates
from revml.sources.facts import Facts
from revml.windows import LabelWindow

# Fewer accounts with an event than this and a learned model can hardly beat a rule.
FEW_EVENTS = 30
# Questions that a change of price alone is no answer to, unless the definition says so.
PRICED: tuple[QuestionName, ...] = ("contraction", "upsell")
# Horizons shown beside the chosen one: a month, a quarter, half a year.
HORIZONS = (30, 90, 180)


@dataclass(frozen=True)
class Preview:
    """What a definition gives.

    Attributes:
        months: month (the snapshot), at_risk, events, base_rate (NA until the window has closed), closed.
        horizons: horizon_days, snapshots, at_risk, events, base_rate over closed snapshots.
        parts: part, first, last, snapshots, rows, events, accounts_with_event, base_rate; empty when refused.
        warnings: sentences; empty when all is well.
    """

    question: QuestionName
    spec: QuestionSpec
    observed_until: datetime
    months: pd.DataFrame
    horizons: pd.DataFrame
    parts: pd.DataFrame
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The whole preview as plain values, for JSON."""
        return {
            "question": self.question,
            "definition": self.spec.model_dump(),
            "observed_until": self.observed_until.isoformat(),
            "months": _records(self.months),
            "horizons": _records(self.horizons),
            "parts": _records(self.parts),
            "warnings": list(self.warnings),
        }


def preview(facts: Facts, workspace: Workspace, question: QuestionName) -> pd.DataFrame:
    """At risk and events at each snapshot: month, at_risk, events, base_rate, closed.

    Raises:
        NotEnoughData: the tables cannot answer the question.
    """
    require(facts, question)
    spec = workspace.question(question)
    return _counted(facts, question, spec, _dates(facts, workspace, question, spec)).drop(columns="decided")


def preview_question(facts: Facts, workspace: Workspace, question: QuestionName) -> Preview:
    """Everything `revml preview` prints.

    Raises:
        NotEnoughData: the tables cannot answer the question; too little data is a warning here, not an error.
    """
    months = preview(facts, workspace, question)
    spec = workspace.question(question)
    warnings: list[str] = []
    parts = pd.DataFrame()
    try:
        labelled = labelled_snapshots(workspace, facts, question)
    except NotEnoughData as error:
        warnings.append(f"Cannot be trained: {error.what}. Wanted: {error.wanted}. Got: {error.got}.")
    else:
        parts = _parts(labelled)
        events = int(_accounts_with_event(labelled, ("train", "valid")))
        if events < FEW_EVENTS:
            warnings.append(
                f"Only {events} accounts had the event in training (fewer than {FEW_EVENTS}): "
                "expect a simple rule to be served, not a learned model."
            )
    if question in PRICED and not spec.price_changes:
        warnings += _priced(facts, question, spec, months)
    return Preview(
        question=question,
        spec=spec,
        observed_until=facts.observed_until,
        months=months,
        horizons=_horizons(facts, workspace, question, spec),
        parts=parts,
        warnings=tuple(warnings),
    )


def _priced(facts: Facts, question: QuestionName, spec: QuestionSpec, months: pd.DataFrame) -> list[str]:
    """That most changes of MRR are left out as prices: often a sign that quantities are not what they seem."""
    dates = [month.to_pydatetime() for month in months.loc[months["closed"], "month"]]
    counted = _counted(facts, question, spec.model_copy(update={"price_changes": True}), dates)["events"].sum()
    events = months["events"].sum()
    if counted < FEW_EVENTS or counted <= 2 * events:
        return []
    return [
        f"{int(counted - events):,} of {int(counted):,} changes of MRR as large are of the price alone and do not"
        " count. If `quantity` does not tell seats, map it to 0: MRR then counts as it is. `price_changes: true`"
        " counts prices."
    ]


def _dates(facts: Facts, workspace: Workspace, question: QuestionName, spec: QuestionSpec) -> list[datetime]:
    return snapshot_dates(workspace.snapshots, first_snapshot(facts, question, spec), facts.observed_until)


def _counted(facts: Facts, question: QuestionName, spec: QuestionSpec, dates: list[datetime]) -> pd.DataFrame:
    at_risk = population(facts, question, spec, dates)
    rows = label(facts, question, spec, at_risk)
    found = rows.groupby("as_of")["label"].agg(["size", "count", "sum"])
    window: LabelWindow = spec.window(question)
    counted = pd.DataFrame({"month": pd.Series(dates, dtype="datetime64[us]")})
    counted["closed"] = [window.closed(d, facts.observed_until) for d in dates]
    counted = counted.merge(found, left_on="month", right_index=True, how="left")
    decided = counted["closed"] & counted["count"].gt(0)
    return pd.DataFrame(
        {
            "month": counted["month"],
            "at_risk": counted["size"].fillna(0).astype("int64"),
            "events": counted["sum"].where(decided).astype("Int64"),
            "base_rate": (counted["sum"] / counted["count"]).where(decided).astype("Float64"),
            "decided": counted["count"].fillna(0).astype("int64"),
            "closed": counted["closed"].astype(bool),
        }
    )


def _horizons(facts: Facts, workspace: Workspace, question: QuestionName, spec: QuestionSpec) -> pd.DataFrame:
    rows = []
    for days in sorted({*HORIZONS, spec.horizon_days}):
        other = spec.model_copy(update={"horizon_days": days})
        window = other.window(question)
        dates = [d for d in _dates(facts, workspace, question, spec) if window.closed(d, facts.observed_until)]
        counted = _counted(facts, question, other, dates)
        decided, events = int(counted["decided"].sum()), int(counted["events"].sum())
        rows.append((days, len(dates), decided, events, events / decided if decided else None))
    return pd.DataFrame(rows, columns=["horizon_days", "snapshots", "at_risk", "events", "base_rate"])


def _parts(labelled: Labelled) -> pd.DataFrame:
    rows = []
    for part in ("train", "valid", "test"):
        as_ofs = getattr(labelled.split, part)
        if not as_ofs:
            continue
        chosen = labelled.rows[labelled.rows["as_of"].isin(as_ofs)]
        events = int(chosen["label"].sum())
        accounts = int(_accounts_with_event(labelled, (part,)))
        rate = events / len(chosen)
        rows.append((part, as_ofs[0], as_ofs[-1], len(as_ofs), len(chosen), events, accounts, rate))
    columns = ["part", "first", "last", "snapshots", "rows", "events", "accounts_with_event", "base_rate"]
    return pd.DataFrame(rows, columns=columns)


def _accounts_with_event(labelled: Labelled, parts: tuple[str, ...]) -> int:
    as_ofs = [at for part in parts for at in getattr(labelled.split, part)]
    rows = labelled.rows
    return int(rows.loc[rows["as_of"].isin(as_ofs) & rows["label"].eq(1), "account_id"].nunique())


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
