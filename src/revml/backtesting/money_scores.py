"""The scores that a forecast of the past would have had: churn and upsell, learned from what was known then.

Comes in: a workspace, its facts and an instant of the past. Goes out: `ForecastScores`, what `forecast_clv` takes. A
question that could not have been answered then gives no scores and a note; nothing else is put in their place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from revml.backtesting.replay import replay_at
from revml.clv import Published
from revml.config import QuestionName, Workspace
from revml.errors import NotEnoughData
from revml.labels import answerable
from revml.progress import Progress, silent
from revml.sources.facts import Facts

ASKED: tuple[QuestionName, QuestionName] = ("churn", "upsell")


@dataclass(frozen=True)
class ForecastScores:
    """Scores as they would have been published at an instant.

    Attributes:
        p_churn, p_upsell: account_id, probability; None where the question could not have been answered.
        churn_days, upsell_days: what the probabilities look ahead, the gap included.
        uplift: what counts as an upsell, as a share of MRR.
        price_changes: whether a higher price alone does.
        notes: why a question has no scores.
    """

    p_churn: pd.DataFrame | None
    p_upsell: pd.DataFrame | None
    churn_days: int
    upsell_days: int
    uplift: float
    notes: tuple[str, ...] = ()
    price_changes: bool = False

    @property
    def published(self) -> Published:
        """As `forecast_clv` takes them."""
        return Published(
            p_churn=self.p_churn,
            churn_days=self.churn_days,
            p_upsell=self.p_upsell,
            upsell_days=self.upsell_days,
            uplift=self.uplift,
            price_changes=self.price_changes,
        )


def no_scores(workspace: Workspace) -> ForecastScores:
    """What a forecast without any model has."""
    churn, upsell = (workspace.question(question) for question in ASKED)
    return ForecastScores(
        None,
        None,
        churn.gap_days + churn.horizon_days,
        upsell.gap_days + upsell.horizon_days,
        upsell.uplift,
        price_changes=upsell.price_changes,
    )


def scores_at(workspace: Workspace, facts: Facts, at: datetime, *, progress: Progress | None = None) -> ForecastScores:
    """Train churn and upsell on what was known at an instant, and score everyone at risk then.

    Args:
        at: an instant after which the label windows of both questions have closed.
    """
    report = progress or silent
    found: dict[QuestionName, pd.DataFrame | None] = dict.fromkeys(ASKED)
    notes = []
    for k, question in enumerate(ASKED):
        if question not in answerable(facts) or workspace.ready_for(question) is not None:
            continue
        try:
            told = replay_at(
                workspace,
                facts,
                question,
                at,
                progress=lambda what, share, k=k, q=question: report(f"{q}: {what}", (k + share) / len(ASKED)),  # type: ignore[misc]
            )
        except NotEnoughData as error:
            notes.append(f"no {question} scores at {at:%Y-%m-%d}: {error.what}")
            continue
        found[question] = told.scores[["account_id", "probability"]].reset_index(drop=True)
    base = no_scores(workspace)
    return replace(base, p_churn=found["churn"], p_upsell=found["upsell"], notes=tuple(notes))
