"""The installed base as it was known at an instant: machines, who owns them, what owners bought and paid.

Comes in: facts and `as_of`. Goes out: plain frames and matrices by account and month; month b back is
`(as_of - (b + 1) months, as_of - b months]`. A machine is an asset of a durable product (`relations.is_durable`). Its
retirement, and what replaced it, are known once it has retired.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.relations import is_durable
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

# A machine installed this near to another one's retirement took its place, where nothing names its successor.
SUCCESSION_DAYS = 90
# Rates are of the last five years at most: fleets of ten years ago were bought from another company.
MAX_WINDOW_MONTHS = 60
# An owner is in touch while a contract runs, or within a year of an order of anything.
TOUCH_MONTHS = 12
# Who has been out of touch for a year more comes back more rarely.
LONG_SILENT = 13

_MACHINES = """
WITH known AS (
  SELECT a.account_id, a.asset_id, a.product, a.installed_at,
    CASE WHEN a.retired_at <= $as_of THEN a.retired_at END AS retired_at,
    CASE WHEN a.retired_at <= $as_of THEN a.replaced_by END AS replaced_by,
    coalesce('family ' || p.family, 'product ' || a.product) AS kin, coalesce(p.family, a.product) AS family,
    p.life_months, p.price
  FROM assets AS a
  JOIN (SELECT product, any_value(family) AS family, any_value(life_months) AS life_months, any_value(price) AS price
        FROM products WHERE known_at <= $as_of GROUP BY product) AS p ON p.product = a.product
  WHERE a.known_at <= $as_of AND a.installed_at <= $as_of AND {durable}
),
successors AS (
  SELECT o.asset_id, first(n.asset_id ORDER BY n.installed_at, n.asset_id) AS successor
  FROM known AS o JOIN known AS n
    ON n.account_id = o.account_id AND n.asset_id <> o.asset_id AND n.installed_at > o.installed_at
   AND (n.asset_id = o.replaced_by
        OR (o.replaced_by IS NULL AND n.kin = o.kin
            AND n.installed_at BETWEEN o.retired_at - INTERVAL {days} DAY AND o.retired_at + INTERVAL {days} DAY))
  WHERE o.retired_at IS NOT NULL GROUP BY o.asset_id
)
SELECT k.account_id, k.asset_id, k.product, k.family, k.life_months, k.price,
  (epoch($as_of::TIMESTAMP) - epoch(k.installed_at)) / {month} AS age,
  (epoch($as_of::TIMESTAMP) - epoch(k.retired_at)) / {month} AS retired_back,
  n.product AS successor,
  k.asset_id IN (SELECT successor FROM successors) AS succeeds
FROM known AS k LEFT JOIN successors AS s ON s.asset_id = k.asset_id LEFT JOIN known AS n ON n.asset_id = s.successor
ORDER BY k.account_id, k.asset_id"""

# One row an account and day on which durables were bought or sent back.
_PURCHASES = """
SELECT o.account_id, o.product, CAST(o.ordered_at AS DATE) AS day,
  sum(o.amount ORDER BY o.ordered_at, o.amount) AS amount,
  sum(CASE WHEN o.cost IS NOT NULL THEN o.amount - o.cost
           ELSE o.amount * coalesce(m.margin_rate, $margin) END ORDER BY o.ordered_at, o.amount) AS margin,
  (epoch($as_of::TIMESTAMP) - epoch(min(o.ordered_at))) / {month} AS back
FROM orders AS o LEFT JOIN (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product) AS m
  ON m.product = o.product
WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {durable}
GROUP BY o.account_id, o.product, CAST(o.ordered_at AS DATE)
ORDER BY o.account_id, day, o.product"""

_ORDER_MONTHS = """
SELECT account_id, CAST(floor((epoch($as_of::TIMESTAMP) - epoch(ordered_at)) / {month}) AS INTEGER) AS back,
  sum(CASE WHEN {durable} THEN 0 ELSE amount END ORDER BY ordered_at, amount) AS parts,
  count(*) FILTER (amount > 0) AS lines
