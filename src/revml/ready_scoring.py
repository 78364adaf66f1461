"""The rows of a ready table that are to be scored, and who they are.

Comes in: a workspace and a bundle that learned from a ready table. Goes out: `ReadyToScore`: one row an account with
exactly the bundle's features, the same accounts' rows 12 weeks before where the table has them, and `ACCOUNT_COLUMNS`.
With dates these are the rows of the newest instant; without, the rows that have no label yet, or all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from revml.config import Workspace
from revml.errors import BundleError, ConfigError, NotEnoughData
from revml.models.bundle import Bundle
from revml.ready import OWN_DAYS
from revml.snapshots import CONTRACT_QUESTIONS, PAST_DAYS
from revml.sources.ready import ReadyRows, read_ready
from revml.store.runs import ACCOUNT_COLUMNS

NEAR = timedelta(days=3)  # how far from 12 weeks before a row may lie to be told as that
MONTHS = 12


@dataclass(frozen=True)
class ReadyToScore:
    """What a ready table gives to score.

    Attributes:
        as_of: the instant of the rows; without dates the one asked for, the end of the data as told, or today.
        frame: account_id, money and the features.
        past: the same columns 12 weeks before; None where the table has no such rows.
        accounts: `ACCOUNT_COLUMNS`; money is shown as contract or as orders, by the question.
        notes: what a reader must know of the choice of rows.
    """

    as_of: datetime
    frame: pd.DataFrame
    past: pd.DataFrame | None
    accounts: pd.DataFrame
    notes: tuple[str, ...]


def ready_to_score(workspace: Workspace, bundle: Bundle, as_of: datetime | None = None) -> ReadyToScore:
    """The rows that a bundle is to score.

    Raises:
        BundleError: revml.yaml no longer names the bundle's table, or names a question's source anew, or a feature is
            no longer in the table.
        ConfigError: the table begins after `as_of`.
        DataError: see `read_ready`.
        NotEnoughData: no row is left to be scored.
    """
    own = bundle.ready or {}
    name = str(own.get("table"))
    if workspace.ready_for(bundle.question) != name:
        raise BundleError(
            f"the {bundle.question} model was trained on another table than revml.yaml names",
            where=f"{bundle.question} model {bundle.version}",
            wanted=f"ready: {name}: question: {bundle.question}",
            got=workspace.ready_for(bundle.question) or "no ready table for this question",
            do=f"name the table again, or run `revml train {bundle.question}`",
        )
    rows = read_ready(workspace, name, trained={f: own["columns"][f] for f in bundle.features})
    at, chosen, notes = _newest(rows, as_of) if rows.dated else _undated(workspace, rows, as_of)
    if chosen.empty:
        raise NotEnoughData(
            "there is nobody to score",
            where=f"ready table {name}",
            wanted="a row without a label at the newest instant",
            got="none",
            do="add the accounts of today, or name a table of them as score_path",
        )
    frame = chosen.sort_values("account_id", kind="stable").reset_index(drop=True)
    past = _past(rows, frame, at) if rows.dated else None
    features = ["account_id", "money", *bundle.features]
    names = None if rows.names is None else rows.names.loc[chosen.sort_values("account_id", kind="stable").index]
    accounts = _accounts(frame, None if names is None else names.tolist(), bundle.question)
    return ReadyToScore(at, frame[features], None if past is None else past[features], accounts, notes)


def _newest(rows: ReadyRows, as_of: datetime | None) -> tuple[datetime, pd.DataFrame, tuple[str, ...]]:
    """The rows of the newest instant; where accounts have instants of their own, the newest undecided row of each."""
    frame = rows.frame if as_of is None else rows.frame[rows.frame["as_of"] <= as_of]
    if frame.empty:
        raise ConfigError(
            "the table begins later",
            where=f"ready table {rows.name}",
            wanted=f"{rows.frame['as_of'].min():%Y-%m-%d} or later",
            got=f"{as_of:%Y-%m-%d}",
            do="name a later as_of, or leave it out",
        )
    at = frame["as_of"].max().to_pydatetime()
    if len(frame) / frame["as_of"].nunique() >= OWN_DAYS:
        return at, frame[frame["as_of"] == at], ()
    undecided = (
        frame[frame["label"].isna()].sort_values("as_of", kind="stable").drop_duplicates("account_id", keep="last")
    )
    return at, undecided, ()


def _undated(
    workspace: Workspace, rows: ReadyRows, as_of: datetime | None
) -> tuple[datetime, pd.DataFrame, tuple[str, ...]]:
    now = datetime.now(UTC)
    at = as_of or workspace.observed_until or datetime(now.year, now.month, now.day)  # noqa: DTZ001 - naive means UTC
    undecided = rows.frame[rows.frame["label"].isna()]
    if len(undecided):
        return at, undecided, ()
    note = (
        f"{rows.name}: every row has its label, so all are scored, also those that the model learned from and those"
        " whose outcome is known; name a table of today's accounts as score_path"
    )
    return at, rows.frame, (note,)


def _past(rows: ReadyRows, frame: pd.DataFrame, at: datetime) -> pd.DataFrame | None:
    before = rows.frame[(rows.frame["as_of"] - (at - timedelta(days=PAST_DAYS))).abs() <= NEAR]
    before = before[before["account_id"].isin(frame["account_id"])]
    return before.drop_duplicates("account_id", keep="last").reset_index(drop=True) if len(before) else None


def _accounts(frame: pd.DataFrame, names: list[str | None] | None, question: str) -> pd.DataFrame:
    """Who they are, as far as a ready table says: an id, perhaps a name, and the money."""
    contract = question in CONTRACT_QUESTIONS
    told = {
        "account_id": frame["account_id"].astype("str"),
        "name": names,
        "customer_since": pd.Series(pd.NaT, frame.index, dtype="datetime64[us]"),
        "mrr": frame["money"] / MONTHS if contract else 0.0,
        "order_revenue_12m": 0.0 if contract else frame["money"],
    }
    return pd.DataFrame({column: told.get(column) for column in ACCOUNT_COLUMNS}, index=frame.index)
