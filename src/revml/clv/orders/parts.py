"""Amounts and chances of a month, put together: the two stages, the process and a buyer's own pace.

Comes in: what each part says of an account, and their shares. Goes out: amounts and chances by account and month. The
two stages have the total of the process: they say who orders. The level curve is learned for process and pace together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from revml.clv.orders.pace import Shares
from revml.clv.value import Floats


@dataclass(frozen=True)
class Parts:
    """The parts of a company's forecast.

    Attributes:
        shares: by lag.
        odds: (n,) shift of the log-odds of an order by the two stages.
        orders: (n,) a month, the buyers' own pace.
    """

    shares: Shares
    odds: Floats
    orders: Floats

    def amounts(self, process: Floats, factor: Floats, own: Floats) -> Floats:
        """(n, months) of orders or revenue.

        Args:
            process: (n, months) expected by the process.
            factor: (n,) by the two stages.
            own: (n,) a month, by the pace.
        """
        lag: Floats = np.linspace(1.0, process.shape[1], process.shape[1])
        two, _, _ = self.shares.at(lag)
        whole, _ = self.shares.mixture(lag, process, own)
        moved = process * factor[:, None]
        sums = moved.sum(axis=0)
        moved *= np.divide(process.sum(axis=0), sums, out=np.zeros_like(sums), where=sums > 0)
        return np.asarray(whole + two * (moved - process))

    def chances(self, p: Floats, lag: Floats, months: Floats) -> Floats:
        """(n, m) of an order, out of that of the process; `months` (m,) is how long a buyer has for it."""
        two, plain, kept = self.shares.at(lag)
        inner = np.clip(p, 1e-12, 1 - 1e-12)
        shifted = np.where(p > 0, expit(logit(inner) + self.odds[:, None]), 0.0)
        habit = -np.expm1(-self.orders[:, None] * months)
        return np.asarray(np.clip(two * shifted + plain * p + kept * habit, 0.0, 1.0))
