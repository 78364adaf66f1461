"""Closed snapshots with their labels, split by time: what there is to learn from and to be measured on.

Comes in: a workspace, its facts and a question. Goes out: who was at risk, when, what happened and the part each
snapshot plays. Too little of it is refused here, before any feature is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from zlib import crc32

import pandas as pd

from revml.config import QuestionName, QuestionSpec, Workspace
from revml.errors import NotEnoughData
from revml.labels import label, require
from revml.snapshots import (
    CONTRACT_QUESTIONS,
    PAIR_QUESTIONS,
    first_snapshot,
    keys_of,
    population,
    renewal_snapshots,
    snapshot_dates,
)
from revml.sources.facts import Facts
from revml.windows import LabelWindow, TimeSplit, split_by_time

# Figures of a test with fewer events than this say little; up to three snapshots are taken to get there.
TEST_EVENTS = 30
MAX_TEST_SNAPSHOTS = 3
# Pairs of accounts and items are many rows; beyond this whole accounts are left out of training, chosen by their ids.
MAX_PAIRS = 500_000
# Below this many accounts on either side of a question not even a rate is worth serving.
MIN_ACCOUNTS = 10
_VALID_SNAPSHOTS = {"month": 3, "week": 12, "none": 3}


@dataclass(frozen=True)
class Labelled:
    """Closed, labelled snapshots of a question before they meet their features: account_id, as_of, label, money."""

    question: QuestionName
    spec: QuestionSpec
    rows: pd.DataFrame
    split: TimeSplit


def labelled_snapshots(workspace: Workspace, facts: Facts, question: QuestionName) -> Labelled:
    """Who was at risk and what happened, in the snapshots that serve as training, validation or test.

    Snapshots before a renewal are for training alone: validation and test hold everyone at risk at one instant, as
    scoring does. Where the workspace asks for nothing but them, a month of them makes a fold.

    Raises:
        NotEnoughData: the tables cannot answer the question, no window has closed, or too little happened.
    """
    require(facts, question)
    spec = workspace.question(question)
    window = spec.window(question)
    first, last = first_snapshot(facts, question, spec), facts.observed_until
    dates = snapshot_dates(workspace.snapshots, first, last)
    closed = [d for d in dates if window.closed(d, last)]
    at_risk = population(facts, question, spec, closed)
    early = at_risk.iloc[:0]
    if question in CONTRACT_QUESTIONS and workspace.snapshots.before_renewal_days:
        early = renewal_snapshots(facts, workspace.snapshots, first, last)
        early = early[~early["as_of"].isin(closed)]
        at_risk = pd.concat([at_risk, early], ignore_index=True)
    rows = at_risk.merge(label(facts, question, spec, at_risk), on=keys_of(at_risk), validate="one_to_one")
    rows = rows[rows["label"].notna()]
    if rows.empty:
        _refuse_nothing(question, window, [*dates, *_instants(early)], facts)
    split = split_snapshots(rows, early, window, last, valid_snapshots=_VALID_SNAPSHOTS[workspace.snapshots.every])
    rows = rows[rows["as_of"].isin([*split.train, *split.valid, *split.test])]
    keys = keys_of(rows)
    if question in PAIR_QUESTIONS:
        rows = _thinned(rows, rows["as_of"].isin(split.test))
    rows = rows.sort_values(["as_of", *(key for key in keys if key != "as_of")], ignore_index=True)
    rows = rows.assign(label=rows["label"].astype("int8"))[[*keys, "label", "money"]]
    _refuse_too_little(question, rows, split)
    return Labelled(question, spec, rows, split)


def _thinned(rows: pd.DataFrame, kept: pd.Series[bool], most: int = MAX_PAIRS) -> pd.DataFrame:
    """Rows with at most about `most` beside those that are kept, by leaving out whole accounts."""
    share = most / max(int((~kept).sum()), 1)
    if share >= 1:
        return rows
    number = rows["account_id"].map({a: crc32(a.encode()) for a in rows["account_id"].unique()})
    return rows[kept | (number < share * 2**32)]


def split_snapshots(
    rows: pd.DataFrame, early: pd.DataFrame, window: LabelWindow, observed_until: datetime, *, valid_snapshots: int
) -> TimeSplit:
    """The parts: as many test snapshots as it takes to see enough events, but no more than three.

    Args:
        rows: as_of, label of everyone at a closed snapshot.
        early: those of them at instants of their own (before a renewal), which are for training alone; where there are
            no others, a month of them makes a fold.
    """
    everyone = rows[~rows["as_of"].isin(early["as_of"])]
    if everyone.empty:
        return _split_by_month(_instants(rows), window, observed_until)
    events = everyone.groupby("as_of")["label"].sum().sort_index()
    enough = [k for k in range(1, MAX_TEST_SNAPSHOTS) if events.iloc[-k:].sum() >= TEST_EVENTS]
    split = split_by_time(
        _instants(everyone),
        window,
        observed_until,
        test_snapshots=enough[0] if enough else MAX_TEST_SNAPSHOTS,
        valid_snapshots=valid_snapshots,
    )
    limit = (split.valid or split.test)[0]
    more = {at for at in _instants(early) if window.end(at) <= limit}
    return TimeSplit(tuple(sorted({*split.train, *more})), split.valid, split.test)


def _split_by_month(dates: list[datetime], window: LabelWindow, observed_until: datetime) -> TimeSplit:
    """The parts of snapshots that fall on any day: a month of them is the test, a quarter the validation."""
    test = sum(d > dates[-1] - timedelta(days=31) for d in dates)
    before = [d for d in dates if window.end(d) <= dates[-test]]
    valid = sum(d > before[-1] - timedelta(days=92) for d in before) if before else 1
    return split_by_time(dates, window, observed_until, test_snapshots=test, valid_snapshots=valid)


def _instants(frame: pd.DataFrame) -> list[datetime]:
    return [at.to_pydatetime() for at in frame["as_of"].drop_duplicates().sort_values()]


def _refuse_nothing(question: QuestionName, window: LabelWindow, dates: list[datetime], facts: Facts) -> NoReturn:
    if not any(window.closed(d, facts.observed_until) for d in dates):
        split_by_time(dates, window, facts.observed_until)  # says how much longer it takes
    raise NotEnoughData(
        f"nobody was at risk of {question!r} at any closed snapshot",
        wanted="accounts with an active relation",
        got=f"{len(dates)} snapshots, {facts.observed_until:%Y-%m-%d} the end of the data",
        do=f"see `revml preview {question}`; check started_at, ended_at and known_at, or lookback_days",
    )


def _refuse_too_little(question: QuestionName, rows: pd.DataFrame, split: TimeSplit) -> None:
    learned = rows[rows["as_of"].isin([*split.train, *split.valid])]
    measured = rows[rows["as_of"].isin(split.test)]
    for part, words, least in ((learned, "training", MIN_ACCOUNTS), (measured, "the newest closed window", 1)):
        for value, what in ((1, "an event"), (0, "no event")):
            accounts = part.loc[part["label"] == value, "account_id"].nunique()
            if accounts < least:
                raise NotEnoughData(
                    f"too little happened to answer {question!r}",
                    where=words,
                    wanted=f"at least {'one account' if least == 1 else f'{least} accounts'} with {what}",
                    got=f"{accounts} of {part['account_id'].nunique()} accounts at risk",
                    do=f"see `revml preview {question}`; load more history or change horizon_days in revml.yaml",
                )
