"""The run of the questions that ready tables answer, and how it joins the run of the others.

Comes in: the champions that learned from a ready table, and their rows. Goes out: a `ScoreRun` without lifetime
values, for a ready table tells nothing of when money comes; whom the facts tell of keeps what they tell.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from revml.at_risk import AtRisk
from revml.config import QuestionName, Workspace
from revml.errors import BundleError
from revml.explanations import own_features
from revml.models.bundle import Bundle
from revml.progress import silent
from revml.ready_scoring import ReadyToScore
from revml.scoring.champions import looking_back, model_ref, since_training
from revml.scoring.told import Told
from revml.store.long import LongFrame, Shelved, parts_of, whole
from revml.store.runs import CLV_COLUMNS, FLOW_COLUMNS, ScoreRun


def ready_run(
    workspace: Workspace,
    bundles: dict[QuestionName, Bundle],
    ready: dict[QuestionName, ReadyToScore],
    part_rows: int,
) -> ScoreRun:
    """The run of the questions that ready tables answer; without facts nothing is forecast.

    Raises:
        BundleError: a champion learned from contract tables, and there are none.
    """
    for question, bundle in bundles.items():
        if question not in ready and not workspace.has_tables:
            raise BundleError(
                f"the {question} model learned from contract tables, and revml.yaml names none",
                where=f"{question} model {bundle.version}",
                wanted="data: or tables:, or a model of the ready table",
                got="ready tables alone",
                do=f"run `revml train {question}`, or bring the tables back",
            )
    told = Told(workspace, part_rows, long=max(len(rows.frame) for rows in ready.values()) > part_rows)
    asked = {question: AtRisk.of(rows.frame) for question, rows in ready.items()}
    for question, rows in ready.items():
        bundle = bundles[question]
        own = own_features(bundle.ready)
        told.add(bundle, asked[question], rows.past, workspace.question(question), own, silent)
    accounts = pd.concat([rows.accounts for rows in ready.values()]).drop_duplicates("account_id")
    return ScoreRun(
        as_of=max(rows.as_of for rows in ready.values()),
        company=workspace.company.name,
        currency=workspace.company.currency,
        models=tuple(model_ref(bundles[question]) for question in ready),
        accounts=accounts.sort_values("account_id", ignore_index=True),
        scores=told.scores,
        reasons=told.reasons,
        contributions=told.contributions,
        concepts=told.told,
        kept=told.kept,
        clv=pd.DataFrame(columns=list(CLV_COLUMNS)),
        flows=pd.DataFrame(columns=list(FLOW_COLUMNS)),
        score_notes=(
            *(note for rows in ready.values() for note in rows.notes),
            *since_training(bundles, asked),
            *looking_back(bundles, {question: rows.as_of for question, rows in ready.items()}),
        ),
    )


def joined(run: ScoreRun, own: ScoreRun) -> ScoreRun:
    """One run of both: whom the facts tell of keeps what they tell."""
    strangers = own.accounts[~own.accounts["account_id"].isin(run.accounts["account_id"])]
    accounts = pd.concat([run.accounts, strangers]) if len(strangers) else run.accounts
    if run.kept is not None and own.kept is not None:
        run.kept.take(own.kept)
    return replace(
        run,
        models=run.models + own.models,
        accounts=accounts.sort_values("account_id", ignore_index=True),
        scores=pd.concat([run.scores, own.scores], ignore_index=True),
        reasons=_chained(run.reasons, own.reasons),
        contributions=_chained(run.contributions, own.contributions),
        concepts={**run.concepts, **own.concepts},
        score_notes=run.score_notes + own.score_notes,
    )


def _chained(first: LongFrame, second: LongFrame) -> LongFrame:
    if isinstance(first, Shelved):
        for part in parts_of(second):
            first.add(part)
        return first
    return pd.concat([whole(first), whole(second)], ignore_index=True)
