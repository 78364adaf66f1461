"""The scoring run itself, from the checked facts to a published run.

Comes in: a workspace, its checked facts, the champions that training left behind. Goes out: a `ScoreRun`, frames that
the store publishes in one transaction. Many accounts are looked at and explained in parts, and what is long waits on
disk; the parts change nothing in what is published. MLflow is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from revml.backtesting.money import last_backtest
from revml.clv import ClvForecast, FlowParts, Published, forecast_clv
from revml.clv.company.forecast import company_forecast
from revml.clv.durables.ahead import Replacing
from revml.clv.durables.report import installed_report
from revml.clv.kpis.report import published_kpis
from revml.clv.orders.coming import with_families
from revml.config import QuestionName, Workspace
from revml.datasets import scoring_time
from revml.errors import NotEnoughData
from revml.evaluation.treatment import NEITHER
from revml.features.catalog import available
from revml.labels import answerable
from revml.labels.attended import attended
from revml.models.bundle import Bundle
from revml.models.learned import definition
from revml.progress import Progress, silent
from revml.ready_scoring import ready_to_score
from revml.scoring.account_rows import account_frame
from revml.scoring.champions import champions, looking_back, model_ref, must_fit, since_training
from revml.scoring.now_and_before import at_risk_and_before
from revml.scoring.ready_run import joined, ready_run
from revml.scoring.standard_scenarios import standard_scenarios
from revml.scoring.told import Told
from revml.snapshots import population
from revml.sources.facts import Facts
from revml.sources.remembered import remembering
from revml.store import Store
from revml.store.runs import ATTENTION, COMING_COLUMNS, HORIZON_COLUMNS, ScoreRun
from revml.store.snapshots import save_run

PART_ROWS = 50_000  # looked at and explained at once
IN_FORECAST: tuple[QuestionName, ...] = ("churn", "upsell", "contraction", "replacement")


def score_workspace(
    workspace: Workspace,
    facts: Facts | None,
    *,
    as_of: datetime | None = None,
    horizon_months: int | Sequence[int] | None = None,
    part_rows: int = PART_ROWS,
    progress: Progress | None = None,
) -> ScoreRun:
    """Score, explain and forecast everyone at risk, with the champion of each question that has one.

    Args:
        facts: None where ready tables alone answer the workspace's questions.
        as_of: the instant to look from; absent means the last full day of the data. Facts known later are not seen.
        horizon_months: of the lifetime value, one or several (the longest is the main one); absent means the
            workspace's, and one and two years where it is longer.
        part_rows: rows that are explained at once; reasons and flows of more accounts than these come in parts.

    Returns:
        A run with all accounts that any question or forecast is about, sorted by account.

    Raises:
        ConfigError: `as_of` lies beyond the data.
        NotFound: no question has a champion.
        NotEnoughData: nobody was a customer then.
        BundleError: a feature that a champion was trained on can no longer be built.
    """
    tell = progress or silent
    everyone = champions(workspace)
    ready = {q: ready_to_score(workspace, bundle, as_of) for q, bundle in everyone.items() if bundle.ready is not None}
    bundles = {q: bundle for q, bundle in everyone.items() if q not in ready}
    if facts is None or not bundles:
        run = ready_run(workspace, everyone, ready, part_rows)
        tell("scored", 1.0)
        return run
    as_of = scoring_time(facts, as_of)
    rows, past = at_risk_and_before(
        workspace, facts, list(bundles), as_of, progress=lambda what, share: tell(f"features: {what}", 0.5 * share)
    )
    for question, bundle in bundles.items():
        must_fit(bundle, rows[question])
    noticed = since_training(bundles, rows)
    if not any(len(one) for one in rows.values()):
        raise NotEnoughData(
            "there is nobody to score",
            where=f"as of {as_of:%Y-%m-%d}",
            wanted=f"a customer whom one of the questions {', '.join(bundles)} is about",
            got="none",
            do="choose a later as_of, or see `revml preview` whom the definitions in revml.yaml count as customers",
        )
    declared = {feature.name: feature for feature in available(facts)}
    told = Told(workspace, part_rows, long=max(len(one) for one in rows.values()) > part_rows)
    for i, (question, bundle) in enumerate(bundles.items()):
        begun, share = 0.5 + 0.25 * i / len(bundles), 0.25 / len(bundles)
        tell(f"{question}: scores and reasons", begun)
        told.add(
            bundle,
            rows.pop(question),
            past,
            definition(bundle),
            declared,
            lambda what, done, begun=begun, share=share: tell(what, begun + share * done),  # type: ignore[misc]
        )
    del past
    all_scores = _with_attention(facts, as_of, bundles, told.scores)
    tell("lifetime value", 0.75)
    with remembering(facts):
        forecast = _forecast(workspace, facts, as_of, bundles, told, horizon_months)
        tell("the company's forecast", 0.9)
        reports = _reports(workspace, facts, as_of, forecast)
    reports |= _scenarios(workspace, facts, as_of, bundles, all_scores, forecast)
    tell("accounts", 0.95)
    about = {account for frame in (all_scores, forecast.clv, forecast.values) for account in frame["account_id"]}
    for question in answerable(facts):
        about.update(population(facts, question, workspace.question(question), [as_of])["account_id"])
    run = ScoreRun(
        as_of=as_of,
        company=workspace.company.name,
        currency=workspace.company.currency,
        models=tuple(model_ref(bundle) for bundle in bundles.values()),
        accounts=account_frame(facts, as_of, sorted(about)),
        scores=all_scores,
        reasons=told.reasons,
        contributions=told.contributions,
        concepts=told.told,
        kept=told.kept,
        clv=forecast.clv,
        flows=FlowParts(forecast.relations, part_rows) if len(forecast.clv) > part_rows else forecast.flows,
        notes=forecast.notes,
        score_notes=(*noticed, *looking_back(bundles, dict.fromkeys(bundles, as_of))),
        values=forecast.values,
        drivers=forecast.drivers,
        discount_rate=workspace.economics.discount_rate,
        coming=_coming(facts, as_of, forecast, part_rows),
        reports={"kpis": published_kpis(facts, as_of, workspace.economics, forecast.clv), **reports},
    )
    tell("scored", 1.0)
    return joined(run, ready_run(workspace, everyone, ready, part_rows)) if ready else run


def publish_run(workspace: Workspace, run: ScoreRun) -> int:
    """Publish a run in the scores database, keep its Parquet snapshot for warehouses, and return its number.

    Raises:
        StoreError: the database refuses; the run before stays current.
    """
    with Store.open(workspace.store_url) as store:
        number = store.publish(run)
        kept = [published.id for published in store.runs()]
    save_run(run, number, workspace.work_dir / "runs", keep=kept)
    return number


def _with_attention(
    facts: Facts, as_of: datetime, bundles: Mapping[QuestionName, Bundle], scores: pd.DataFrame
) -> pd.DataFrame:
    """The scores with who was treated or held out in the horizon of each question before `as_of`."""
    told = np.full(len(scores), NEITHER, dtype=object)
    for question, bundle in bundles.items():
        mine = (scores["question"] == question).to_numpy()
        accounts = scores.loc[mine, "account_id"]
        groups = attended(facts, as_of, bundle.horizon_days, accounts.unique().tolist())
        if groups is None:
            return scores
        told[mine] = accounts.map(groups.set_index("account_id")["group"]).fillna(NEITHER)
    return scores.assign(**{ATTENTION: pd.Series(told, index=scores.index, dtype="str")})


def _coming(facts: Facts, as_of: datetime, forecast: ClvForecast, part_rows: int) -> pd.DataFrame:
    """What is ahead of accounts that order; the families of each where the accounts need no parts."""
    if forecast.coming is None:
        return pd.DataFrame(columns=list(COMING_COLUMNS))
    if len(forecast.coming) > part_rows:
        return forecast.coming.drop(columns="purchases").assign(families=None)
    return with_families(facts, as_of, forecast.coming)


def _reports(workspace: Workspace, facts: Facts, as_of: datetime, forecast: ClvForecast) -> dict[str, dict[str, Any]]:
    """The run's documents, by name."""
    if not forecast.relations:
        return {}
    company = company_forecast(facts, as_of, workspace.economics, forecast, currency=workspace.company.currency)
    installed = installed_report(facts, as_of, workspace.economics)
    held = {"intervals": forecast.calibration.to_dict()} if forecast.calibration else {}
    tried = {"forecast_backtest": told} if (told := last_backtest(workspace)) else {}
    return {"forecast": company.to_dict(), **held, **({"installed": installed.to_dict()} if installed else {}), **tried}


