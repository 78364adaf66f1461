"""The `touches`, `opportunities`, `actions` and `account_history` tables: what the company's people did.

An opportunity moves on only while its latent deal is open, so that its stage tells about the past and never about the
end.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revml.sources.samples.clock import MICROSECONDS, Ints
from revml.sources.samples.draws import stream
from revml.sources.samples.people import owner_name
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, days, filled, instants, make_table

TOUCHES = (
    # channel, kind, direction, monthly rate
    ("email", "newsletter", "outbound", 0.55),
    ("email", "check-in", "outbound", 0.25),
    ("email", "question", "inbound", 0.22),
    ("call", "check-in", "outbound", 0.16),
    ("call", "question", "inbound", 0.07),
    ("meeting", "business review", "outbound", 0.07),
    ("event", "webinar", "inbound", 0.05),
)
STAGES = ("discovery", "proposal", "negotiation", "renewal", "won", "lost")
PLAYS = ("adoption workshop", "executive call", "training", "upsell offer")


def touches_table(world: World, seed: int) -> pa.Table:
    """Contacts: routine ones, more to the large and to those in trouble, fewer inbound ones where interest fades."""
    rng = stream(seed, "touches")
    served = world.served()
    calendar, accounts = world.calendar, world.accounts
    depth, pain, deal, champion, mood = (world.halves(name) for name in ("depth", "pain", "deal", "champion", "mood"))
    size = np.clip((accounts.employees / 60) ** 0.25, 0.4, 3)
    caring = np.exp(rng.normal(0, 0.5, accounts.owners))[accounts.owner]
    out: list[tuple[Ints, Ints, Ints]] = []
    for number, (channel, kind, direction, rate) in enumerate(TOUCHES):
        pull = rate / 2 * np.repeat(served, 2, axis=0) * np.ones_like(depth)
        if kind == "newsletter":
            pull = pull * (1 + 0 * size)
        elif direction == "inbound":
            pull = (
                pull * size * np.exp(0.3 * mood) * (1 - 0.6 * depth) * (0.5 + 0.5 * champion) * (1 + 0.2 * pain + deal)
            )
        else:
            pull = pull * size * caring * (1 + 0.5 * depth + 0.2 * pain + 1.2 * deal * (channel != "event"))
        half, account = np.nonzero(count := rng.poisson(pull))
        repeat = count[half, account]
        out.append((np.repeat(half, repeat), np.repeat(account, repeat), np.full(repeat.sum(), number)))
    half, account, code = (np.concatenate(column) for column in zip(*out, strict=True))
    day = calendar.halves[half] + (rng.random(len(half)) * np.diff(calendar.halves)[half]).astype(np.int64)
    moment = day * MICROSECONDS + rng.integers(7 * 3600, 17 * 3600, len(half)) * 1_000_000
    by = np.lexsort((code, account, moment))
    account, code = account[by], code[by]
    owner = np.where(rng.random(len(by)) < 0.93, accounts.owner[account], rng.integers(0, accounts.owners, len(by)))
    return make_table(
        "touches",
        {
            "account_id": coded(account, accounts.ids),
            "occurred_at": instants(moment[by]),
            "channel": pa.array(np.array([t[0] for t in TOUCHES])[code]),
            "kind": pa.array(np.array([t[1] for t in TOUCHES])[code]),
            "direction": pa.array(np.array([t[2] for t in TOUCHES])[code]),
            "owner": filled(np.array([owner_name(o) for o in range(accounts.owners)])[owner], code > 0),
        },
    )


def opportunities_table(world: World, seed: int) -> pa.Table:
    """Deals for more, stage by stage, and renewals that are on the table; both begin in the month before they show."""
    rng = stream(seed, "opportunities")
    rows = _deals(world, world.served(), rng)
    if world.kind.contracts:
        rows += _renewals(world, rng)
    rows.sort(key=lambda r: (r[2], r[1], r[5]))
    numbers: dict[tuple[str, int, int], int] = {}
    for row in rows:
        numbers.setdefault(row[0], len(numbers) + 1)
    accounts, end = world.accounts, world.calendar.end
    left = np.array([-1 if row[3] is None or row[3] >= end else row[3] for row in rows], np.int64)
    return make_table(
        "opportunities",
        {
            "opportunity_id": [f"D{numbers[row[0]]:06d}" for row in rows],
            "stage": [row[5] for row in rows],
            "entered_at": days(np.array([row[2] for row in rows], np.int64)),
            "account_id": accounts.ids[np.array([row[1] for row in rows], np.int64)],
            "left_at": days(left, left >= 0),
            "amount": np.array([row[4] for row in rows], float),
            "owner": [owner_name(int(accounts.owner[row[1]])) for row in rows],
        },
    )


# (identity, account, entered, left, amount, stage)
_Row = tuple[tuple[str, int, int], int, int, "int | None", float, str]


def _deals(world: World, served: np.ndarray, rng: np.random.Generator) -> list[_Row]:
    calendar = world.calendar
    open_ = (world.history("deal")[:-1] > 0) & served
    won = np.stack(world.won) & open_
    won_day = np.stack(world.won_day)
    noticed = rng.random(world.accounts.size) < 0.85  # some account managers write nothing down
    rows: list[_Row] = []
    for account in np.flatnonzero(open_.any(axis=0) & noticed).tolist():
        months = np.flatnonzero(open_[:, account]).tolist()
        begun = -1
        for position, t in enumerate(months):
            start = int(calendar.starts[t])
            written = int(calendar.starts[t - 1]) + int(rng.integers(10, 28)) if t else start + int(rng.integers(1, 8))
            written = max(written, int(world.accounts.created[account]))
            if begun < 0:
                begun, stage_day, stages = t, written, [0]
                amount = round(float(_worth(world, t, account) * np.exp(rng.normal(-1.2, 0.5))), 0)
                entered = [stage_day]
            elif len(stages) < 3 and rng.random() < 0.6:
                stages.append(len(stages))
                entered.append(max(written, entered[-1] + 1))
            following = months[position + 1] if position + 1 < len(months) else -1
            closed = bool(won[t, account])
            goes_on = following == t + 1 and not closed
            still_open = t == calendar.months - 1 and not closed and world.history("deal")[t + 1, account] > 0
            if goes_on:
                continue
            last = int(won_day[t, account]) if closed else start + int(rng.integers(9, 28))
            last = max(last, entered[-1])
            name = ("deal", account, begun)
            for k, stage in enumerate(stages):
                until = entered[k + 1] if k + 1 < len(stages) else (None if still_open else last)
                rows.append((name, account, entered[k], until, amount, STAGES[stage]))
            if not still_open:
                rows.append((name, account, last, None, amount, "won" if closed else "lost"))
            begun = -1
    return [row for row in rows if row[2] < calendar.end]


def _worth(world: World, t: int, account: int) -> float:
    """About what a deal is worth in a year."""
    if world.kind.orders is not None and world.habits is not None:
        return float(world.habits.project[account])
    return float(world.contracts[t].mrr[account]) * 12


def _renewals(world: World, rng: np.random.Generator) -> list[_Row]:
    """A renewal opportunity for each offer made to a contract of at least three months, for most of them."""
    calendar = world.calendar
    rows: list[_Row] = []
    for t in range(1, calendar.months + 1):
        before, now = world.contracts[t - 1], world.contracts[t]
        offered = now.active & (now.offer >= 0) & (before.offer < 0) & (now.term >= 3)
        for account in np.flatnonzero(offered & (rng.random(len(offered)) < 0.8)).tolist():
            entered = int(calendar.starts[t - 1]) + int(rng.integers(3, 25))
            due = int(calendar.day(now.due[account : account + 1], now.day[account : account + 1])[0])
            amount = round(float(now.mrr[account] * 12 * (1 + now.offer[account])), 0)
            name = ("renewal", account, t)
            month = int(now.due[account])
            gone = [s for s in range(t, min(month + 1, calendar.months)) if not world.contracts[s + 1].active[account]]
            decided = due if not gone or gone[0] == month else int(calendar.starts[gone[0] + 1]) - 1
            rows.append((name, account, entered, decided, amount, "renewal"))
            rows.append((name, account, decided, None, amount, "lost" if gone else "won"))
    return [row for row in rows if row[2] < calendar.end]


def actions_table(world: World, seed: int) -> pa.Table:
    """Plays of customer success: those that helped, as the latent process says, and hold-outs that nobody called."""
    rng = stream(seed, "actions")
    served = world.served()
    calendar = world.calendar
    helped = (world.history("helped") > 0)[:-1]
    started = helped & ~np.vstack([np.zeros((1, helped.shape[1]), bool), helped[:-1]]) & served
    depth = world.history("depth")[:-1]
    held = (rng.random(helped.shape) < 0.25 * (0.015 + 0.13 * depth)) & served & ~helped
    offers = (rng.random(helped.shape) < 0.008) & served & ~held & ~started
    month, account = np.nonzero(started | held | offers)
    holdout = held[month, account]
    offer = offers[month, account]
    m = len(month)
    assigned = np.maximum(
        calendar.starts[np.maximum(month - 1, 0)] + rng.integers(12, 28, m), world.accounts.created[account]
    )
    done = assigned + rng.integers(2, 25, m)
    finished = ~holdout & (done < calendar.end) & (rng.random(m) < 0.9)
    play = np.where(offer, 3, rng.integers(0, 3, m))
    better = world.history("depth")[np.minimum(month + 1, calendar.months), account] < 0.2
    outcome = np.where(
        better & (rng.random(m) < 0.7), "engaged", np.where(rng.random(m) < 0.5, "no response", "talked")
    )
    by = np.lexsort((account, assigned))
    return make_table(
        "actions",
        {
            "action_id": np.array([f"P{i + 1:06d}" for i in range(m)]),
            "assigned_at": days(assigned[by]),
            "account_id": coded(account[by], world.accounts.ids),
            "play": coded(play[by], PLAYS),
            "holdout": holdout[by],
            "done_at": days(done[by], finished[by]),
            "outcome": filled(outcome[by], finished[by]),
        },
    )


def account_history_table(world: World, seed: int) -> pa.Table:
    """Changes of the number of employees (once a year, with growth) and of the account's owner."""
    rng = stream(seed, "account history")
    calendar, accounts = world.calendar, world.accounts
    account, attribute, day, value = [], [], [], []
    size = accounts.employees.astype(float)
    demand = world.history("demand")
    for t in range(1, calendar.months):
        counted = np.flatnonzero(
            world.here[t] & ((np.arange(accounts.size) + t) % 12 == 0) & (rng.random(accounts.size) < 0.7)
        )
        change = np.exp(
            0.12 * demand[t, counted] + accounts.traits.growth[counted] * 8 + rng.normal(0, 0.08, len(counted))
        )
        size[counted] = np.maximum(np.rint(size[counted] * change), 1)
        moved = np.flatnonzero(world.here[t] & (rng.random(accounts.size) < 0.012))
        for name, who, values in (
            ("employees", counted, [str(int(v)) for v in size[counted]]),
            ("owner", moved, [owner_name(int(o)) for o in rng.integers(0, accounts.owners, len(moved))]),
        ):
            account.append(who)
            attribute.extend([name] * len(who))
            day.append(np.full(len(who), calendar.starts[t] + int(rng.integers(0, 27))))
            value.extend(values)
    table = make_table(
        "account_history",
        {
            "account_id": accounts.ids[np.concatenate(account)],
            "attribute": attribute,
            "changed_at": days(np.concatenate(day)),
            "value": value,
        },
    )
    return table.sort_by([("changed_at", "ascending"), ("account_id", "ascending"), ("attribute", "ascending")])
