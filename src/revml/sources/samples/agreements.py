"""The `subscriptions` and `products` tables, from the log of contract terms.

A row holds while terms are constant: a renewal or a change of seats, plan or price ends it and starts another one
with the same subscription_id. Add-on modules are subscriptions of their own that renew with the core.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revml.sources.samples.billing import billing_months
from revml.sources.samples.kinds import Kind
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, days, filled, make_table

SLOTS = ("core", "first", "second")


def products_table(kind: Kind) -> pa.Table:
    """Everything the company sells."""
    listed = (*kind.plans, *kind.modules, *kind.goods, *kind.machines)
    return make_table(
        "products",
        {
            "product": [p.product for p in listed],
            "family": [p.family for p in listed],
            "tier": [p.tier for p in listed],
            "price": [p.price for p in listed],
            "margin_rate": [p.margin_rate for p in listed],
            "life_months": pa.array([p.life_months for p in listed], pa.int64()),
            "complements": pa.array([p.complements for p in listed], pa.string()),
        },
        by=("product",),
    )


def subscriptions_table(world: World) -> pa.Table:
    """All periods of constant terms that began before the data ends."""
    periods = pa.concat_tables([t for slot in range(len(SLOTS)) if (t := _slot(world, slot)).num_rows])
    # An account lost in the last month may come back in the next one: that is not known yet.
    begun = pc.less(periods["started_at"], days(np.array([world.calendar.end]))[0])
    return periods.filter(begun).sort_by([("started_at", "ascending"), ("subscription_id", "ascending")])


def _slot(world: World, slot: int) -> pa.Table:
    log, kind, calendar = world.log, world.kind, world.calendar
    mrr = np.where(log.ended, 0.0, getattr(log, SLOTS[slot]))
    n = len(mrr)
    same_before = np.r_[False, (log.account[1:] == log.account[:-1]) & (log.episode[1:] == log.episode[:-1])]
    if slot:
        # a module's row is split only by what changes it: its own price, a renewal, its end
        mrr_before = np.r_[0.0, mrr[:-1]] * same_before
        keep = (mrr != mrr_before) | ((mrr > 0) & (log.reason == "renewed"))
    else:
        keep = np.ones(n, bool)
    k = np.flatnonzero(keep)
    following = np.r_[k[1:], -1]
    joined = np.r_[(log.account[k[1:]] == log.account[k[:-1]]) & (log.episode[k[1:]] == log.episode[k[:-1]]), False]
    row = mrr[k] > 0
    k, following, joined = k[row], following[row], joined[row]
    dropped = joined & (mrr[following] == 0) & ~log.ended[following]
    reason = np.where(dropped, "module dropped", log.reason[following])
    if slot:
        codes, names, plans = 0 * log.plan[k], [kind.modules[slot - 1].product], ["module"]
    else:
        codes, names = log.plan[k], [p.product for p in kind.plans]
        plans = [name.split("-")[-1] for name in names]
    ids = [
        f"S{a + 1:05d}-{e + 1}{'abc'[slot]}"
        for a, e in zip(log.account[k].tolist(), log.episode[k].tolist(), strict=True)
    ]
    term = log.term[k]
    started, ended = log.day[k], log.day[following]
    return make_table(
        "subscriptions",
        {
            "subscription_id": ids,
            "started_at": days(started),
            "account_id": world.accounts.ids[log.account[k]],
            "product": coded(codes, names).cast(pa.string()),
            "plan": coded(codes, plans).cast(pa.string()),
            "quantity": log.seats[k],
            "mrr": mrr[k],
            "ended_at": days(ended, joined & (ended < calendar.end)),
            "renews_at": days(calendar.day(log.due[k], log.due_day[k])),
            "notice_days": np.where(term >= 12, 60, np.where(term >= 3, 30, 0)),
            "billing_months": billing_months(term, log.account[k]),
            "auto_renew": (log.account[k] % 5 != 0) | (term < 3),
            "end_reason": filled(reason, joined & (ended < calendar.end)),
        },
    )