FROM orders AS o WHERE known_at <= $as_of AND ordered_at <= $as_of GROUP BY 1, 2 ORDER BY 1, 2"""

_CONTRACTS = """
SELECT account_id, (epoch($as_of::TIMESTAMP) - epoch(started_at)) / {month} AS began,
  (epoch($as_of::TIMESTAMP) - epoch(CASE WHEN ended_at <= $as_of THEN ended_at END)) / {month} AS ended
FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of ORDER BY 1, 2"""


@dataclass(frozen=True)
class Installed:
    """What is known of machines and their owners; every month is counted back from `as_of`.

    Attributes:
        machines: one row a machine ever owned: account (row in `owners`), product, family, life_months, price (list,
            may be NaN), age (months since it was installed), retired_back (months since it retired, NaN in service),
            successor (product of what replaced it, None where nothing did), succeeds (whether it replaced another).
        owners: (n,) accounts that ever owned a machine or ordered one, sorted.
        purchases: account, product, amount, margin, back (months), first (whether it is how the account came to own
            its first machine); one row an account, product and day, returns netted.
        in_touch: (n, window + 1) at b months back.
        in_service: (n, window + 1) machines at b months back.
        parts: (n,) net money of other orders in the last twelve months.
        under_contract: (n,) whether a contract runs now.
        window: months of history that rates are learnt from.
        told: of those, the latest ones before which a year of orders is known, so that silence can be told.
    """

    machines: pd.DataFrame
    owners: npt.NDArray[np.object_]
    purchases: pd.DataFrame
    in_touch: Bools
    in_service: Floats
    parts: Floats
    under_contract: Bools
    window: int
    told: int

    @cached_property
    def standing(self) -> pd.DataFrame:
        """The machines that are in service."""
        return self.machines[self.machines["retired_back"].isna()].reset_index(drop=True)

    @cached_property
    def silence(self) -> Codes:
        """(n, window + 1) months since the owner fell out of touch: 0 in touch, at most `LONG_SILENT`."""
        out = np.zeros(self.in_touch.shape, dtype=np.int64)
        last = np.full(len(self.owners), LONG_SILENT, dtype=np.int64)
        for b in range(self.window, -1, -1):
            last = np.where(self.in_touch[:, b], 0, np.minimum(last + 1, LONG_SILENT))
            out[:, b] = last
        return out

    @cached_property
    def seen_before(self) -> Bools:
        """(n, window + 1) whether the owner was in touch at some time of the window until then."""
        return np.asarray(np.logical_or.accumulate(self.in_touch[:, ::-1], axis=1)[:, ::-1])

    @cached_property
    def first_age(self) -> Floats:
        """(n,) months since each owner's first machine was installed, NaN where none is."""
        out = np.full(len(self.owners), np.nan)
        oldest = self.machines.groupby("account")["age"].max()
        out[oldest.index.to_numpy(int)] = oldest.to_numpy(float)
        return out


def installed_base(facts: Facts, as_of: datetime, *, margin: float) -> Installed | None:
    """The installed base at `as_of`; None where nobody is known to own or to have ordered a durable.

    Args:
        margin: share of an order line that is margin where neither the line has a cost nor its product a rate.
    """
    if (durable := is_durable(facts, "o.product")) == "false":
        return None
    machines = _read(facts, _MACHINES, as_of, durable=is_durable(facts, "a.product"), days=SUCCESSION_DAYS)
    bought = _read(facts, _PURCHASES, as_of, durable=durable, values={"margin": margin})
    owners = np.array(sorted({*machines["account_id"], *bought["account_id"]}), dtype=object)
    if not len(owners):
        return None
    row = {account: i for i, account in enumerate(owners)}
    machines["account"] = machines["account_id"].map(row).astype(np.int64)
    bought["account"] = bought["account_id"].map(row).astype(np.int64)
    ordered = _of_owners(_read(facts, _ORDER_MONTHS, as_of, durable=durable), row)
    contracts = _of_owners(_read(facts, _CONTRACTS, as_of), row)
    window, told = _window(machines, ordered)
    oldest = machines.groupby("account")["age"].max().reindex(np.arange(len(owners))).to_numpy(float)
    # the first purchase comes before the first machine is in service
    earliest = bought.groupby("account")["back"].transform("max").to_numpy(float)
    back = bought["back"].to_numpy(float)
    bought["first"] = (back >= np.nan_to_num(oldest, nan=-1.0)[bought["account"]]) & (back >= earliest)
    touch = _in_touch(ordered, contracts, len(owners), window)
    recent = ordered[ordered["back"] < 12]
    parts: Floats = np.bincount(recent["account"], recent["parts"].to_numpy(float), minlength=len(owners)).astype(
        np.float64
    )
    now = contracts["ended"].isna().to_numpy(bool)
    return Installed(
        machines=machines,
        owners=owners,
        purchases=bought,
        in_touch=touch,
        in_service=_in_service(machines, len(owners), window),
        parts=parts,
        under_contract=np.bincount(contracts["account"].to_numpy(int)[now], minlength=len(owners)) > 0,
        window=window,
        told=told,
    )


