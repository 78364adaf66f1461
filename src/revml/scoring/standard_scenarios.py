"""Scenarios of the published run: its scores, and the facts as they were known when it looked.

Comes in: a workspace with a published run, a declared scenario. Goes out: the document of `clv.scenarios.outcome` with
the run it is of, and notes on what does not fit together; and the standard scenarios that every run publishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from revml.clv import ClvForecast, Published
from revml.clv.durables.ahead import Replacing
from revml.clv.scenarios.declared import Price, Retention, Saving, Scenario
from revml.clv.scenarios.moving import YEAR
from revml.clv.scenarios.outcome import outcome
from revml.clv.scenarios.standing import standing
from revml.config import Economics, QuestionName, Workspace
from revml.datasets import scoring_time
from revml.errors import ConfigError, NotEnoughData
from revml.sources.facts import Facts
from revml.store import Store
from revml.store.forecast_inputs import ForecastInputs
from revml.store.runs import HORIZON_COLUMNS

IN_FORECAST: tuple[QuestionName, ...] = ("churn", "upsell", "contraction", "replacement")
SAVED = 10  # accounts of the standard scenario
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


def standard_scenarios(
    facts: Facts, as_of: datetime, economics: Economics, forecast: ClvForecast, p_churn: pd.DataFrame | None, days: int
) -> dict[str, dict[str, Any]]:
    """The document `scenarios` of a run: what a point of retention, a higher price, saved accounts would do.

    Those that the company has no relation or no scores for, or that cannot be there, are left out; nothing where the
    forecast is shorter than a year.

    Args:
        p_churn: account_id, published probability of a loss within `days`; None where there is none.
    """
    if forecast.horizons[-1] < YEAR or not any(len(one.account_id) for one in forecast.relations):
        return {}
    made = standing(facts, as_of, economics, Published(p_churn=p_churn, churn_days=days), forecast=forecast)
    saved = min(SAVED, int((~np.isnan(made.risk)).sum()))
    asked = {
        "retention": Scenario(retention=Retention(1.0)) if made.contract is not None else None,
        "price": Scenario(price=Price(5.0, at_renewal=True)),
        "saving": Scenario(saving=Saving(saved)) if saved else None,
    }
    told = []
    for name, one in asked.items():
        if one is not None:
            # where everybody stays anyway a point more cannot be: what cannot be asked stops no run
            with suppress(ConfigError, NotEnoughData):
                told.append({"name": name, **outcome(made, one)})
    return {"scenarios": {"as_of": as_of.isoformat(), "horizons": list(made.horizons), "scenarios": told}}


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
        price_changes=specs["upsell"].price_changes,
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
                f"{taken.run.id}: data, definitions or revml have changed since; `revml forecast` makes a newer one"
            )
            break
    return notes
