"""What a machine will cost: what customers paid lately, shrunken towards the list, and what this customer pays beside.

Comes in: `Installed`. Goes out: `Prices`. Currency units a machine, net of returns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from revml.clv.installed import Installed
from revml.clv.value import Floats

RECENT_MONTHS = 36
# How many machines sold weigh as much as the list, or as what is typical.
WEIGHT = 3.0


@dataclass(frozen=True)
class Prices:
    """Expected money of the next machine.

    Attributes:
        typical: of any machine bought.
        replacing: by product of the old machine, what the new one costs; `typical` where unknown.
        own: (n,) what each owner pays, as a share of what is typical.
        margin_rate: (n,) share of the money that is margin.
        spread: coefficient of variation of a purchase around what its owner usually pays.
        sold: machines that prices rest on; 0 where only the list is known.
    """

    typical: float
    replacing: dict[str, float]
    own: Floats
    margin_rate: Floats
    spread: float
    sold: int


def fit_prices(base: Installed, *, margin: float) -> Prices:
    """Prices of the last three years.

    Args:
        margin: share of the money of a machine that is margin where nothing was bought and no rate is known.
    """
    n = len(base.owners)
    recent = min(base.window, RECENT_MONTHS)
    bought = base.purchases[(base.purchases["back"] < recent) & ~base.purchases["first"]]
    machines = base.machines
    age = machines["age"].to_numpy(float)
    later = age < base.first_age[machines["account"].to_numpy(np.int64)]
    installed = machines[(age < recent) & later]
    money, count = float(bought["amount"].sum()), float(len(installed))
    listed = machines.dropna(subset=["price"]).groupby("product")["price"].first()
    whole = float(machines["price"].mean()) if len(listed) else float("nan")
    typical = money / count if count and money > 0 else (0.0 if np.isnan(whole) else whole)
    by_product = _by_product(bought, installed, listed, typical)
    rate, own, spread = _owners(bought, n, margin)
    return Prices(
        typical=typical,
        replacing=_replacing(machines, by_product, typical),
        own=own,
        margin_rate=rate,
        spread=spread,
        sold=int(count) if money > 0 else 0,
    )


def _by_product(bought: pd.DataFrame, installed: pd.DataFrame, listed: pd.Series, typical: float) -> dict[str, float]:
    """Money for one machine of each product: what was paid for those installed, and as if `WEIGHT` at list price."""
    paid, sold = bought.groupby("product")["amount"].sum(), installed.groupby("product").size()
    known = [(float(listed[p]) * float(sold[p]), float(paid.get(p, 0.0))) for p in sold.index if p in listed.index]
    asked, got = sum(a for a, _ in known), sum(g for _, g in known)
    discount = got / asked if asked > 0 and got > 0 else 1.0
    out = {}
    for product in sorted({*listed.index, *sold.index, *paid.index}):
        usual = float(listed[product]) * discount if product in listed.index else typical
        units = float(sold.get(product, 0.0))
        # orders without a machine in service, or the other way round, tell no price
        got = float(paid.get(product, 0.0)) if units and product in paid.index else units * usual
        out[product] = max((got + WEIGHT * usual) / (units + WEIGHT), 0.0)
    return out


def _replacing(machines: pd.DataFrame, by_product: dict[str, float], typical: float) -> dict[str, float]:
    """By product of the old machine: its own price to begin with, then what really took its place."""
    pairs = machines.dropna(subset=["successor"])
    worth = pairs["successor"].map(by_product).fillna(typical).to_numpy(float)
    sums = pd.Series(worth, index=pairs["product"].to_numpy(object)).groupby(level=0).agg(["sum", "size"])
    out = {}
    for product in machines["product"].unique():
        total, units = sums.loc[product] if product in sums.index else (0.0, 0.0)
        like = by_product.get(product, typical)
        out[str(product)] = float((total + WEIGHT * like) / (units + WEIGHT))
    return out


def _owners(bought: pd.DataFrame, n: int, margin: float) -> tuple[Floats, Floats, float]:
    """Margin rate and level of each owner (credibility, Bühlmann and Straub 1970), and the spread of purchases."""
    purchases = bought[bought["amount"] > 0]
    who = purchases["account"].to_numpy(np.int64)
    amount = purchases["amount"].to_numpy(float)
    count, total = np.bincount(who, minlength=n).astype(float), np.bincount(who, amount, minlength=n)
    earned = np.bincount(bought["account"].to_numpy(np.int64), bought["margin"].to_numpy(float), minlength=n)
    net = np.bincount(bought["account"].to_numpy(np.int64), bought["amount"].to_numpy(float), minlength=n)
    if amount.sum() <= 0:
        return np.full(n, margin), np.ones(n), 0.5
    mean = float(amount.sum() / len(amount))
    pooled = float(bought["margin"].sum() / bought["amount"].sum()) if bought["amount"].sum() > 0 else margin
    kept = np.maximum(net, 0.0)
    rate = (np.where(net > 0, earned, 0.0) + WEIGHT * mean * pooled) / (kept + WEIGHT * mean)
    own = np.divide(total, count, out=np.full(n, mean), where=count > 0)
    within = float(((amount - own[who]) ** 2).sum() / max(len(amount) - (count > 0).sum(), 1))
    spare = count.sum() - (count @ count) / count.sum()
    groups = float((count > 0).sum())
    between = (count @ (own - mean) ** 2 - (groups - 1) * within) / spare if spare > 0 else 0.0
    k = within / between if between > 0 else float("inf")
    level = np.ones(n) if np.isinf(k) else (total + k * mean) / ((count + k) * mean)
    repeated = len(amount) > groups
    return rate, np.asarray(level), float(np.sqrt(within) / mean) if repeated and within > 0 else 0.5
