"""Customers who left: how many come back, how long after, and what the return of each is worth.

Comes in: facts and `as_of`. Goes out: `Returns`. The money of returns is the company's new business (kind
`reactivation`), so that an account that has left is worth nothing in the account forecast; what stands here is told
beside it and added nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.contracts.subscriptions import GRACE_DAYS
from revml.clv.value import MONTH_DAYS, Floats, discount_factors
from revml.sources.facts import Facts

# Months since the end of the last contract.
BAND_EDGES = (3.0, 6.0, 12.0, 24.0, 48.0)
# Before any return was seen: one in 500 months; a band is drawn to all bands by 200 months of its own.
PRIOR_RETURNS, PRIOR_MONTHS, BAND_MONTHS = 0.5, 250.0, 200.0
# Those who return pay what they paid, as if ten had been seen; one in forty active months ends, as if twenty.
RETURNS_WEIGHT, PRIOR_LOSS, LOSS_MONTHS = 10.0, 1 / 40, 20.0

_TERMS = """
SELECT s.account_id, (epoch($as_of::TIMESTAMP) - epoch(s.started_at)) / 86400 AS began,
  greatest((epoch($as_of::TIMESTAMP) - epoch(CASE WHEN s.ended_at <= $as_of THEN s.ended_at END)) / 86400, 0) AS ended,
  s.mrr, s.mrr * coalesce(p.margin_rate, $margin) AS margin
FROM subscriptions AS s
LEFT JOIN (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product) AS p
  ON p.product = s.product
