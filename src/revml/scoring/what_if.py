"""Scenarios of the published run: its scores, and the facts as they were known when it looked.

Comes in: a workspace with a published run, a declared scenario. Goes out: the document of `clv.scenarios.outcome` with
the run it is of, and notes on what does not fit together. Nothing is published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from revml.clv import Published
from revml.clv.durables.ahead import Replacing
from revml.clv.scenarios.declared import Scenario
from revml.clv.scenarios.outcome import outcome
from revml.clv.scenarios.standing import standing
from revml.config import QuestionName, Workspace
from revml.datasets import scoring_time
from revml.errors import NotEnoughData
from revml.sources.facts import Facts
from revml.store import Store
from revml.store.forecast_inputs import ForecastInputs
from revml.store.runs import HORIZON_COLUMNS

IN_FORECAST: tuple[QuestionName, ...] = ("churn", "upsell", "contraction", "replacement")
CLOSE = 0.001  # of the published CLV: beyond it the baseline is said to differ


def what_if(
    workspace: Workspace, facts: Facts, scenario: Scenario, *, horizon_months: Sequence[int] | None = None
) -> dict[str, Any]:
    """Evaluate a scenario on the current run.

    Args:
        horizon_months: the longest is the main one; absent means the run's.

    Returns:
        `outcome` with `run`, `company`, `currency` and `notes`.

    Raises:
        NotFound: nothing was published, or the scenario names what is not there.
        NotEnoughData: the run has no lifetime values.
        ConfigError: the scenario cannot be.
    """
    with Store.open(workspace.store_url) as store:
        taken = store.forecast_inputs(IN_FORECAST)
    if not taken.clv:
        raise NotEnoughData(
            "the published run has no lifetime values",
            where=f"run {taken.run.id}",
            wanted="accounts with subscriptions or orders",
            got="none",
            do="run `revml forecast`",
        )
    as_of = scoring_time(facts, taken.run.as_of)
    horizons = tuple(horizon_months or taken.clv)
    made = standing(facts, as_of, workspace.economics, published_of(workspace, taken), horizon_months=horizons)
    told = outcome(made, scenario)
    return {
        "run": taken.run.id,
        "company": taken.run.company,
        "currency": taken.run.currency,
        **told,
        "notes": _notes(facts, taken, told),
    }


def published_of(workspace: Workspace, taken: ForecastInputs) -> Published:
    """What the run's forecast took from its models, but for what only drivers need."""
    models = {model.question: model for model in taken.run.models}
    specs = {question: workspace.question(question) for question in IN_FORECAST}
    days = {
        q: spec.gap_days + (models[q].horizon_days if q in models else spec.horizon_days) for q, spec in specs.items()
    }
    guessed = (models["churn"].extrapolated_days if "churn" in models else None) or ()
    further = [name for at, name in HORIZON_COLUMNS.items() if at not in guessed]

    def scores_of(question: str, *more: str) -> pd.DataFrame | None:
        mine = taken.scores[taken.scores["question"] == question]
        return mine[["account_id", "probability", *more]].reset_index(drop=True) if len(mine) else None

    churn, replaced = scores_of("churn", *further), scores_of("replacement")
    return Published(
        p_churn=None if churn is None else churn.dropna(axis="columns", how="all"),
        churn_days=days["churn"],
        churn_gap_days=specs["churn"].gap_days,
        p_upsell=scores_of("upsell"),
        upsell_days=days["upsell"],
        uplift=specs["upsell"].uplift,
        p_contraction=scores_of("contraction"),
        contraction_days=days["contraction"],
        replacing=None if replaced is None else Replacing(replaced, days["replacement"]),
    )


def _notes(facts: Facts, taken: ForecastInputs, told: Mapping[str, Any]) -> list[str]:
    notes = []
    newest = scoring_time(facts, None)
    if newest > taken.run.as_of:
        notes.append(
            f"run {taken.run.id} looked from {taken.run.as_of:%Y-%m-%d}, and the data goes on to {newest:%Y-%m-%d}: "
            "`revml forecast` makes a newer one"
        )
    for row in told["figures"]:
        published = taken.clv.get(row["months"]) if row["name"] == "clv" else None
        if published is not None and abs(row["before"] - published) > CLOSE * abs(published) + 1:
            notes.append(
                f"CLV over {row['months']} months is {row['before']:,.0f} here and {published:,.0f} in run "
                f"{taken.run.id}: data or definitions have changed since; `revml forecast` makes a newer one"
            )
            break
    return notes