def _read(
    facts: Facts, sql: str, as_of: datetime, *, values: dict[str, object] | None = None, **parts: object
) -> pd.DataFrame:
    text = sql.format(month=MONTH_SECONDS, **parts)
    frame: pd.DataFrame = facts.con.cursor().execute(text, {"as_of": as_of, **(values or {})}).df()
    return frame


def _of_owners(frame: pd.DataFrame, row: dict[str, int]) -> pd.DataFrame:
    account = frame["account_id"].map(row)
    return frame[account.notna()].assign(account=account[account.notna()].astype(np.int64)).reset_index(drop=True)


def _window(machines: pd.DataFrame, ordered: pd.DataFrame) -> tuple[int, int]:
    """`window` and `told`: how many months back events were recorded, from the first order or else retirement.

    The first year tells who is in touch from then on, and is itself left out where another year follows.
    """
    first = ordered["back"].max() if len(ordered) else machines["retired_back"].max()
    recorded = 0 if pd.isna(first) else int(np.floor(first))
    window = int(np.clip(recorded - TOUCH_MONTHS, min(recorded, TOUCH_MONTHS), MAX_WINDOW_MONTHS))
    return window, int(np.clip(recorded - TOUCH_MONTHS, 0, window))


def _in_touch(ordered: pd.DataFrame, contracts: pd.DataFrame, n: int, window: int) -> Bools:
    width = window + 1
    some = ordered[ordered["lines"] > 0]
    last = some["back"].to_numpy(int)
    marks = np.zeros((n, width + 1))
    # an order of month b back is within a year of the instants max(b - 11, 0) .. b months back
    _span(marks, some["account"].to_numpy(int), last - TOUCH_MONTHS + 1, last)
    ended = np.floor(contracts["ended"].fillna(-1.0).to_numpy(float)).astype(int) + 1
    _span(marks, contracts["account"].to_numpy(int), ended, np.floor(contracts["began"].to_numpy(float)).astype(int))
    return np.asarray(np.cumsum(marks, axis=1)[:, :width] > 0)


def _in_service(machines: pd.DataFrame, n: int, window: int) -> Floats:
    marks = np.zeros((n, window + 2))
    gone = np.floor(machines["retired_back"].fillna(-1.0).to_numpy(float)).astype(int) + 1
    _span(marks, machines["account"].to_numpy(int), gone, np.floor(machines["age"].to_numpy(float)).astype(int))
    return np.asarray(np.cumsum(marks, axis=1)[:, : window + 1])


def _span(marks: Floats, rows: Codes, low: Codes, high: Codes) -> None:
    """Mark `low .. high` (inclusive, cut to the matrix) in each row, as differences."""
    last = marks.shape[1] - 1
    low, high = np.maximum(low, 0), np.minimum(high, last - 1)
    kept = low <= high
    np.add.at(marks, (rows[kept], low[kept]), 1.0)
    np.add.at(marks, (rows[kept], high[kept] + 1), -1.0)
