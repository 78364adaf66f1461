"""What is ahead of an account that orders: its next order's date, how likely one is, and of which families.

Comes in: an `OrderForecast`. Goes out: a frame, one row an account, by account. Months are those of the forecast; what
lies beyond it is missing.
"""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.orders.families import OTHER, by_family
from revml.clv.orders.repeat_orders import YEAR, OrderForecast
from revml.clv.value import Floats
from revml.sources.facts import Facts

QUARTER = 3
TOLD = 5  # families of an account that are told; the others are added up


def coming_orders(made: OrderForecast) -> pd.DataFrame:
    """account_id, next_order, p_order_3m, p_order_12m, orders_12m, revenue_12m, purchases (how many there were)."""

    def by(month: int) -> Floats:
        n, months = made.p_order.shape
        return made.p_order[:, month - 1] if month <= months else np.full(n, np.nan)

    def year(amounts: Floats) -> Floats:
        n, months = amounts.shape
        return np.asarray(amounts[:, :YEAR].sum(axis=1) if months >= YEAR else np.full(n, np.nan))

    return pd.DataFrame(
        {
            "account_id": made.buyers["account_id"].to_numpy(object),
            "next_order": pd.Series(made.next_order_at).dt.floor("D"),
            "p_order_3m": by(QUARTER),
            "p_order_12m": by(YEAR),
            "orders_12m": year(made.orders),
            "revenue_12m": np.rint(100 * year(made.revenue)) / 100,
            "purchases": made.buyers["purchases"].to_numpy(float),
        }
    )


def with_families(facts: Facts, as_of: datetime, coming: pd.DataFrame) -> pd.DataFrame:
    """`coming` without its purchases, with `families`: JSON by family of [orders, revenue] of the twelve months.

    The greatest `TOLD` families of an account, the rest as `other`; revenue adds up to the account's, to the cent.
    """
    out = coming.drop(columns="purchases")
    if coming.empty or coming["orders_12m"].isna().all():
        return out.assign(families=None)
    orders, revenue, purchases = (coming[name].to_numpy(float) for name in ("orders_12m", "revenue_12m", "purchases"))
    split = by_family(facts, as_of, coming["account_id"].to_numpy(object), orders, revenue, purchases)
    if split.empty:
        return out.assign(families=None)
    names = split["family"].iloc[: len(split) // len(coming)].tolist()
    shape = (len(coming), len(names))
    parts = (split[name].to_numpy(float).reshape(shape) for name in ("expected_orders", "expected_revenue"))
    return out.assign(families=[_told(names, *one) for one in zip(*parts, strict=True)])


def _told(names: list[str], orders: npt.NDArray[np.float64], revenue: npt.NDArray[np.float64]) -> str:
    best = np.argsort(-revenue, kind="stable").tolist()
    told = {names[i]: [orders[i], revenue[i]] for i in best if names[i] != OTHER}
    shown = dict(list(told.items())[:TOLD])
    rest = [orders.sum() - sum(one[0] for one in shown.values()), revenue.sum() - sum(one[1] for one in shown.values())]
    if OTHER in names or len(told) > TOLD:
        shown[OTHER] = rest
    return json.dumps({name: [round(float(n), 3), round(float(m), 2)] for name, (n, m) in shown.items()})
