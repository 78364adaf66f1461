"""A small scoring run written by hand, and a larger made one, as `revml score` would hand them to the store.

    run = literal_run("2026-03-01", churn={"acme": 0.42, "bolt": 0.05})

Bands follow the probability (high from 0.3, medium from 0.1); money is 12 * MRR of the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from revml.store.runs import (
    ACCOUNT_COLUMNS,
    CLV_COLUMNS,
    FLOW_COLUMNS,
    HORIZON_COLUMNS,
    OPTIONAL_COLUMNS,
    REASON_COLUMNS,
    SCORE_COLUMNS,
    ModelRef,
    ScoreRun,
)
from revml.windows import instant

NAMES = {"acme": "Acme", "bolt": "Boltworks", "skoda": "Škoda Servis", "cogs": "=Cogs & Sons", "dent": "Dentalis"}
MRR = {"acme": 1000.0, "bolt": 5000.0, "skoda": 250.0, "cogs": 40.0, "dent": 0.0}
OWNERS = {"acme": "Jana Nová", "bolt": "Petr Malý", "skoda": "Jana Nová", "cogs": None, "dent": "Petr Malý"}
INDUSTRIES = {"acme": "Software", "bolt": "Machinery", "skoda": "Automotive", "cogs": "Machinery", "dent": "Health"}
MONTHS = 24


def literal_run(as_of: str = "2026-03-01", **probabilities: Mapping[str, float]) -> ScoreRun:
    """A run over the hand-written accounts: one keyword a question, account: probability."""
    questions = probabilities or {"churn": {"acme": 0.42, "bolt": 0.05, "skoda": 0.12, "cogs": 0.9, "dent": 0.3}}
    ids = sorted({account for asked in questions.values() for account in asked})
    accounts = pd.DataFrame(
        {
            "account_id": ids,
            "name": [NAMES[i] for i in ids],
            "owner": [OWNERS[i] for i in ids],
            "industry": [INDUSTRIES[i] for i in ids],
            "country": ["CZ" if i == "skoda" else "DE" for i in ids],
            "region": None,
            "parent_account_id": None,
            "customer_since": [instant("2023-05-01")] * len(ids),
            "mrr": [MRR[i] for i in ids],
            "order_revenue_12m": 0.0,
        },
        columns=list(ACCOUNT_COLUMNS),
    )
    rows = [(i, q, p) for q, asked in questions.items() for i, p in asked.items()]
    scores = pd.DataFrame(
        {
            "account_id": [i for i, _, _ in rows],
            "question": [q for _, q, _ in rows],
            "item": "",
            "probability": [p for _, _, p in rows],
            "percentile": [100.0 * p for _, _, p in rows],
            "band": ["high" if p >= 0.3 else "medium" if p >= 0.1 else "low" for _, _, p in rows],
            "money": [12 * MRR[i] for i, _, _ in rows],
            "expected_money": [12 * MRR[i] * p for i, _, p in rows],
            "model_version": "7",
        },
        columns=list(SCORE_COLUMNS),
    )
    models = tuple(ModelRef(q, "7", "ab12cd34ef56", "lightgbm", 90, 0.1, {"auc": 0.81}) for q in questions)
    run_as_of = instant(as_of)
    return ScoreRun(
        run_as_of, "Literal s.r.o.", "EUR", models, accounts, scores, _reasons(scores), _clv(ids), _flows(ids)
    )


def with_horizons(run: ScoreRun, question: str = "churn", *, extrapolated: tuple[int, ...] = (365,)) -> ScoreRun:
    """The run with a curve for one question: a third of the probability by 30 days, and half of what is left by 365."""
    p = run.scores["probability"].where(run.scores["question"] == question)
    others = {30: p / 3, 90: p, 180: p + (1 - p) / 4, 365: p + (1 - p) / 2}
    scores = run.scores.assign(**{HORIZON_COLUMNS[days]: values for days, values in others.items()})
    models = tuple(
        replace(model, extrapolated_days=extrapolated) if model.question == question else model for model in run.models
    )
    return replace(run, scores=scores, models=models)


def with_attention(run: ScoreRun, **of: str) -> ScoreRun:
    """A run in which a play reached some accounts or was held back from them: account to treated or held_out."""
    return replace(run, scores=run.scores.assign(attention=run.scores["account_id"].map(of).fillna("neither")))


def _reasons(scores: pd.DataFrame) -> pd.DataFrame:
    said = (
        (
            1,
            "contract",
            "lowers",
            -0.9,
            "tenure_days",
            1030.0,
            946.0,
            700.0,
            "A customer for 3 years.",
            "Zákazník 3 roky.",
        ),
        (
            2,
            "usage",
            "raises",
            0.7,
            "active_users_28d",
            19.0,
            41.0,
            38.0,
            "Active users fell from 41 to 19 in 12 weeks; similar accounts have 38.",
            "Aktivních uživatelů ubylo za 12 týdnů ze 41 na 19; podobní zákazníci jich mají 38.",
        ),
        (
            3,
            "profile",
            "raises",
            0.1,
            "industry",
            "Machinery",
            None,
            None,
            "The industry is machinery.",
            "Obor je strojírenství.",
        ),
    )
    keys = scores[["account_id", "question", "item"]].itertuples(index=False)
    return pd.DataFrame(
        [(k.account_id, k.question, k.item, *r) for k in keys for r in said], columns=list(REASON_COLUMNS)
    )


def _clv(ids: list[str]) -> pd.DataFrame:
    """As before there were quantiles and components: the columns that every run has."""
    rows = [(i, "contract", MONTHS, 20 * MRR[i], 24 * MRR[i], 0.6, 0.25, "") for i in ids if MRR[i] > 0]
    return pd.DataFrame(rows, columns=[name for name in CLV_COLUMNS if name not in OPTIONAL_COLUMNS["clv"]])


def _flows(ids: list[str]) -> pd.DataFrame:
    rows = [
        (i, "contract", month, 0.98**month, MRR[i] * 0.98**month, 0.7 * MRR[i] * 0.98**month)
        for i in ids
        if MRR[i] > 0
        for month in range(1, MONTHS + 1)
    ]
    return pd.DataFrame(rows, columns=[name for name in FLOW_COLUMNS if name not in OPTIONAL_COLUMNS["flows"]])


def made_run(as_of: str, accounts: int, *, seed: int = 0, shift: float = 0.0) -> ScoreRun:
    """A run over `accounts` made accounts, all with the same probability `shift` where it is given."""
    rng = np.random.default_rng(seed)
    ids = [f"a{i:06d}" for i in range(accounts)]
    probability = np.full(accounts, shift) if shift else rng.beta(1.2, 8, accounts).round(4)
    mrr = rng.lognormal(6, 1, accounts).round(2)
    run = literal_run(as_of, churn={"acme": 0.5})
    frame = pd.DataFrame(
        {"account_id": ids, "name": [f"Company {i}" for i in range(accounts)], "mrr": mrr, "order_revenue_12m": 0.0}
    ).reindex(columns=list(ACCOUNT_COLUMNS))
    frame["owner"] = rng.choice(["Jana Nová", "Petr Malý", "Eva Svobodová"], accounts)
    scores = pd.DataFrame(
        {
            "account_id": ids,
            "question": "churn",
            "item": "",
            "probability": probability,
            "percentile": 100 * pd.Series(probability).rank(pct=True),
            "band": np.where(probability >= 0.3, "high", np.where(probability >= 0.1, "medium", "low")),
            "money": 12 * mrr,
            "expected_money": 12 * mrr * probability,
            "model_version": "7",
        }
    )
    empty = run.clv.iloc[:0], run.flows.iloc[:0]
    return ScoreRun(run.as_of, run.company, run.currency, run.models, frame, scores, _reasons(scores), *empty)
