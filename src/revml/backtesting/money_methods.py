"""The simple forecasts that a good one must beat: run-rate, pooled churn, past NRR, the churn score as a hazard.

Comes in: facts and an origin; only what was known then is looked at. Goes out: `Paths` by `Method`. A baseline that the
history cannot give (no year before, no churn score) is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from revml.backtesting.money_actual import mrr_paths
from revml.backtesting.money_scores import ForecastScores
from revml.clv.contracts.subscriptions import account_months
from revml.clv.intervals.realised import realised_revenue
from revml.clv.relations import Relation
from revml.clv.value import MONTH_DAYS, MONTH_SECONDS, Floats
from revml.sources.facts import Facts

YEAR = 12
LEAST_MONTHS = 3  # of history behind a yearly rate


class Method(StrEnum):
    """Who forecasts; the order in which tables list them.

    RUN_RATE: what came in goes on: today's MRR, or the mean month of the last year's orders.
    POOLED_CHURN: the run-rate times one company-wide survival; no growth.
    NRR: the run-rate times the past year's net revenue retention, compounding.
    SCORE_HAZARD: each account's churn score as a constant monthly hazard; no growth.
    """

    REVML = "revml"
    RUN_RATE = "run_rate"
    POOLED_CHURN = "pooled_churn"
    NRR = "nrr"
    SCORE_HAZARD = "score_hazard"


BASELINES = tuple(Method)[1:]


@dataclass(frozen=True)
class Paths:
    """A forecast: (accounts, months) revenue and survival; None where the method says nothing of survival."""

    revenue: Floats
    survival: Floats | None = None


def contract_baselines(
    facts: Facts, origin: datetime, accounts: Sequence[str], months: int, scores: ForecastScores
) -> dict[Method, Paths]:
    """Baselines of contracts that were active at the origin."""
    now = mrr_paths(facts, origin, accounts, 0, known=origin)
    k = np.arange(1, months + 1)
    found = {Method.RUN_RATE: Paths(np.repeat(now, months, axis=1), np.ones((len(accounts), months)))}
    if (churn := pooled_churn(facts, origin)) is not None:
        stays = np.broadcast_to((1 - churn) ** k, (len(accounts), months))
        found[Method.POOLED_CHURN] = Paths(now * stays, stays)
    if (kept := past_nrr(facts, origin)) is not None:
        found[Method.NRR] = Paths(now * kept ** (k / YEAR))
    if scores.p_churn is not None:
        known = scores.p_churn.set_index("account_id")["probability"].reindex(list(accounts))
        p = known.fillna(known.mean() if known.notna().any() else 0.0).to_numpy(dtype=float)
        own = ((1 - p) ** (MONTH_DAYS / scores.churn_days))[:, None] ** k
        found[Method.SCORE_HAZARD] = Paths(now * own, own)
    return found


def pooled_churn(facts: Facts, origin: datetime) -> float | None:
    """The share of contract accounts lost in a month, over the last year known at the origin; None without history."""
    months = account_months(facts, origin)
    lost = months.loc[months["back"] <= YEAR, "lost"]
    return float(lost.mean()) if len(lost) else None


def past_nrr(facts: Facts, origin: datetime) -> float | None:
    """MRR at the origin of those who were customers a year before, against their MRR then; None without history.

    A company younger than a year is looked at as far back as it goes, and the ratio brought to a year.
    """
    [row] = (
        facts.con.cursor()
        .execute(
            "SELECT min(started_at), list_sort(list(DISTINCT account_id)) FROM subscriptions "
            "WHERE known_at <= $at AND started_at <= $at",
            {"at": origin},
        )
        .fetchall()
    )
    first, accounts = row
    if first is None:
        return None
    months = min(YEAR, int((origin - first).total_seconds() // MONTH_SECONDS))
    if months < LEAST_MONTHS:
        return None
    path = mrr_paths(facts, origin - timedelta(seconds=months * MONTH_SECONDS), accounts, months, known=origin)
    was = path[:, 0] > 0
    before = float(path[was, 0].sum())
    return float((path[was, -1].sum() / before) ** (YEAR / months)) if before > 0 else None


def order_baselines(
    facts: Facts, origin: datetime, accounts: Sequence[str], months: int, relation: Relation
) -> dict[Method, Paths]:
    """Baselines of buyers: means, retention and net retention of the last year against the one before.

    The score of churn says nothing of orders, so that there is no such baseline.
    """
    start = origin - timedelta(seconds=2 * YEAR * MONTH_SECONDS)
    ids = np.array(accounts, dtype=object)
    past = realised_revenue(facts, relation, start, ids, 2 * YEAR, as_of=origin)
    before, recent = past[:, :YEAR].sum(axis=1), past[:, YEAR:].sum(axis=1)
    seen = np.flatnonzero(np.abs(past).sum(axis=0))
    span = min(YEAR, 2 * YEAR - int(seen[0])) if len(seen) else YEAR
    month = np.maximum(recent, 0.0)[:, None] / span
    k = np.arange(1, months + 1)
    found = {Method.RUN_RATE: Paths(np.repeat(month, months, axis=1))}
    there = before > 0
    if there.any():
        found[Method.POOLED_CHURN] = Paths(month * float(np.mean(recent[there] > 0)) ** (k / YEAR))
        kept = max(float(recent[there].sum() / before[there].sum()), 0.0)
        found[Method.NRR] = Paths(month * kept ** (k / YEAR))
    return found
