"""How a surviving account's MRR moves: exactly one of no growth, or upsell probability × size − contraction.

Two growth models at once would count the same money twice, so the model is one enum value and inputs that belong to the
other are refused. Comes in: what accounts' MRR did over past spans, known at `as_of`. Goes out: factors g(k).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from revml.clv.value import MONTH_DAYS, Floats
from revml.errors import ConfigError
from revml.sources.facts import Facts

# A company with fewer upsells than this is described by the question's own threshold rather than by its few cases.
MIN_UPSELLS = 20
SPANS = 8
# A rise beyond this share counts as this share: one merger must not price everybody's upsells.
MAX_RISE = 2.0
HALF_LIFE_MONTHS = 6.0


class GrowthModel(StrEnum):
    """Where growth of surviving accounts comes from; exactly one at a time."""

    NONE = "none"
    UPLIFT = "uplift"


@dataclass(frozen=True)
class Movements:
    """What the MRR of surviving accounts did over spans of `days`, as shares of their MRR at the start.

    Attributes:
        upsell_rate: share of accounts whose MRR rose by at least the threshold.
        upsell_size: mean rise of those, each at most `MAX_RISE`, as a share of their MRR at the start.
        contraction: net fall of all others (small rises net out), as a share of the MRR of all.
        pairs, upsells: what it rests on.
    """

    days: int
    upsell_rate: float
    upsell_size: float
    contraction: float
    pairs: int
    upsells: int

    @property
    def yearly(self) -> float:
        """What a surviving account's MRR grows by in a year at the company's past rates, as a share."""
        step = max(self.upsell_rate * self.upsell_size - self.contraction, -0.99)
        return float((1 + step) ** (365.25 / self.days) - 1)


@dataclass(frozen=True)
class Growth:
    """A growth model with the inputs that belong to it, and no others.

    Args:
        model: which one.
        p_upsell: (n,) probability of an upsell within `movements.days`; NaN takes the company's rate.
        movements: what the company's past says; needed by UPLIFT, refused by NONE.

    Raises:
        ConfigError: inputs of another model are given too, which would count growth twice, or needed ones are missing.
    """

    model: GrowthModel
    p_upsell: Floats | None = None
    movements: Movements | None = None

    def __post_init__(self) -> None:
        given = self.p_upsell is not None, self.movements is not None
        if self.model is GrowthModel.NONE and any(given):
            raise ConfigError(
                "growth would be counted twice",
                where="clv.growth",
                wanted="no upsell probabilities with GrowthModel.NONE",
                got="upsell probabilities",
                do="choose GrowthModel.UPLIFT, or leave them out",
            )
        if self.model is GrowthModel.UPLIFT and not all(given):
            raise ConfigError(
                "GrowthModel.UPLIFT needs upsell probabilities and past movements",
                where="clv.growth",
                got="p_upsell" if given[0] else "movements" if given[1] else "neither",
                do="give both, or choose GrowthModel.NONE",
            )

    def factors(self, accounts: int, months: int) -> tuple[Floats, Floats]:
        """(n, months) factors of expansion alone and of expansion less contraction, at the end of each month ahead.

        Within the span of the upsell score an account grows at its own probability; after it the account's rate fades
        to the company's, by half in `HALF_LIFE_MONTHS`. Rates compound monthly.
        """
        if self.model is GrowthModel.NONE or self.p_upsell is None or self.movements is None:
            ones = np.ones((accounts, months))
            return ones, ones
        moves = self.movements
        span = moves.days / MONTH_DAYS
        k = np.arange(1, months + 1)
        fade = 0.5 ** (np.maximum(k - np.ceil(span), 0) / HALF_LIFE_MONTHS)
        own = np.where(np.isnan(self.p_upsell), moves.upsell_rate, self.p_upsell)
        p = moves.upsell_rate + (own - moves.upsell_rate)[:, None] * fade[None, :]
        up = np.log1p(p * moves.upsell_size) / span
        both = np.log1p(np.maximum(p * moves.upsell_size - moves.contraction, -0.99)) / span
        return np.exp(np.cumsum(up, axis=1)), np.exp(np.cumsum(both, axis=1))


_PAIRS = """
WITH known AS (
  SELECT account_id, started_at, mrr, CASE WHEN ended_at <= $as_of THEN ended_at END AS ended_at
  FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of
),
starts AS (SELECT unnest($starts::TIMESTAMP[]) AS at),
before AS (
  SELECT s.at, k.account_id, sum(k.mrr) AS mrr FROM starts AS s
  JOIN known AS k ON k.started_at <= s.at AND (k.ended_at IS NULL OR k.ended_at > s.at) GROUP BY ALL
),
after AS (
  SELECT s.at, k.account_id, sum(k.mrr) AS mrr FROM starts AS s
  JOIN known AS k ON k.started_at <= s.at + to_days($days)
   AND (k.ended_at IS NULL OR k.ended_at > s.at + to_days($days)) GROUP BY ALL
),
pairs AS (
  SELECT b.mrr AS was, a.mrr AS is_now, a.mrr >= b.mrr * (1 + $threshold) AS upsold
  FROM before AS b JOIN after AS a ON a.at = b.at AND a.account_id = b.account_id
  WHERE b.mrr > 0 AND a.mrr > 0
)
SELECT count(*), count(*) FILTER (upsold), coalesce(sum(was), 0),
  coalesce(sum(was) FILTER (upsold), 0), coalesce(sum(least(is_now - was, $most * was)) FILTER (upsold), 0),
  coalesce(sum(was - is_now) FILTER (NOT upsold), 0)
FROM pairs"""


def past_movements(facts: Facts, as_of: datetime, *, threshold: float, days: int) -> Movements:
    """What the MRR of surviving accounts did over the last `SPANS` spans of `days`, known at `as_of`.

    With too few upsells, their size is the threshold itself: the least that an upsell is.
    """
    starts = [as_of - timedelta(days=days * i) for i in range(SPANS, 0, -1)]
    values = {"as_of": as_of, "starts": starts, "days": days, "threshold": threshold, "most": MAX_RISE}
    [row] = facts.con.cursor().execute(_PAIRS, values).fetchall()
    pairs, upsells, was, was_upsold, gained, shrunk = row
    return Movements(
        days=days,
        upsell_rate=upsells / pairs if pairs else 0.0,
        upsell_size=gained / was_upsold if upsells >= MIN_UPSELLS and was_upsold > 0 else threshold,
        contraction=shrunk / was if was > 0 else 0.0,
        pairs=int(pairs),
        upsells=int(upsells),
    )
