"""The `assets` table of a machine builder, and the counts that connected machines send (`usage`)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revml.sources.samples.clock import MICROSECONDS
from revml.sources.samples.draws import stream
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, days, filled, instants, make_table

INSTALL_DAYS = 3  # a machine is in service a few days after its order


def assets_table(world: World, orders: pa.Table, seed: int) -> pa.Table:
    """Machines in service and retired ones. The oldest goes first; a machine bought with it replaces it."""
    rng = stream(seed, "assets")
    calendar, accounts, models = world.calendar, world.accounts, world.kind.machines
    names = [m.product for m in models]
    first = np.rint(world.orderings[0].machines).astype(int)
    installed: list[int] = []
    model: list[int] = []
    holder: list[int] = []
    in_service: dict[int, list[int]] = {}
    for account in range(accounts.size):
        began = int(accounts.created[account])
        for _ in range(first[account]):
            age = int(rng.integers(0, 1800)) if accounts.born[account] < 0 else 0
            in_service.setdefault(account, []).append(len(holder))
            holder.append(account)
            installed.append(max(began, int(calendar.starts[0]) - age) if accounts.born[account] < 0 else began)
            model.append(int(rng.integers(0, len(models))))
    bought = _bought(world, orders, names)
    retired = np.full(len(holder), -1, dtype=np.int64).tolist()
    replaced = np.full(len(holder), -1, dtype=np.int64).tolist()
    for t, flow in enumerate(world.flows):
        for account in np.flatnonzero((flow.bought | flow.retired) & world.here[t]).tolist():
            held = in_service.setdefault(account, [])
            new = -1
            if flow.bought[account] and (account, t) in bought:
                day, which = bought[account, t]
                if day + INSTALL_DAYS < calendar.end:
                    new = len(holder)
                    holder.append(account)
                    installed.append(day + INSTALL_DAYS)
                    model.append(which)
                    retired.append(-1)
                    replaced.append(-1)
            if flow.retired[account] and held:
                old = min(held, key=lambda a: installed[a])
                held.remove(old)
                day = int(calendar.starts[t]) + int(rng.integers(0, calendar.lengths[t]))
                day = max(day, installed[new] if new >= 0 else day, installed[old] + 1)
                if day < calendar.end:
                    retired[old], replaced[old] = day, new
            if new >= 0:
                held.append(new)
    gone = np.array(retired) >= 0
    order = np.lexsort((np.arange(len(holder)), np.array(holder), np.array(installed)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    ids = np.array([f"M{i + 1:06d}" for i in range(len(order))])
    by = np.array(replaced)
    return make_table(
        "assets",
        {
            "asset_id": ids,
            "installed_at": days(np.array(installed)[order]),
            "account_id": coded(np.array(holder)[order], accounts.ids),
            "product": coded(np.array(model)[order], names),
            "retired_at": days(np.array(retired)[order], gone[order]),
            "replaced_by": filled(ids[rank[np.maximum(by, 0)]][order], (by >= 0)[order]),
        },
    )


def _bought(world: World, orders: pa.Table, names: list[str]) -> dict[tuple[int, int], tuple[int, int]]:
    """Machine orders: (account, month) -> (day, model)."""
    position = {a: i for i, a in enumerate(world.accounts.ids.tolist())}
    which = {name: i for i, name in enumerate(names)}
    out: dict[tuple[int, int], tuple[int, int]] = {}
    rows = zip(
        orders["account_id"].to_pylist(),
        (orders["ordered_at"].cast(pa.int64()).to_numpy() // MICROSECONDS).tolist(),
        orders["product"].to_pylist(),
        orders["amount"].to_pylist(),
        strict=True,
    )
    for account, day, product, amount in rows:
        if product in which and amount > 0:
            month = int(np.searchsorted(world.calendar.starts, day, side="right")) - 1
            out[position[account], month] = (day, which[product])
    return out


def telemetry_table(world: World, seed: int, events: int) -> pa.Table:
    """About `events` rows of counts a day and account, for the accounts whose machines are connected."""
    rng = stream(seed, "telemetry")
    calendar, n = world.calendar, world.accounts.size
    connected = (rng.random(n) < 0.55) & (world.accounts.employees > 8)
    depth, closed = world.history("depth")[:-1], np.stack([o.closed for o in world.orderings[:-1]])
    machines = np.stack([o.machines for o in world.orderings[:-1]])
    here = np.stack(world.here[:-1]) & connected & (closed == 0) & (machines > 0)
    names = world.kind.usage
    keys, quantities = [], []
    shares = np.array([share for _, share, _ in names])
    per_month = events / max(here.sum(), 1)
    habit = np.exp(rng.normal(0, 0.35, n))
    for k, (_, _, mean) in enumerate(names):
        count = rng.poisson(np.minimum(per_month * shares[k] * here * np.ones_like(depth), 27))
        month, account = np.nonzero(count)
        repeat = count[month, account]
        month, account = np.repeat(month, repeat), np.repeat(account, repeat)
        day = (
            calendar.starts[month] - calendar.starts[0] + (rng.random(len(month)) * calendar.lengths[month]).astype(int)
        )
        key = np.unique((day * n + account) * len(names) + k)
        account, day = key // len(names) % n, key // len(names) // n
        month = np.searchsorted(calendar.starts, day + calendar.starts[0], side="right") - 1
        level = mean * habit[account] * np.exp(rng.normal(0, 0.2, len(key)))
        if k == 0:
            level = level * machines[month, account] * (1 - 0.35 * depth[month, account])
            quantities.append(np.round(np.maximum(level, 0.1), 1))
        else:
            quantities.append(1 + rng.poisson(level * (0.4 + 0.4 * world.history("pain")[month, account])))
        keys.append(key)
    key, quantity = np.concatenate(keys), np.concatenate(quantities)
    by = np.argsort(key, kind="stable")
    key, quantity = key[by], quantity[by]
    day = key // len(names) // n
    return make_table(
        "usage",
        {
            "account_id": coded(key // len(names) % n, world.accounts.ids),
            "occurred_at": instants((day + calendar.starts[0]) * MICROSECONDS + 22 * 3_600_000_000),
            "event": coded(key % len(names), [name for name, _, _ in names]),
            "quantity": quantity,
        },
    )
