"""Customer lifetime value: expected flows of money per account and relation, and their sums.

Comes in: facts, `as_of`, economics, and what the models published (churn and upsell probabilities), where there is any.
Goes out: `ClvForecast`, two plain frames. An account's CLV is the sum of its flows and the company's is
the sum of its accounts'. Nothing that became known after `as_of` matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.contract import contract_flows
from revml.clv.growth import Growth, GrowthModel, past_movements
from revml.clv.hazard import fit_hazard, months_of, tie
from revml.clv.subscriptions import account_months, active_contracts, lost_contracts
from revml.clv.value import MONTH_DAYS, Floats, share_beyond
from revml.config import Economics
from revml.sources.facts import Facts

# The frames that a run publishes (`store.runs` holds the same columns; the store stands above this package).
CLV_COLUMNS = (
    "account_id",
    "relation",
    "horizon_months",
    "clv",
    "expected_revenue",
    "p_alive",
    "extrapolated_share",
    "warning",
)
FLOW_COLUMNS = ("account_id", "relation", "month", "survival", "expected_revenue", "discounted_margin")


@dataclass(frozen=True)
class ClvForecast:
    """What a forecast gives.

    Attributes:
        clv: `CLV_COLUMNS`, one row an account and relation.
        flows: `FLOW_COLUMNS`, one row an account, relation and month.
        notes: what a reader must know about the whole, in sentences.
    """

    clv: pd.DataFrame
    flows: pd.DataFrame
    notes: tuple[str, ...]


def forecast_clv(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    *,
    p_churn: pd.DataFrame | None,
    churn_horizon_days: int,
    p_upsell: pd.DataFrame | None = None,
    upsell_horizon_days: int = 90,
    uplift: float = 0.10,
    horizon_months: int | None = None,
    seed: int = 42,
) -> ClvForecast:
    """Forecast what each account is worth from `as_of` on.

    Args:
        p_churn: account_id, probability of a loss within `churn_horizon_days` of `as_of` (a question with a gap hands
            in gap + horizon). Survival is tied to it; accounts without one keep the hazard of their group.
        p_upsell: account_id, probability of an upsell (MRR up by at least `uplift`) within `upsell_horizon_days`. None
            means no growth is forecast (GrowthModel.NONE).
        horizon_months: default is the economics' own.
        seed: for what is simulated; the same seed gives the same frames.
    """
    months = horizon_months or economics.horizon_months
    clv: list[pd.DataFrame] = []
    flows: list[pd.DataFrame] = []
    notes: list[str] = []
    if facts.has("subscriptions"):
        part = _contracts(
            facts,
            as_of,
            economics,
            p_churn=p_churn,
            churn_horizon_days=churn_horizon_days,
            p_upsell=p_upsell,
            upsell_horizon_days=upsell_horizon_days,
            uplift=uplift,
            months=months,
        )
        clv.append(part.clv)
        flows.append(part.flows)
        notes.extend(part.notes)
    return ClvForecast(_stack(clv, CLV_COLUMNS), _stack(flows, FLOW_COLUMNS), tuple(notes))


def _contracts(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    *,
    p_churn: pd.DataFrame | None,
    churn_horizon_days: int,
    p_upsell: pd.DataFrame | None,
    upsell_horizon_days: int,
    uplift: float,
    months: int,
) -> ClvForecast:
    contracts = active_contracts(facts, as_of, margin=economics.margin)
    history = account_months(facts, as_of)
    model = fit_hazard(history)
    log_odds = model.log_odds(contracts, max(months, months_of(churn_horizon_days)))
    survival = tie(log_odds, _aligned(p_churn, contracts), churn_horizon_days).curve[:, :months]
    growth = Growth(GrowthModel.NONE)
    if p_upsell is not None:
        moves = past_movements(facts, as_of, threshold=uplift, days=upsell_horizon_days)
        growth = Growth(GrowthModel.UPLIFT, _aligned(p_upsell, contracts), moves)
    mrr, margin = contracts["mrr"].to_numpy(float), contracts["margin"].to_numpy(float)
    made = contract_flows(mrr, margin, survival, growth, economics.discount_rate)
    seen = np.minimum(
        model.observed_months - contracts["tenure_days"].to_numpy(float) / MONTH_DAYS, float(model.window_months)
    )
    extrapolated = share_beyond(made.margin, np.maximum(seen, 0.0))
    warning = np.where(extrapolated > 0.5, "extrapolated", "")
    notes = []
    lost = lost_contracts(facts, as_of)
    if lost:
        notes.append(f"{lost} accounts without an active subscription have no contract CLV")
    return _frames(contracts, "contract", made.survival, made.revenue, made.margin, extrapolated, warning, notes)


def _frames(
    accounts: pd.DataFrame,
    relation: str,
    survival: Floats,
    revenue: Floats,
    margin: Floats,
    extrapolated: Floats,
    warning: np.ndarray,
    notes: list[str],
) -> ClvForecast:
    n, months = margin.shape
    ids = accounts["account_id"].to_numpy()
    clv = pd.DataFrame(
        {
            "account_id": ids,
            "relation": relation,
            "horizon_months": months,
            "clv": margin.sum(axis=1),
            "expected_revenue": revenue.sum(axis=1),
            "p_alive": survival[:, -1],
            "extrapolated_share": extrapolated,
            "warning": warning,
        }
    )
    flows = pd.DataFrame(
        {
            "account_id": np.repeat(ids, months),
            "relation": relation,
            "month": np.tile(np.arange(1, months + 1), n),
            "survival": survival.ravel(),
            "expected_revenue": revenue.ravel(),
            "discounted_margin": margin.ravel(),
        }
    )
    return ClvForecast(clv, flows, tuple(notes))


def _aligned(scores: pd.DataFrame | None, accounts: pd.DataFrame) -> Floats:
    """The probability of each account, NaN where there is none."""
    if scores is None:
        return np.full(len(accounts), np.nan)
    known = scores.set_index("account_id")["probability"]
    return np.asarray(known.reindex(accounts["account_id"]).to_numpy(dtype=float, na_value=np.nan))


def _stack(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in columns})
    return pd.concat(frames, ignore_index=True)[list(columns)]
