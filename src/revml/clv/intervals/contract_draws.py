"""What the draws of a relation are made of, read from the facts or from what was fitted.

Comes in: flows and facts, or a fitted process and its buyers. Goes out: a `Draw`. Nothing is read before something is
drawn, so that a forecast without intervals pays for none.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.contracts.subscriptions import active_contracts
from revml.clv.flows import Draw
from revml.clv.intervals.mrr_changes import Changes, past_changes
from revml.clv.intervals.simulation import Habit, contract_draw, order_draw
from revml.clv.orders.processes.process import PurchaseProcess
from revml.clv.orders.spend import SpendModel
from revml.clv.value import Floats
from revml.sources.facts import Facts

# Single orders of a buyer scatter like a gamma of at least and at most this shape.
SHAPES = (0.2, 100.0)


def contract_draws(
    facts: Facts, as_of: datetime, account_id: npt.NDArray[np.object_], survival: Floats, revenue: Floats
) -> Draw:
    """Draws of the contracts that are active at `as_of`, by what the MRR of survivors did until then.

    Args:
        account_id: (n,) whose rows `survival` and `revenue` (n, months) are.
    """

    def changes() -> tuple[Changes, npt.NDArray[np.int64]]:
        past = past_changes(facts, as_of)
        contracts = active_contracts(facts, as_of, margin=1.0).set_index("account_id").reindex(account_id)
        segment = contracts["segment"].fillna("").to_numpy(object)
        return past, past.cell(contracts["mrr"].fillna(0.0).to_numpy(float), segment)

    return contract_draw(survival, revenue, changes)


def buyers_draws(
    process: PurchaseProcess, money: SpendModel, buyers: pd.DataFrame, revenue: Floats, habit: Habit | None = None
) -> Draw:
    """Draws of repeat orders.

    Args:
        process: fitted to the same buyers.
        buyers: columns of `purchases.repeat_buyers`.
        revenue: (n, months) expected, whatever model it comes from.
        habit: of buyers who go on whatever the process says.
    """
    purchases, spend = buyers["purchases"].to_numpy(float), buyers["spend"].to_numpy(float)
    shape = money.p
    if shape is None:
        within = buyers["within"].to_numpy(float).sum() / max(float((purchases - 1).sum()), 1.0)
        shape = money.mean**2 / within if within > 0 else SHAPES[1]
    x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
    return order_draw(
        process,
        x,
        t_x,
        T,
        revenue=revenue,
        spend=money.expected(purchases, spend),
        shape=float(np.clip(shape, *SHAPES)),
        known=purchases + money.k,
        habit=habit,
    )
