"""How often a repeat buyer orders: the door to the purchase processes, fitted by maximum likelihood.

Comes in: x, t_x and T by buyer, in weeks, and for rhythm the logs of the weeks between orders. Goes out: a
`PurchaseProcess` (`processes/`): expected orders, P(order), P(alive), drawn lives. Nothing here reads facts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

from revml.clv.orders.processes.any_time import ParetoNbd, fit_any_time
from revml.clv.orders.processes.at_orders import StopsAtOrders
from revml.clv.orders.processes.at_orders_likelihood import likeliest, log_likelihood
from revml.clv.orders.processes.patterns import Patterns, counted
from revml.clv.orders.processes.process import Lives, Process, PurchaseProcess
from revml.errors import RevmlError

__all__ = ["Lives", "ParetoNbd", "Process", "PurchaseProcess", "StopsAtOrders", "fit_process"]

# Below these the likelihood is flat in some direction and a weak prior holds it.
MIN_BUYERS = 50
MIN_REPEATERS = 20
MOST_PHASES = 4


@overload
def fit_process(
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    process: Literal[Process.BG_NBD, Process.MBG_NBD, Process.MBG_ERLANG] = ...,
    log_gaps: npt.ArrayLike | None = ...,
) -> StopsAtOrders: ...


@overload
def fit_process(
    x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, *, process: Literal[Process.PARETO_NBD]
) -> ParetoNbd: ...


@overload
def fit_process(
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    process: Process,
    log_gaps: npt.ArrayLike | None = ...,
) -> PurchaseProcess: ...


def fit_process(
    x: npt.ArrayLike,
    t_x: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    process: Process = Process.MBG_NBD,
    log_gaps: npt.ArrayLike | None = None,
) -> PurchaseProcess:
    """Maximum likelihood on counted patterns of (x, t_x, T), with the exact gradient.

    Args:
        x: (n,) repeat purchases.
        t_x: (n,) weeks from the first purchase to the last, 0 where x is 0.
        T: (n,) weeks from the first purchase to now.
        log_gaps: (n,) sum of the logs of the weeks between a buyer's purchases, 0 where x is 0. Only rhythm needs it:
            its k, from 1 to `MOST_PHASES`, is the likeliest.

    With fewer than `MIN_BUYERS` buyers or `MIN_REPEATERS` who came back, the maximum of the posterior under a weak
    prior is taken in its place, and `held` says so.

    Raises:
        RevmlError: if rhythm is asked for without `log_gaps`.
    """
    seen = counted(x, t_x, T)
    held = bool(seen.buyers < MIN_BUYERS or seen.repeaters < MIN_REPEATERS)
    if process is Process.PARETO_NBD:
        return fit_any_time(seen, held=held)
    if process is not Process.MBG_ERLANG:
        return _stops_at_orders(seen, process, 1, 0.0, held=held)
    if log_gaps is None:
        raise RevmlError(
            "the rhythm of orders is in the logs of the weeks between them",
            where="fit_process",
            wanted="log_gaps",
            got="none",
            do="hand in the column `log_gaps` of `repeat_buyers`, or choose a process without rhythm",
        )
    total = float(np.asarray(log_gaps, dtype=np.float64).sum())
    best = _stops_at_orders(seen, process, 1, total, held=held)
    for k in range(2, MOST_PHASES + 1):
        more = _stops_at_orders(seen, process, k, total, held=held)
        if more.log_likelihood <= best.log_likelihood:
            break
        best = more
    return best


def _stops_at_orders(seen: Patterns, process: Process, k: int, log_gaps: float, *, held: bool) -> StopsAtOrders:
    chances = 0.0 if process is Process.BG_NBD else 1.0
    r, alpha, a, b = likeliest(seen, k, chances, held=held)
    value = log_likelihood(r, alpha, a, b, k, chances, seen, log_gaps)
    fitted = StopsAtOrders(process, r, alpha, a, b, k, buyers=int(seen.buyers), patterns=len(seen.x), held=held)
    return replace(fitted, log_likelihood=value)
