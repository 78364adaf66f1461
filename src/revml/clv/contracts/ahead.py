"""The contracts of a company ahead: survival tied to the published scores, growth, flows.

Comes in: facts, `as_of`, economics and what the models published. Goes out: `RelationFlows` and notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.accounts.drivers import Swings, shared_between
from revml.clv.contracts.agreed import agreed_changes
from revml.clv.contracts.flows import contract_flows, contract_worth
from revml.clv.contracts.growth import Growth, GrowthModel, Leanings, past_movements
from revml.clv.contracts.hazard import fit_hazard
from revml.clv.contracts.ratios import past_ratios
from revml.clv.contracts.subscriptions import account_months, active_contracts
from revml.clv.contracts.tie import months_of, tie
from revml.clv.flows import RelationFlows
from revml.clv.published import Published
from revml.clv.relations import Relation
from revml.clv.value import MONTH_DAYS, Floats
from revml.config import Economics
from revml.sources.facts import Facts

# Lags that must have been seen before past ratios say how MRR goes on.
MIN_RATIO_MONTHS = 6


@dataclass(frozen=True)
class Contracts:
    """Flows of contracts, what a reader must know of them, and what the scores move each account's CLV by."""

    flows: RelationFlows
    notes: tuple[str, ...]
    swings: Swings


def contracts_ahead(
    facts: Facts, as_of: datetime, economics: Economics, scores: Published, horizons: tuple[int, ...]
) -> Contracts:
    """Flows of the contracts that are active at `as_of`."""
    months = max(horizons)
    contracts = active_contracts(facts, as_of, margin=economics.margin)
    model = fit_hazard(account_months(facts, as_of))
    log_odds = model.log_odds(contracts, max(months, months_of(max((scores.churn_days, *scores.further)))))
    p_churn = _aligned(scores.p_churn, contracts)
    survival = _tied(log_odds, contracts, scores, scores.p_churn)[:, :months]
    peer = None if scores.peer_churn is None else _tied(log_odds, contracts, scores, scores.peer_churn)[:, :months]
    del log_odds  # of a million accounts every matrix counts
    growth = _growth(facts, as_of, scores, contracts, months)
    mrr, margin = contracts["mrr"].to_numpy(float), contracts["margin"].to_numpy(float)
    made = contract_flows(mrr, margin, survival, growth, economics.discount_rate)
    tenure = contracts["tenure_days"].to_numpy(float) / MONTH_DAYS
    seen = np.maximum(np.minimum(model.observed_months - tenure, float(model.window_months)), 0.0)
    unscored = np.isnan(p_churn)
    notes = []
    if unscored.any():
        some = f"{unscored.sum()} of {len(contracts)} contract accounts have no churn score"
        some = "no contract account has a churn score" if unscored.all() else some
        notes.append(f"{some}: they are taken to stay as long as accounts like them did")
    if (level := growth.ratios or growth.movements) is not None:
        notes.append(f"MRR of surviving accounts goes towards its past growth of {level.yearly:+.0%} a year")
    elif len(contracts):
        notes.append("too little history: MRR of surviving accounts is taken to stay as it is")
    flows = RelationFlows(
        relation=Relation.CONTRACT,
        account_id=contracts["account_id"].to_numpy(object),
        survival=survival,
        revenue=made.revenue,
        margin=made.margin,
        base=made.base,
        expansion=made.expansion,
        contraction=made.contraction,
        referral=np.zeros_like(made.margin),
        margin_rate=margin,
        seen_months=seen,
        alive={horizon: survival[:, horizon - 1] for horizon in horizons},
        flags={"negative_margin": margin < 0, "no_score": unscored, "no_losses": model.losses == 0},
    )
    return Contracts(flows, tuple(notes), _swings(flows, mrr, peer, growth, economics.discount_rate))


def _tied(log_odds: Floats, contracts: pd.DataFrame, scores: Published, frame: pd.DataFrame | None) -> Floats:
    """Survival by account and month, tied to a frame of churn scores."""
    curve: dict[float, Floats] = {days: _aligned(frame, contracts, name) for days, name in scores.further.items()}
    return tie(log_odds, _aligned(frame, contracts), scores.churn_days, curve).curve


def _swings(flows: RelationFlows, mrr: Floats, peer: Floats | None, growth: Growth, discount_rate: float) -> Swings:
    """What the scores move each account's CLV by, against average scores."""
    scored = {"churn": peer, "upsell": growth.rising or growth.p_upsell, "contraction": growth.falling}
    causes = tuple(name for name, score in scored.items() if score is not None)

    def clv(own: frozenset[str]) -> Floats:
        survival = flows.survival if peer is None or "churn" in own else peer
        how = growth.heeding(rising="upsell" in own, falling="contraction" in own)
        return contract_worth(mrr, flows.margin_rate, survival, how, discount_rate)

    return Swings(flows.account_id, shared_between(causes, clv))


def _growth(facts: Facts, as_of: datetime, scores: Published, contracts: pd.DataFrame, months: int) -> Growth:
    """Ratios where half a year of them was seen, else upsell scores, else none; never two."""
    ratios = past_ratios(facts, as_of, months)
    mrr = contracts["mrr"].to_numpy(float)
    agreed = agreed_changes(facts, as_of, contracts["account_id"].to_numpy(object), mrr, months)
    rising, falling = (_leaning(frame, contracts, days) for frame, days in scores.of_growth)
    if ratios.observed_months >= MIN_RATIO_MONTHS:
        tenure = contracts["tenure_days"].to_numpy(float) / MONTH_DAYS
        return Growth(GrowthModel.RATIO, ratios=ratios, rising=rising, falling=falling, tenure=tenure, agreed=agreed)
    if rising is not None:
        moves = past_movements(
            facts, as_of, threshold=scores.uplift, days=scores.upsell_days, price_changes=scores.price_changes
        )
        return Growth(GrowthModel.UPLIFT, rising.probability, moves, agreed=agreed)
    return Growth(GrowthModel.NONE, agreed=agreed)


def _leaning(scores: pd.DataFrame | None, contracts: pd.DataFrame, days: int) -> Leanings | None:
    return None if scores is None else Leanings(_aligned(scores, contracts), days)


def _aligned(scores: pd.DataFrame | None, accounts: pd.DataFrame, name: str = "probability") -> Floats:
    """The probability of each account, NaN where there is none."""
    if scores is None:
        return np.full(len(accounts), np.nan)
    known = scores.set_index("account_id")[name]
    return np.asarray(known.reindex(accounts["account_id"]).to_numpy(dtype=float, na_value=np.nan))
