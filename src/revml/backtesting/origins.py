"""Origins: the instants from which the past is replayed, and what could be learned and asked at each.

Comes in: a workspace, its facts and a question. Goes out: origins whose whole label window has closed, the newest
first chosen, each with the labels that were final by then and with everyone at risk then. Whoever asks for more
origins than history gives gets those it gives, and is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pandas as pd

from revml.config import QuestionName, Workspace
from revml.errors import NotEnoughData
from revml.features.catalog import available
from revml.labels import label, require
from revml.labels.labelled import Labelled, labelled_snapshots
from revml.snapshots import first_snapshot, keys_of, population
from revml.sources.as_known import as_known
from revml.sources.facts import Facts
from revml.training import MIN_ACCOUNTS, MIN_EVENTS
from revml.windows import month_starts

Every = Literal["month", "quarter"]
STEP: dict[Every, int] = {"month": 1, "quarter": 3}


@dataclass(frozen=True)
class Origin:
    """An instant of the past and what was there.

    Attributes:
        learned: the labelled snapshots that were final at the origin, split as training would have split them.
        at_risk: account_id, as_of, money of everyone at risk, and the label that came (missing where the question did
            not apply any more).
        features: the features that the tables of that day gave.
    """

    as_of: datetime
    ends: datetime
    learned: Labelled
    at_risk: pd.DataFrame
    features: tuple[str, ...]


def possible_origins(
    workspace: Workspace, facts: Facts, question: QuestionName, *, wanted: int, every: Every = "month"
) -> tuple[list[Origin], str]:
    """The newest possible origins, oldest first, and why there are not as many as wanted (empty where there are).

    Origins are first days of months, so two of them are at least a month apart.

    Raises:
        NotEnoughData: the tables cannot answer the question, or no origin is possible.
    """
    require(facts, question)
    spec = workspace.question(question)
    window = spec.window(question)
    until = facts.observed_until
    months = month_starts(first_snapshot(facts, question, spec), until)
    closed = [at for at in months if window.closed(at, until)][:: -STEP[every]]
    found: list[Origin] = []
    why = f"no month of the data has a whole label window of {window.reach.days} days after it"
    for at in closed:
        if len(found) == wanted:
            break
        try:
            found.append(origin_at(workspace, facts, question, at))
        except NotEnoughData as error:
            why = f"at {at:%Y-%m-%d}, {error.what}: wanted {error.wanted}, got {error.got}"
            break
    else:
        if found:
            why = f"snapshots begin at {closed[-1]:%Y-%m-%d}"
    if not found:
        raise NotEnoughData(
            f"history is too short to replay {question!r}: 0 origins are possible",
            where=question,
            wanted="an instant of the past with closed label windows before it to learn from, and one after it",
            got=why,
            do="load more history, or shorten horizon_days in revml.yaml; `revml train` needs less: it replays nothing",
        )
    return found[::-1], "" if len(found) == wanted else why


def origin_at(workspace: Workspace, facts: Facts, question: QuestionName, at: datetime) -> Origin:
    """One origin.

    Args:
        at: an instant whose label window has closed.

    Raises:
        NotEnoughData: the tables cannot answer the question, or nothing could have been learned then.
    """
    require(facts, question)
    spec = workspace.question(question)
    ends = spec.window(question).end(at)
    with as_known(facts, at) as past:
        learned = labelled_snapshots(workspace, past, question)
        _enough(learned)
        at_risk = population(past, question, spec, [at])
        names = tuple(feature.name for feature in available(past))
    if at_risk.empty:
        raise NotEnoughData("nobody was at risk", wanted="an active relation", got="none")
    outcome = label(facts, question, spec, at_risk)
    keys = keys_of(at_risk)
    rows = at_risk.merge(outcome, on=keys, validate="one_to_one").sort_values(keys, ignore_index=True)
    return Origin(at, ends, learned, rows, names)


def _enough(learned: Labelled) -> None:
    """What training would refuse, refused before features are built.

    Raises:
        NotEnoughData: too few accounts or events.
    """
    rows = learned.rows[learned.rows["as_of"].isin([*learned.split.train, *learned.split.valid])]
    events, accounts = int(rows["label"].sum()), rows["account_id"].nunique()
    if accounts < MIN_ACCOUNTS or min(events, len(rows) - events) < MIN_EVENTS:
        raise NotEnoughData(
            "there was too little to learn from",
            wanted=f"{MIN_ACCOUNTS} accounts, {MIN_EVENTS} snapshots with the event and {MIN_EVENTS} without",
            got=f"{accounts} accounts, {events} snapshots with the event and {len(rows) - events} without",
        )
