"""The repeat orders of a company ahead: flows out of `repeat_orders`.

Comes in: facts, `as_of`, economics. Goes out: `RelationFlows` and notes.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from revml.clv.flows import RelationFlows
from revml.clv.intervals.contract_draws import buyers_draws
from revml.clv.intervals.simulation import Habit
from revml.clv.orders.coming import coming_orders
from revml.clv.orders.pace import pace
from revml.clv.orders.repeat_orders import order_forecast
from revml.clv.relations import Relation
from revml.clv.value import MONTH_WEEKS, Floats, discount_factors
from revml.config import Economics
from revml.sources.facts import Facts

FEW_PURCHASES = 3


def orders_ahead(
    facts: Facts, as_of: datetime, economics: Economics, horizons: tuple[int, ...]
) -> tuple[RelationFlows | None, tuple[str, ...]]:
    """Flows of everybody who ever bought, None where nobody has, with what a reader must know of them."""
    months = max(horizons)
    made = order_forecast(facts, as_of, economics, months)
    if made is None:
        return None, ("no account has bought yet",)
    buyers = made.buyers
    rate = buyers["margin_rate"].to_numpy(float)
    margin = made.revenue * rate[:, None] * discount_factors(economics.discount_rate, months)[None, :]
    nothing = np.zeros_like(margin)
    few = buyers["purchases"].to_numpy() < FEW_PURCHASES
    lag: Floats = np.linspace(1.0, months, months)
    *_, kept = made.choice.shares.at(lag)
    paced = pace(buyers["x"].to_numpy(float), buyers["T"].to_numpy(float) / MONTH_WEEKS)
    habit = Habit(float(kept.mean()), paced, made.choice.revenue_level.spread(months)) if kept.any() else None
    flows = RelationFlows(
        relation=Relation.ORDERS,
        account_id=buyers["account_id"].to_numpy(object),
        survival=made.survival,
        revenue=made.revenue,
        margin=margin,
        base=margin,
        expansion=nothing,
        contraction=nothing,
        referral=nothing,
        margin_rate=rate,
        seen_months=np.full(len(buyers), buyers["T"].max() / MONTH_WEEKS),
        alive={horizon: made.alive(horizon) for horizon in horizons},
        draw=buyers_draws(made.drawing, made.money, buyers, made.revenue, habit),
        flags={"few_orders": few, "few_buyers": made.held, "negative_margin": rate < 0},
        coming=coming_orders(made),
    )
    return flows, made.notes
