"""What a machine will cost: what customers paid lately, shrunken towards the list, and what this customer pays beside.

Comes in: `Installed`. Goes out: `Prices`. Currency units a machine, net of returns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.durables.installed import Installed
from revml.clv.value import Floats

RECENT_MONTHS = 36
# How many machines sold weigh as much as the list, or as what is typical.
WEIGHT = 3.0
USUAL_SPREAD = 0.5


@dataclass(frozen=True)
class Prices:
    """Expected money of the next machine.

    Attributes:
        typical: of a machine that an owner of whom nothing else is known buys.
        replacing: by product of the old machine, what the new one costs such an owner; `typical` where unknown.
        spent, bought: (n,) money and purchases of each owner.
        own_weight: how many purchases of its own weigh as much as what is typical; infinite where owners are alike.
        margin_rate: (n,) share of the money that is margin.
        spread: coefficient of variation of a purchase around what its owner usually pays.
        sold: machines that prices rest on; 0 where only the list is known.
    """

    typical: float
    replacing: dict[str, float]
    spent: Floats
    bought: Floats
    own_weight: float
    margin_rate: Floats
    spread: float
    sold: int

    def of(self, owners: npt.NDArray[np.int64], usual: npt.ArrayLike) -> Floats:
        """What a machine costs owners (rows) whose like pay `usual`: a weighting of that with what they paid."""
        if np.isinf(self.own_weight):
            return np.asarray(np.broadcast_to(usual, len(owners)), dtype=np.float64)
        k = self.own_weight
        return np.asarray((self.spent[owners] + k * np.asarray(usual)) / (self.bought[owners] + k))


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
    sold = count > 0 and money > 0
    a_machine = money / count if sold else (0.0 if np.isnan(whole) else whole)
    owners = _owners(bought, n, margin)
    # of those who buy often, prices tell more than of the others; an order may be of several machines
    lower = owners.mean / owners.a_purchase if sold else 1.0
    scale = a_machine / owners.a_purchase if sold else 1.0
    replacing = _replacing(machines, _by_product(bought, installed, listed, a_machine), a_machine)
    return Prices(
        typical=a_machine * lower,
        replacing={product: price * lower for product, price in replacing.items()},
        spent=owners.spent * scale,
        bought=owners.bought,
        own_weight=owners.weight,
        margin_rate=owners.margin_rate,
        spread=owners.spread,
        sold=int(count) if sold else 0,
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


@dataclass(frozen=True)
class _Owners:
    """What owners paid: `mean` weighs them by how much they tell, `a_purchase` every purchase alike."""

    spent: Floats
    bought: Floats
    mean: float
    a_purchase: float
    weight: float
    margin_rate: Floats
    spread: float


def _owners(bought: pd.DataFrame, n: int, margin: float) -> _Owners:
    """Levels and margins of owners by credibility (Bühlmann and Straub 1970), and the spread of purchases."""
    purchases = bought[bought["amount"] > 0]
    who = purchases["account"].to_numpy(np.int64)
    amount = purchases["amount"].to_numpy(float)
    count: Floats = np.bincount(who, minlength=n).astype(np.float64)
    spent: Floats = np.bincount(who, amount, minlength=n).astype(np.float64)
    if not len(amount):
        return _Owners(spent, count, 0.0, 0.0, float("inf"), np.full(n, margin), USUAL_SPREAD)
    mean = float(amount.mean())
    own = np.divide(spent, count, out=np.full(n, mean), where=count > 0)
    groups = float((count > 0).sum())
    within = float(((amount - own[who]) ** 2).sum() / max(len(amount) - groups, 1))
    spare = count.sum() - (count @ count) / count.sum()
    between = (count @ (own - mean) ** 2 - (groups - 1) * within) / spare if spare > 0 else 0.0
    weight = within / between if between > 0 else float("inf")
    if len(amount) == groups:
        weight = float("inf")
    trust = np.zeros(n) if np.isinf(weight) else count / (count + weight)
    earned = np.bincount(bought["account"].to_numpy(np.int64), bought["margin"].to_numpy(float), minlength=n)
    net = np.bincount(bought["account"].to_numpy(np.int64), bought["amount"].to_numpy(float), minlength=n)
    pooled = float(earned.sum() / net.sum()) if net.sum() > 0 else margin
    return _Owners(
        spent=spent,
        bought=count,
        mean=float(trust @ own / trust.sum()) if trust.sum() > 0 else mean,
        a_purchase=mean,
        weight=weight,
        # who sent back more than it bought tells nothing about margins
        margin_rate=(np.where(net > 0, earned, 0.0) + WEIGHT * mean * pooled) / (np.maximum(net, 0.0) + WEIGHT * mean),
        spread=float(np.sqrt(within) / mean) if len(amount) > groups and within > 0 else USUAL_SPREAD,
    )
