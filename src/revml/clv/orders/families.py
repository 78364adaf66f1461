"""Expected orders and revenue of an account by product family: parts of its own forecast, which they add up to.

Comes in: facts, `as_of` and what is expected of each account. Goes out: a frame by account and family. An account's
shares are what it bought of each family, the last year counting double the time before, drawn towards the shares of the
company by as much as one average purchase. Money is in whole cents, rounded so that the families of an account add up.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.orders.purchases import repeat_line
from revml.clv.value import Floats
from revml.sources.facts import Facts

FAMILY_COLUMNS = ("account_id", "family", "expected_orders", "expected_revenue")
OTHER = "other"
# An account's families beyond these many are added up as `OTHER`, so that a frame of many accounts stays small.
MOST = 12

_SHARES = """
WITH families AS (SELECT product, any_value(family) AS family FROM products WHERE known_at <= $as_of GROUP BY product)
SELECT o.account_id, coalesce(f.family, $other) AS family,
  sum(o.amount * CASE WHEN o.ordered_at > $as_of - INTERVAL 365 DAY THEN 2 ELSE 1 END ORDER BY o.ordered_at, o.amount)
    AS bought
FROM orders AS o LEFT JOIN families AS f ON f.product = o.product
WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {repeat}
GROUP BY o.account_id, coalesce(f.family, $other)"""


def by_family(
    facts: Facts,
    as_of: datetime,
    account_id: npt.NDArray[np.object_],
    orders: Floats,
    revenue: Floats,
    purchases: Floats,
) -> pd.DataFrame:
    """Split each account's expected orders and revenue.

    Args:
        account_id: (n,) buyers.
        orders, revenue: (n,) expected over a horizon.
        purchases: (n,) how many there were.

    Returns:
        `FAMILY_COLUMNS`, one row an account and family, by account and name. An order of two families counts as a part
        of each.
    """
    values = {"as_of": as_of, "other": OTHER}
    found: pd.DataFrame = facts.con.cursor().execute(_SHARES.format(repeat=repeat_line(facts)), values).df()
    if not len(account_id) or found.empty:
        return pd.DataFrame({name: pd.Series(dtype=_kind(name)) for name in FAMILY_COLUMNS})
    found["bought"] = found["bought"].clip(lower=0.0)
    totals = found.groupby("family")["bought"].sum().sort_values(ascending=False, kind="stable")
    kept = sorted(totals.index[:MOST])
    found.loc[~found["family"].isin(kept), "family"] = OTHER
    names = sorted({*kept, *found["family"]})
    table = found.pivot_table(index="account_id", columns="family", values="bought", aggfunc="sum", fill_value=0.0)
    bought = table.reindex(index=pd.Index(account_id), columns=names, fill_value=0.0).to_numpy(float)
    pooled = bought.sum(axis=0)
    if pooled.sum() <= 0:
        pooled = np.ones(len(names))
    pooled = pooled / pooled.sum()
    own = bought.sum(axis=1)
    one = np.maximum(own / np.maximum(purchases, 1.0), 1e-9)
    shares = (bought + one[:, None] * pooled) / (own + one)[:, None]
    n, wide = shares.shape
    return pd.DataFrame(
        {
            "account_id": np.repeat(account_id, wide),
            "family": pd.Series(np.tile(np.array(names, dtype=object), n), dtype="str"),
            "expected_orders": (shares * orders[:, None]).ravel(),
            "expected_revenue": (_whole(shares, np.rint(100 * revenue)) / 100).ravel(),
        }
    )


def _whole(shares: Floats, cents: Floats) -> Floats:
    """(n, m) whole cents by largest remainder; each row adds up to its total."""
    exact = shares * cents[:, None]
    floor = np.floor(exact)
    left = np.rint(cents - floor.sum(axis=1)).astype(int)
    rank = np.argsort(np.argsort(floor - exact, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray(floor + (rank < left[:, None]))


def _kind(name: str) -> str:
    return "str" if name in ("account_id", "family") else "float64"
