"""The repeat orders of a company ahead: a purchase process, spend, flows.

Comes in: facts, `as_of`, economics. Goes out: `RelationFlows` and notes.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from revml.clv.draws import buyers_draws
from revml.clv.flows import RelationFlows
from revml.clv.orders import fit_process
from revml.clv.purchases import repeat_buyers
from revml.clv.relations import Relation
from revml.clv.spend import fit_spend
from revml.clv.value import MONTH_WEEKS, Floats, discount_factors
from revml.config import Economics
from revml.sources.facts import Facts

FEW_PURCHASES = 3
DEPENDENT = 0.3


def orders_ahead(
    facts: Facts, as_of: datetime, economics: Economics, horizons: tuple[int, ...]
) -> tuple[RelationFlows | None, tuple[str, ...]]:
    """Flows of everybody who ever bought, None where nobody has, with what a reader must know of them."""
    months = max(horizons)
    buyers = repeat_buyers(facts, as_of, margin=economics.order_margin)
    if buyers.empty:
        return None, ("no account has bought yet",)
    x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
    process = fit_process(x, t_x, T)
    purchases, spend = buyers["purchases"].to_numpy(float), buyers["spend"].to_numpy(float)
    money = fit_spend(purchases, spend, buyers["within"].to_numpy(float))
    ends: Floats = np.linspace(1.0, months, months) * MONTH_WEEKS
    orders = np.diff(process.expected_orders(x, t_x, T, ends), axis=1, prepend=0.0)
    starts = ends - MONTH_WEEKS
    survival = process.p_order(x, t_x, T, starts, starts + 12 * MONTH_WEEKS)
    last = np.array([max(horizon - 12, 0) for horizon in horizons]) * MONTH_WEEKS
    alive = process.p_order(x, t_x, T, last, np.array(horizons) * MONTH_WEEKS)
    rate = buyers["margin_rate"].to_numpy(float)
    revenue = orders * money.expected(purchases, spend)[:, None]
    margin = revenue * rate[:, None] * discount_factors(economics.discount_rate, months)[None, :]
    notes = []
    silent = int(((T - t_x) * 7 > 365).sum())
    if silent:
        notes.append(
            f"{silent} of {len(buyers)} buyers have not ordered for a year: worth what their return is likely to bring"
        )
    if process.held:
        notes.append("few repeat buyers: order rates are held by a weak prior")
    if money.p is None:
        notes.append("spend an order by credibility: too few buyers, or too heavy a tail for Gamma-Gamma")
    if abs(money.dependence) > DEPENDENT:
        notes.append(
            f"spend an order goes with the number of orders (rank correlation {money.dependence:.2f}), which the spend "
            "model takes to be independent"
        )
    nothing = np.zeros_like(margin)
    flows = RelationFlows(
        relation=Relation.ORDERS,
        account_id=buyers["account_id"].to_numpy(object),
        survival=survival,
        revenue=revenue,
        margin=margin,
        base=margin,
        expansion=nothing,
        contraction=nothing,
        referral=nothing,
        margin_rate=rate,
        seen_months=np.full(len(buyers), T.max() / MONTH_WEEKS),
        alive=dict(zip(horizons, alive.T, strict=True)),
        draw=buyers_draws(process, money, buyers, revenue),
        flags={"few_orders": purchases < FEW_PURCHASES, "few_buyers": process.held, "negative_margin": rate < 0},
    )
    return flows, tuple(notes)
