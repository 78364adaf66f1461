"""The `tickets` table: how many, how severe, how long open, and how content the customers were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revml.sources.samples.clock import MICROSECONDS
from revml.sources.samples.draws import stream
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, filled, instants, make_table

PRIORITIES = ("low", "normal", "high", "urgent")
CATEGORIES = ("question", "bug", "outage", "access", "billing", "integration")


def tickets_table(world: World, seed: int) -> pa.Table:
    """Support cases; pain brings more of them, more severe, slower and worse rated ones."""
    rng = stream(seed, "tickets")
    calendar, n = world.calendar, world.accounts.size
    talkative = rng.gamma(1.6, 1 / 1.6, n)
    pain = world.halves("pain")
    if world.kind.orders is None:
        size = np.minimum(world.seats()[:-1], 200) ** 0.45
    else:
        size = 1.4 * np.stack([o.machines * (1 - o.closed) for o in world.orderings[:-1]]) ** 0.6 * world.served()
    budget = world.halves("budget")
    rate = 0.07 * talkative * np.repeat(size, 2, axis=0) * (0.5 + 0.9 * pain)
    half, account = np.nonzero(count := rng.poisson(rate))
    repeat = count[half, account]
    half, account = np.repeat(half, repeat), np.repeat(account, repeat)
    m, month = len(half), half // 2
    hurt, short = pain[half, account], budget[half, account]
    length = np.diff(calendar.halves)[half] * MICROSECONDS
    opened = calendar.halves[half] * MICROSECONDS + (rng.random(m) * length).astype(np.int64)
    known = world.before_end(month, account, opened // MICROSECONDS) | (world.kind.orders is not None)
    month, account, opened = month[known], account[known], opened[known]
    hurt, short = hurt[known], short[known]
    m = len(month)
    severe = rng.random(m) + 0.16 * np.minimum(hurt, 3)
    priority = np.digitize(severe, (0.3, 0.95, 1.2))
    u = rng.random(m) - 0.07 * np.minimum(hurt, 4)
    category = np.digitize(u, (-0.08, 0.3, 0.42, 0.55, 0.68))
    category = np.array([2, 1, 5, 3, 4, 0])[category]
    category = np.where((short > 0) & (rng.random(m) < 0.2), 4, category)
    hours = np.exp(rng.normal(2.6, 1.1, m) + 0.35 * np.minimum(hurt, 3) - 0.35 * (priority - 1))
    closed = opened + (hours * 3_600_000_000).astype(np.int64)
    score = np.clip(np.rint(4.5 - 0.65 * hurt + rng.normal(0, 0.9, m)), 1, 5)
    known = (closed < calendar.end * MICROSECONDS) & (rng.random(m) > 0.01)
    answered = known & (rng.random(m) < 0.38)
    order = np.lexsort((account, opened))
    ids = np.array([f"T{i + 1:07d}" for i in range(m)])
    return make_table(
        "tickets",
        {
            "ticket_id": ids,
            "opened_at": instants(opened[order]),
            "account_id": coded(account[order], world.accounts.ids),
            "closed_at": instants(closed[order], known[order]),
            "priority": coded(priority[order], PRIORITIES),
            "category": coded(category[order], CATEGORIES),
            "satisfaction": filled(score[order], answered[order]),
        },
    )
