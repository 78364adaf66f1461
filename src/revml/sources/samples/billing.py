"""The `invoices` table: contracts billed ahead, orders billed as they come, paid late where money is short."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revml.sources.samples.clock import MICROSECONDS, Ints
from revml.sources.samples.draws import stream
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, days, instants, make_table


def billing_months(term: Ints, account: Ints) -> Ints:
    """How many months a contract is billed ahead."""
    out: Ints = np.where(term >= 12, np.where(account % 4 == 0, 1, 12), term)
    return out


def invoices_table(world: World, orders: pa.Table | None, seed: int) -> pa.Table:
    """All invoices; a few habitual late payers are fine customers."""
    rng = stream(seed, "invoices")
    calendar, n = world.calendar, world.accounts.size
    parts = [_contract_invoices(world)]
    if orders is not None:
        parts.append(_order_invoices(world, orders))
    account, issued, amount = (np.concatenate(column) for column in zip(*parts, strict=True))
    by = np.lexsort((amount, account, issued))
    account, issued, amount = account[by], issued[by], amount[by]
    m = len(account)
    habit = rng.gamma(1.2, 4.0, n) + 20 * (rng.random(n) < 0.08)
    month = np.clip(np.searchsorted(calendar.starts, issued, side="right") - 1, 0, calendar.months)
    short = world.history("budget")[month, account]
    due = issued + np.where(world.accounts.employees[account] > 400, 30, 14)
    lateness = np.where(rng.random(m) < 0.6, rng.normal(-3, 3, m), habit[account] * rng.exponential(1, m))
    lateness += short * rng.exponential(22, m)
    paid = np.maximum(issued + 1, np.rint(due + lateness).astype(np.int64))
    never = rng.random(m) < 0.004 + 0.02 * short
    moment = paid * MICROSECONDS + rng.integers(8, 17, m) * 3_600_000_000
    return make_table(
        "invoices",
        {
            "invoice_id": np.array([f"I{i + 1:07d}" for i in range(m)]),
            "issued_at": days(issued),
            "account_id": coded(account, world.accounts.ids),
            "amount": amount,
            "due_at": days(due),
            "paid_at": instants(moment, ~never & (paid < calendar.end)),
        },
    )


def _contract_invoices(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bills at the start of a contract and of each billing period."""
    accounts, days_, amounts = [], [], []
    everyone = np.arange(world.accounts.size)
    for t in range(world.calendar.months):
        before, after = world.contracts[t], world.contracts[t + 1]
        ahead = billing_months(after.term, everyone)
        begins = after.active & ~before.active
        day = world.calendar.starts[t] + after.day - 1
        period = before.active & (before.back == 0) & ((before.due - t) % ahead == 0) & (day < world.ends[t])
        mrr = np.where(after.active, after.mrr, before.mrr)
        who = np.flatnonzero((begins | period) & (mrr > 0))
        accounts.append(who)
        days_.append(np.maximum(day, world.accounts.created)[who])
        amounts.append(np.round(mrr[who] * ahead[who], 2))
    return np.concatenate(accounts), np.concatenate(days_), np.concatenate(amounts)


def _order_invoices(world: World, orders: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A bill for each order, a credit note for each return."""
    day = orders["ordered_at"].cast(pa.int64()).to_numpy() // MICROSECONDS
    order = orders["order_id"].combine_chunks().cast(pa.string()).dictionary_encode().indices.to_numpy()
    position = {a: i for i, a in enumerate(world.accounts.ids.tolist())}
    account = np.array([position[a] for a in orders["account_id"].to_pylist()], np.int64)
    total = np.bincount(order, orders["amount"].to_numpy())
    _, first = np.unique(order, return_index=True)
    issued = day[first] + 1
    known = issued < world.calendar.end
    return account[first][known], issued[known], np.round(total, 2)[known]