def _scenarios(
    workspace: Workspace,
    facts: Facts,
    as_of: datetime,
    bundles: Mapping[QuestionName, Bundle],
    scores: pd.DataFrame,
    forecast: ClvForecast,
) -> dict[str, dict[str, Any]]:
    """The standard scenarios, on the churn scores of the run."""
    spec = definition(bundles["churn"]) if "churn" in bundles else workspace.question("churn")
    churn = scores.loc[scores["question"] == "churn", ["account_id", "probability"]].reset_index(drop=True)
    days = spec.gap_days + spec.horizon_days
    return standard_scenarios(facts, as_of, workspace.economics, forecast, churn if len(churn) else None, days)


def _forecast(
    workspace: Workspace,
    facts: Facts,
    as_of: datetime,
    bundles: dict[QuestionName, Bundle],
    told: Told,
    horizon_months: int | Sequence[int] | None,
) -> ClvForecast:
    """Lifetime values, tied to the published probabilities of churn, upsell, contraction and replacement."""
    scores = told.scores
    specs = {q: definition(bundles[q]) if q in bundles else workspace.question(q) for q in IN_FORECAST}
    # A probability covers the gap too: whoever leaves within it was not asked again.
    days = {q: spec.gap_days + spec.horizon_days for q, spec in specs.items()}

    def published(question: QuestionName, *further: str) -> pd.DataFrame | None:
        if question not in bundles:
            return None
        mine = scores["question"] == question
        return scores.loc[mine, ["account_id", "probability", *further]].reset_index(drop=True)

    # Horizons beyond the history are the model's guess; the forecast has one of its own there.
    guessed = (bundles["churn"].extrapolated_days if "churn" in bundles else None) or ()
    further = [name for at, name in HORIZON_COLUMNS.items() if at not in guessed]
    churn = published("churn", *further)
    if churn is not None:
        churn = churn.dropna(axis="columns", how="all")
    replaced = published("replacement")
    return forecast_clv(
        facts,
        as_of,
        workspace.economics,
        Published(
            p_churn=churn,
            churn_days=days["churn"],
            churn_gap_days=specs["churn"].gap_days,
            p_upsell=published("upsell"),
            upsell_days=days["upsell"],
            uplift=specs["upsell"].uplift,
            price_changes=specs["upsell"].price_changes,
            p_contraction=published("contraction"),
            contraction_days=days["contraction"],
            replacing=None if replaced is None else Replacing(replaced, days["replacement"]),
            peer_churn=told.peer_churn,
            concepts=told.concepts,
        ),
        horizon_months=horizon_months or workspace.economics.horizons,
        seed=workspace.seed,
        intervals=True,
    )