WHERE s.known_at <= $as_of AND s.started_at <= $as_of
ORDER BY s.account_id, began DESC, ended DESC"""


@dataclass(frozen=True)
class Returns:
    """Who has left, and what is known of those who left before.

    Attributes:
        account_id: (n,) accounts without a contract now that had one, sorted.
        months_gone: (n,) since it ended; mrr, margin: (n,) at the end, a month.
        rate: monthly chance of a return by months since the end (`BAND_EDGES`).
        kept: MRR of those who returned over what they paid before.
        loss: monthly chance that an active contract ends.
        seen, left: returns and endings that were seen.
    """

    account_id: npt.NDArray[np.object_]
    months_gone: Floats
    mrr: Floats
    margin: Floats
    rate: Floats
    kept: float
    loss: float
    seen: int
    left: int

    def chance(self, months: int) -> Floats:
        """(n, months) chance of a return in each month ahead."""
        at = self.months_gone[:, None] + np.arange(months)[None, :] + 0.5
        rate = self.rate[np.digitize(at, BAND_EDGES)]
        gone = np.cumprod(1 - rate, axis=1)
        return np.asarray(rate * gone / (1 - rate))

    def worth(self, months: int, discount_rate: float) -> Floats:
        """(n,) expected discounted margin of a return within the horizon, until it ends or the horizon does."""
        factors = discount_factors(discount_rate, months)
        stays = (1 - self.loss) ** np.arange(months)
        after = np.array([float(stays[: months - k] @ factors[k:]) for k in range(months)])
        return np.asarray(self.chance(months) @ after * self.margin * self.kept)


def returns(facts: Facts, as_of: datetime, *, margin: float) -> Returns:
    """Read who left and who came back.

    Args:
        margin: share of MRR that is margin where a product has no rate.
    """
    terms = facts.con.cursor().execute(_TERMS, {"as_of": as_of, "margin": margin}).df()
    spells = _spells(terms)
    account, ended = spells["account_id"].to_numpy(object), spells["ended"].to_numpy(float)
    last = np.append(account[1:] != account[:-1], True) if len(spells) else np.zeros(0, dtype=bool)
    over = ended > 0
    following = np.append(spells["began"].to_numpy(float)[1:], np.nan) if len(spells) else np.zeros(0)
    # months between the end and the return, or now; the days of grace do not count as gone
    back = over & ~last
    until = np.where(back, following, 0.0)
    gone = np.where(over, (ended - until) / MONTH_DAYS, 0.0)
    months, came = _by_band(gone[over]), np.zeros(len(BAND_EDGES) + 1)
    np.add.at(came, np.digitize(gone[back], BAND_EDGES), 1.0)
    pooled = (came.sum() + PRIOR_RETURNS) / (months.sum() + PRIOR_MONTHS)
    lost_mrr = spells["lost_mrr"].to_numpy(float)
    first_mrr = np.append(spells["first_mrr"].to_numpy(float)[1:], 0.0) if len(spells) else np.zeros(0)
    usual = RETURNS_WEIGHT * float(lost_mrr[over].mean()) if over.any() else 1.0
    active = float((spells["began"] - spells["ended"]).sum() / MONTH_DAYS)
    left = over & last & (lost_mrr > 0)
    return Returns(
        account_id=account[left],
        months_gone=gone[left],
        mrr=lost_mrr[left],
        margin=spells["lost_margin"].to_numpy(float)[left],
        rate=np.asarray((came + BAND_MONTHS * pooled) / (months + BAND_MONTHS)),
        kept=float((first_mrr[back].sum() + usual) / (lost_mrr[back].sum() + usual)),
        loss=(float(over.sum()) + LOSS_MONTHS * PRIOR_LOSS) / (active + LOSS_MONTHS),
        seen=int(back.sum()),
        left=int(over.sum()),
    )


def said(left: Returns, months: int, discount_rate: float) -> list[str]:
    """What a reader must know of those who left."""
    n = len(left.account_id)
    if not n:
        return []
    year = float(left.chance(12).sum())
    worth = float(left.worth(months, discount_rate).sum())
    back = f"about {year:.1f} are" if year >= 0.05 else "next to none is"
    return [
        f"{n} that left {'is' if n == 1 else 'are'} worth nothing here; {left.seen} of {left.left} endings were "
        f"followed by a return; {back} expected back within a year, and what that brings "
        f"({worth:,.0f} over {months} months) counts as new business"
    ]


def _spells(terms: pd.DataFrame) -> pd.DataFrame:
    """Spells of custom, oldest first: days since each began and ended (0: it has not), MRR at its ends."""
    account = terms["account_id"].to_numpy(object)
    began, ended = terms["began"].to_numpy(float), np.nan_to_num(terms["ended"].to_numpy(float), nan=0.0)
    real = began > ended
    account, began, ended = account[real], began[real], ended[real]
    mrr, margin = terms["mrr"].to_numpy(float)[real], terms["margin"].to_numpy(float)[real]
    frame = pd.DataFrame({"account_id": account, "began": began, "ended": ended, "mrr": mrr, "margin": margin})
    reached = frame.groupby("account_id", sort=False)["ended"].cummin()
    before = reached.groupby(frame["account_id"], sort=False).shift()
    new = before.isna() | (frame["began"] < before - GRACE_DAYS)
    frame["spell"] = new.cumsum()
    frame["end"] = frame.groupby("spell")["ended"].transform("min")
    frame["start"] = frame.groupby("spell")["began"].transform("max")
    # of lines that end together all are lost, and of those that begin together all have come
    ending = frame["ended"] <= frame["end"] + 1e-9
    starting = frame["began"] >= frame["start"] - 1e-9
    out = frame.groupby("spell").agg(
        account_id=("account_id", "first"), began=("start", "first"), ended=("end", "first")
    )
    out["lost_mrr"] = frame[ending].groupby("spell")["mrr"].sum()
    out["lost_margin"] = frame[ending].groupby("spell")["margin"].sum()
    out["first_mrr"] = frame[starting].groupby("spell")["mrr"].sum()
    return out.reset_index(drop=True)


def _by_band(gone: Floats) -> Floats:
    """Months spent in each band by those who were gone so long."""
    edges = np.array([0.0, *BAND_EDGES, np.inf])
    return np.asarray([np.clip(gone - low, 0.0, high - low).sum() for low, high in pairwise(edges)])
