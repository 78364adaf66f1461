"""The purchase process of an origin, fitted once however many forecasts look back at it.

Comes in: facts, an origin, its buyers. Goes out: a `PurchaseProcess`. Within `remembering` it is kept.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from revml.clv.orders.fitting import Process, PurchaseProcess, fit_process
from revml.sources.facts import Facts
from revml.sources.remembered import remembered

KEPT_PROCESSES = 64


def process_at(facts: Facts, origin: datetime, kind: Process, buyers: pd.DataFrame) -> PurchaseProcess:
    """A process fitted to everybody who had bought by an origin.

    Args:
        buyers: the rows of `repeat_buyers` at the origin.
    """

    def made() -> PurchaseProcess:
        x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
        return fit_process(x, t_x, T, process=kind, log_gaps=buyers["log_gaps"].to_numpy(float))

    return remembered(facts, "process", (origin, kind), made, most=KEPT_PROCESSES)
