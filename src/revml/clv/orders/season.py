"""The season of a company's orders: how much above or below its own average each month of the year is.

Comes in: facts and `as_of`. Goes out: `Season`, twelve factors. A month here is 30.4375 days counted from `as_of`, as
in every forecast, so that the month k ahead has the place in the year of the month twelve before it. Without two whole
years nothing can tell a season from a trend, and the factors are 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from revml.clv.orders.purchases import repeat_line
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

YEAR = 12
MIN_MONTHS = 2 * YEAR
MIN_ORDERS = 10 * YEAR

_MONTHS = """
WITH days AS (
  SELECT account_id, CAST(ordered_at AS DATE) AS day, max(ordered_at) AS last_at, sum(amount) AS amount
  FROM orders AS o WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {repeat}
  GROUP BY account_id, CAST(ordered_at AS DATE)
)
SELECT CAST(floor(epoch($as_of - last_at) / $month) AS INTEGER) AS back, count(*) AS orders
FROM days WHERE amount > 0 GROUP BY back ORDER BY back"""


@dataclass(frozen=True)
class Season:
    """Twelve factors, mean 1; all 1 where no season is known.

    Attributes:
        factors: (12,) of the month ahead 1, 2, ... 12.
        months: whole months of history.
        kept: how much of the measured season is believed, 0 to 1.
    """

    factors: Floats = field(default_factory=lambda: np.ones(YEAR))
    months: int = 0
    kept: float = 0.0

    @property
    def told(self) -> bool:
        """Whether there are years enough to tell a season from a level."""
        return self.months >= MIN_MONTHS

    def ahead(self, months: int) -> Floats:
        """(months,) factors of the months ahead.

        >>> Season(np.arange(12.0)).ahead(14).tolist()[-3:]
        [11.0, 0.0, 1.0]
        """
        return self.factors[np.arange(months) % YEAR]

    def of_window(self, back: float, months: int) -> float:
        """The mean factor of the window of so many months that began `back` months before `as_of`."""
        return float(self.factors[(np.arange(months) - round(back)) % YEAR].mean())


def order_season(facts: Facts, as_of: datetime) -> Season:
    """Factors from the logs of monthly orders: a straight trend and twelve months, drawn towards 1 by their noise.

    The share of the measured season that is kept is `1 - noise / spread` (credibility): what the months of different
    years disagree about is not believed. At least two whole years and ten orders a month are wanted.
    """
    values = {"as_of": as_of, "month": MONTH_SECONDS}
    found = facts.con.cursor().execute(_MONTHS.format(repeat=repeat_line(facts)), values).fetchall()
    if not found:
        return Season()
    # the oldest month is seen in part
    whole = max(back for back, _ in found)
    counts = np.zeros(whole)
    for back, orders in found:
        if back < whole:
            counts[back] = orders
    if whole < MIN_MONTHS or counts.sum() / whole < MIN_ORDERS / YEAR:
        return Season(months=whole)
    back = np.arange(whole)
    # the month ahead k (from 0) lies at the place of the month that began 12 - k months ago: back = 11 - k
    place = (YEAR - 1 - back) % YEAR
    logs = np.log(counts + 0.5)
    effects = np.eye(YEAR)[place] - 1 / YEAR
    design = np.column_stack([np.ones(whole), back - back.mean(), effects[:, : YEAR - 1] - effects[:, [YEAR - 1]]])
    solved = np.linalg.lstsq(design, logs, rcond=None)[0]
    left = logs - design @ solved
    free = whole - design.shape[1]
    season = np.append(solved[2:], -solved[2:].sum())
    noise = float(left @ left) / free * YEAR / whole
    spread = float(season @ season) / (YEAR - 1)
    kept = max(0.0, 1 - noise / spread) if spread > 0 else 0.0
    factors = np.exp(kept * season)
    return Season(factors / factors.mean(), whole, kept)
