"""Lists of one month's calls: whom a team of a given capacity would have called, and whom it would have reached.

Comes in: everyone at risk at one origin: account_id, money, label (missing where the question did not apply any more),
and a column to order by a list. Goes out: how many events, and how much money, each list holds. Among equals the larger
account comes first, whatever the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

# In the order in which they are told. `model` is by probability, `expected` by probability times money.
ListName = Literal["model", "expected", "rule", "renewal", "money", "random", "perfect"]
# The column that orders each list, and whether its largest values come first.
ORDERED: Mapping[ListName, tuple[str, bool]] = {
    "model": ("probability", True),
    "expected": ("expected", True),
    "rule": ("rule", True),
    "renewal": ("days_to_renewal", False),
    "money": ("money", True),
}


@dataclass(frozen=True)
class Reach:
    """What a list of calls reaches.

    Attributes:
        accounts: how long the list is.
        events, money: of the accounts on it to which the event came; of a random list, what is to be expected.
    """

    accounts: int
    events: float
    money: float


def order(rows: pd.DataFrame, column: str, *, largest_first: bool) -> np.ndarray:
    """The places of the rows in a list; missing values last, among equals the larger account first, then by id."""
    value = rows[column].to_numpy(dtype=float, na_value=np.nan)
    key = np.where(np.isnan(value), np.inf, -value if largest_first else value)
    ids = rows["account_id"].to_numpy(dtype=object).astype(str)
    money = rows["money"].to_numpy(dtype=float, na_value=0.0)
    return np.lexsort((ids, -money, key))


def reached(rows: pd.DataFrame, capacity: int) -> dict[ListName, Reach]:
    """What each list of `capacity` accounts reaches; a list whose column is absent or empty is left out."""
    event = rows["label"].to_numpy(dtype=float, na_value=0.0) == 1
    money = rows["money"].to_numpy(dtype=float, na_value=0.0)
    size = min(capacity, len(rows))
    found: dict[ListName, Reach] = {}
    for name, (column, largest_first) in ORDERED.items():
        if column not in rows.columns or rows[column].isna().all():
            continue
        taken = order(rows, column, largest_first=largest_first)[:size]
        found[name] = Reach(size, float(event[taken].sum()), float(money[taken][event[taken]].sum()))
    share = size / len(rows) if len(rows) else 0.0
    found["random"] = Reach(size, float(share * event.sum()), float(share * money[event].sum()))
    best = np.sort(money[event])[::-1][:size]
    found["perfect"] = Reach(size, float(len(best)), float(best.sum()))
    return found


def together(many: list[dict[ListName, Reach]]) -> dict[ListName, Reach]:
    """The sums over several origins, of the lists that every one of them has."""
    names = [name for name in many[0] if all(name in one for one in many)]
    return {
        name: Reach(
            sum(one[name].accounts for one in many),
            sum(one[name].events for one in many),
            sum(one[name].money for one in many),
        )
        for name in names
    }
