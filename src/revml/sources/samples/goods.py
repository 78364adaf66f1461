"""The `orders` table: orders by day, split into lines by an account's taste, and what was sent back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revml.sources.samples.clock import MICROSECONDS, Floats, Ints, workload
from revml.sources.samples.draws import stream
from revml.sources.samples.ordering import ORDER_SHAPE, RETURN_SHARE, OrderDial
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, instants, make_table

HOUR = 3_600_000_000


@dataclass(frozen=True)
class _Orders:
    """Orders before they are split: moments in microseconds; `product` is -1 for a mixed order."""

    account: Ints
    month: Ints
    moment: Ints
    amount: Floats
    product: Ints


def orders_table(world: World, seed: int) -> pa.Table:
    """All order lines. The amounts of an order add up to what the latent process gave it, cent by cent."""
    rng = stream(seed, "orders")
    dial = world.kind.orders
    if dial is None:
        raise ValueError("this kind has no orders")
    usual, projects, returns = _usual(world, rng), _projects(world, dial, rng), _returns(world, rng)
    account, moment, line, product, amount, order = _lines(world, usual, rng)
    account = np.r_[account, projects.account]
    moment = np.r_[moment, projects.moment]
    line = np.r_[line, np.ones(len(projects.account), np.int64)]
    product = np.r_[product, projects.product]
    amount = np.r_[amount, projects.amount]
    order = np.r_[order, len(usual.account) + np.arange(len(projects.account))]

    # something can be sent back only by those who ordered before; it is a product of their last order
    by = np.lexsort((moment, account))
    # 2**42 milliseconds are enough for any moment, so that accounts do not mix
    key = account[by] * 2**42 + moment[by] // 1000
    place = np.searchsorted(key, returns.account * 2**42 + returns.moment // 1000) - 1
    sound = (place >= 0) & (account[by][np.maximum(place, 0)] == returns.account)
    back = by[place[sound]]
    account = np.r_[account, returns.account[sound]]
    moment = np.r_[moment, returns.moment[sound]]
    line = np.r_[line, np.ones(len(back), np.int64)]
    amount = np.r_[amount, -returns.amount[sound]]
    product = np.r_[product, product[back]]
    order = np.r_[order, order.max(initial=0) + 1 + np.arange(len(back))]

    listed = (*world.kind.goods, *world.kind.machines)
    price = np.array([p.price for p in listed])[product]
    quantity = np.maximum(1, np.rint(np.abs(amount) / (price * rng.uniform(0.82, 1.0, len(price)))))
    margin = np.array([p.margin_rate for p in listed])[product] + rng.normal(0, 0.03, len(price))
    by = np.lexsort((line, order, account, moment))
    _, number = np.unique(order[by], return_index=True)
    rank = np.empty(len(number), np.int64)
    rank[np.argsort(number, kind="stable")] = np.arange(len(number))
    codes = np.searchsorted(np.unique(order), order)
    ids = np.array([f"O{i + 1:07d}" for i in range(len(rank))])
    quantity = np.sign(amount) * quantity
    return make_table(
        "orders",
        {
            "order_id": coded(rank[codes][by], ids),
            "line": line[by],
            "ordered_at": instants(moment[by]),
            "account_id": coded(account[by], world.accounts.ids),
            "product": coded(product[by], [p.product for p in listed]),
            "quantity": quantity[by],
            "amount": amount[by],
            "cost": np.round(amount * (1 - margin), 2)[by],
        },
    )


def _spread(values: np.ndarray, counts: np.ndarray) -> tuple[Ints, Ints, Floats]:
    """One entry an occurrence: months, accounts, and the value of each."""
    month, account = np.nonzero(counts)
    times = counts[month, account]
    month, account = np.repeat(month, times), np.repeat(account, times)
    return month, account, values[month, account]


def _moments(world: World, month: Ints, rng: np.random.Generator) -> Ints:
    """Working hours of working days of the months."""
    calendar = world.calendar
    day = np.arange(calendar.starts[0], calendar.end)
    sums = np.r_[0.0, np.cumsum(workload(day))]
    lower = sums[calendar.starts[month] - day[0]]
    upper = sums[calendar.starts[month + 1] - day[0]]
    at = lower + rng.random(len(month)) * (upper - lower) * (1 - 1e-12)
    found = np.searchsorted(sums, at, side="right") - 1
    moment: Ints = day[found] * MICROSECONDS + rng.integers(6 * 3600, 18 * 3600, len(month)) * 1_000_000
    return moment


def _usual(world: World, rng: np.random.Generator) -> _Orders:
    here = np.stack(world.here[:-1])
    counts = rng.poisson(np.stack([f.orders for f in world.flows]) * here)
    month, account, mean = _spread(np.stack([f.mean for f in world.flows]), counts)
    amount = np.maximum(np.round(rng.standard_gamma(ORDER_SHAPE, len(mean)) * mean / ORDER_SHAPE, 2), 1.0)
    return _Orders(account, month, _moments(world, month, rng), amount, np.full(len(month), -1))


def _returns(world: World, rng: np.random.Generator) -> _Orders:
    here = np.stack(world.here[:-1])
    counts = rng.poisson(np.stack([f.returns for f in world.flows]) * here)
    month, account, mean = _spread(np.stack([f.mean for f in world.flows]), counts)
    amount = np.maximum(np.round(rng.standard_gamma(1.0, len(mean)) * mean * RETURN_SHARE, 2), 0.01)
    return _Orders(account, month, _moments(world, month, rng), amount, np.full(len(month), -1))


def _projects(world: World, dial: OrderDial, rng: np.random.Generator) -> _Orders:
    """Machines, or large orders of one custom product."""
    bought = np.stack([f.bought for f in world.flows]) & np.stack(world.here[:-1])
    offset = np.stack([f.buy_offset for f in world.flows])
    month, account = np.nonzero(bought)
    moment = (world.calendar.starts[month] + offset[month, account]) * MICROSECONDS
    moment += rng.integers(8, 16, len(month)) * HOUR
    mean = np.zeros(len(month)) if world.habits is None else world.habits.project[account]
    amount = np.round(rng.standard_gamma(dial.project_shape, len(month)) * mean / dial.project_shape, 2)
    goods, machines = world.kind.goods, world.kind.machines
    if machines:
        prices = np.array([p.price for p in machines])
        product = len(goods) + np.abs(np.log(prices[None, :] / np.maximum(amount, 1)[:, None])).argmin(axis=1)
    else:
        dear = np.argsort([-p.price for p in goods])[:4]
        product = dear[rng.integers(0, len(dear), len(month))]
    return _Orders(account, month, moment, np.maximum(amount, 1.0), product.astype(np.int64))


def _lines(world: World, orders: _Orders, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints, Floats, Ints]:
    """Split orders into lines; an account that slides away buys fewer and fewer of its products."""
    goods, n = len(world.kind.goods), world.accounts.size
    taste = rng.gamma(0.35, size=(n, goods)) + 1e-6
    holds = 0.25 + 0.9 * rng.random((n, goods))
    best = taste.argmax(axis=1)
    depth = world.history("depth")
    most = np.minimum(1 + rng.poisson(1.4, len(orders.account)), 8)
    most = np.minimum(most, np.maximum(orders.amount // 1, 1).astype(np.int64))
    order = np.repeat(np.arange(len(most)), most)
    line = np.arange(len(order)) - np.repeat(np.cumsum(most) - most, most) + 1
    account = orders.account[order]
    edges = np.cumsum(taste / taste.sum(axis=1, keepdims=True), axis=1)
    product = np.zeros(len(order), np.int64)
    u = rng.random(len(order))
    for k in range(goods - 1):
        product += u > edges[account, k]
    product = np.where(holds[account, product] > depth[orders.month[order], account], product, best[account])
    part = rng.gamma(1.5, size=len(order)) + 0.05
    share = part / np.bincount(order, part, minlength=len(most))[order]
    cents = np.floor(share * np.rint(orders.amount[order] * 100))
    first = line == 1
    rest = np.rint(orders.amount * 100) - np.bincount(order, cents, minlength=len(most))
    cents[first] += rest[order[first]]
    keep = cents > 0
    return account[keep], orders.moment[order][keep], line[keep], product[keep], (cents / 100)[keep], order[keep]
