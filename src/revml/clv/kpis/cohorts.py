"""Cohorts: of the accounts that began together, how many are still there, and what they pay, by age.

Comes in: facts and `as_of`. Goes out: tables with a row a cohort and a column an age, and the curve over all cohorts.
Contracts: age k is the end of the k-th calendar month after the month of the first payment, so that the cells of a
month are that month's MRR. Orders: age j is the j-th calendar quarter after that of the first purchase. A cell that has
not fully passed for everyone in the cohort is empty, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from revml.clv.kpis.movements import INSTANT, movements_between
from revml.clv.value import Floats
from revml.sources.facts import Facts
from revml.windows import month_starts

Step = Literal["month", "quarter"]
MAX_MONTHS = 36
FEW_MONTHS = 12  # below, cohorts are months
EARLIER = "earlier"

_FIRST_PAID = """
SELECT account_id, min(started_at) AS at FROM subscriptions
WHERE known_at <= $as_of AND started_at <= $as_of AND mrr > 0
  AND coalesce(CASE WHEN ended_at <= $as_of THEN ended_at END, TIMESTAMP '9999-12-31') > started_at
GROUP BY account_id ORDER BY account_id"""

_ORDERED = """
WITH days AS (
  SELECT account_id, CAST(ordered_at AS DATE) AS day FROM orders
  WHERE known_at <= $as_of AND ordered_at < $until GROUP BY ALL HAVING sum(amount) > 0
),
quarters AS (SELECT DISTINCT account_id, 4 * year(day) + quarter(day) - 1 AS q FROM days),
firsts AS (SELECT account_id, min(q) AS began FROM quarters GROUP BY account_id)
SELECT f.began, q.q - f.began AS age, count(*) AS accounts
FROM quarters AS q JOIN firsts AS f ON f.account_id = q.account_id GROUP BY 1, 2 ORDER BY 1, 2"""


@dataclass(frozen=True)
class Cohorts:
    """A table of cohorts.

    Attributes:
        step: what a cohort is: accounts that began in the same quarter or month.
        names: (c,) oldest first: `2025 Q1`, or `2025-03`.
        accounts: (c,) how many began.
        money: (c,) the MRR with which they began (cents, at the end of their first month); empty for orders.
        retention: (c, ages) share of the accounts that is there; NaN where the age has not passed.
        revenue: (c, ages) their MRR as a share of `money`; NaN likewise; no column for orders.
    """

    step: Step
    names: tuple[str, ...]
    accounts: tuple[int, ...]
    money: tuple[int, ...]
    retention: Floats
    revenue: Floats

    def curve(self, cells: Floats, weights: tuple[int, ...]) -> list[float | None]:
        """The cohorts together by age, each age over the cohorts that have reached it."""
        weight = np.asarray(weights, dtype=float)[:, None] * ~np.isnan(cells)
        total = weight.sum(axis=0)
        above = np.where(np.isnan(cells), 0.0, cells * weight).sum(axis=0)
        return [float(a / t) if t > 0 else None for a, t in zip(above, total, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """For a document: rows with empty cells as null, and the curves."""
        rows = [
            {
                "cohort": name,
                "accounts": self.accounts[i],
                "mrr": self.money[i] / 100 if self.money else None,
                "retention": _plain(self.retention[i]),
                "revenue": _plain(self.revenue[i]),
            }
            for i, name in enumerate(self.names)
        ]
        curves = {
            "retention": self.curve(self.retention, self.accounts),
            "revenue": self.curve(self.revenue, self.money) if self.money else [],
        }
        return {"step": self.step, "rows": rows, **curves}


def contract_cohorts(facts: Facts, as_of: datetime, *, months: int = MAX_MONTHS, step: Step | None = None) -> Cohorts:
    """Accounts by their first payment of a contract, with the share still paying and the MRR kept, by month.

    Args:
        months: how far back cohorts begin, in calendar months that are over.
        step: quarters, or months; left out, what the length of the history allows.
    """
    first: pd.DataFrame = facts.con.cursor().execute(_FIRST_PAID, {"as_of": as_of}).df()
    over = month_starts(datetime(max(as_of.year - months // 12 - 2, 1), 1, 1), as_of)[-months - 1 :]  # noqa: DTZ001
    over = [at for at in over if len(first) and at >= pd.Timestamp(first["at"].min()).to_period("M").start_time]
    if len(over) < 2:
        return _none(step or "quarter")
    step = step or ("month" if len(over) - 1 < FEW_MONTHS else "quarter")
    labels = [f"{at:%Y-%m}" for at in over[:-1]]
    began = first["at"].dt.strftime("%Y-%m")
    segments = first[["account_id"]].assign(segment=began.where(began >= labels[0], EARLIER))
    spans = list(pairwise(at - INSTANT for at in over))
    moved = movements_between(facts, as_of, spans, segments=segments)
    moved["month"] = moved["ended"].dt.strftime("%Y-%m")
    money, paying = (_square(moved, name, labels) for name in ("end", "paying"))
    sizes = began.value_counts()
    groups = _groups(over[:-1], step)
    n = len(labels)
    names, accounts, base = [], [], []
    retention, revenue = np.full((len(groups), n), np.nan), np.full((len(groups), n), np.nan)
    for i, (name, members, ages) in enumerate(groups):
        kept, paid = ([float(sum(table[c, c + k] for c in members)) for k in range(ages)] for table in (paying, money))
        names.append(name)
        accounts.append(sum(int(sizes.get(labels[c], 0)) for c in members))
        base.append(round(paid[0]))
        retention[i, :ages] = np.divide(kept, accounts[-1]) if accounts[-1] else np.nan
        revenue[i, :ages] = np.divide(paid, base[-1]) if base[-1] else np.nan
    return _shortened(Cohorts(step, tuple(names), tuple(accounts), tuple(base), retention, revenue))


def order_cohorts(facts: Facts, as_of: datetime, *, months: int = MAX_MONTHS) -> Cohorts:
    """Accounts by the quarter of their first purchase, with the share that buys in each later quarter that is over."""
    month = 3 * ((as_of.month - 1) // 3) + 1
    until = datetime(as_of.year, month, 1)  # noqa: DTZ001 - naive means UTC in revml
    now = 4 * until.year + (until.month - 1) // 3
    found: pd.DataFrame = facts.con.cursor().execute(_ORDERED, {"as_of": as_of, "until": until}).df()
    if found.empty:
        return _none("quarter")
    begun = range(max(int(found["began"].min()), now - months // 3), now)
    cells = found.pivot_table("accounts", "began", "age", aggfunc="sum").reindex(index=begun, columns=range(len(begun)))
    counts = cells.fillna(0).to_numpy(float)
    sizes = counts[:, 0]
    ages = np.arange(len(begun))
    reached = ages[None, :] < (now - np.asarray(begun))[:, None]
    shares = np.divide(counts, sizes[:, None], out=np.full_like(counts, np.nan), where=sizes[:, None] > 0)
    names = tuple(f"{q // 4} Q{q % 4 + 1}" for q in begun)
    retention = np.where(reached, shares, np.nan)
    return _shortened(Cohorts("quarter", names, tuple(int(n) for n in sizes), (), retention, np.empty((len(names), 0))))


def _groups(months: list[datetime], step: Step) -> list[tuple[str, list[int], int]]:
    """Name, positions of its months, and how many ages have passed for all of them; a cohort not over yet is none."""
    if step == "month":
        return [(f"{at:%Y-%m}", [i], len(months) - i) for i, at in enumerate(months)]
    quarters: dict[str, list[int]] = {}
    for i, at in enumerate(months):
        quarters.setdefault(f"{at.year} Q{(at.month - 1) // 3 + 1}", []).append(i)
    last = months[-1]
    after = last + timedelta(days=31)
    over = [(name, members, len(months) - members[-1]) for name, members in quarters.items()]
    return over if (after.month - 1) % 3 == 0 else over[:-1]


def _square(moved: pd.DataFrame, name: str, labels: list[str]) -> Floats:
    """A column of movements by cohort and month; 0 where nobody is."""
    table = moved.pivot_table(name, "segment", "month", aggfunc="sum").reindex(index=labels, columns=labels)
    return np.asarray(table.fillna(0).to_numpy(dtype=float))


def _shortened(made: Cohorts) -> Cohorts:
    """Without cohorts that nobody began."""
    kept = [i for i, n in enumerate(made.accounts) if n]
    return Cohorts(
        made.step,
        tuple(made.names[i] for i in kept),
        tuple(made.accounts[i] for i in kept),
        tuple(made.money[i] for i in kept) if made.money else (),
        made.retention[kept],
        made.revenue[kept],
    )


def _none(step: Step) -> Cohorts:
    return Cohorts(step, (), (), (), np.empty((0, 0)), np.empty((0, 0)))


def _plain(cells: Floats) -> list[float | None]:
    return [None if np.isnan(cell) else float(cell) for cell in cells]
