"""The `usage` table: counts by account, user, day and event.

How much an account uses follows its latent state: fewer people come the deeper it slides, more is done where more is
needed than was bought, a rival's evaluation shows as exports only. Some accounts are barely instrumented, trackers fail
for days, holidays are quiet.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revml.sources.samples.clock import MICROSECONDS, Floats, Ints
from revml.sources.samples.draws import stream
from revml.sources.samples.people import Users
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, instants, make_table

SEASON = np.array([0.98, 1.0, 1.04, 1.0, 1.0, 0.97, 0.84, 0.82, 1.03, 1.06, 1.05, 0.80])
WEEKDAYS = np.array([1.0, 1.05, 1.05, 1.0, 0.85, 0.16, 0.14])


def usage_table(world: World, users: Users, seed: int, events: int) -> pa.Table:
    """About `events` rows of usage (fewer where accounts are too small to hold so many)."""
    rng = stream(seed, "usage")
    rows, half = _rows(world, users, rng, 1.25 * events)
    day = _days(world, rng, half)
    event = _events(world, rng, users.account[rows], half)
    kinds = len(world.kind.usage)
    first = int(world.calendar.starts[0])
    key = ((day - first) * len(users.ids) + rows) * kinds + event
    born = users.created[rows] // MICROSECONDS
    sound = (day >= born) & ((day + 1) * MICROSECONDS <= users.left[rows])
    key = key[sound & world.before_end(half // 2, users.account[rows], day)]
    key.sort()
    key = key[np.diff(key, prepend=-1) > 0]
    key = key[rng.random(len(key)) * max(len(key), 1) < events]
    event, rest = key % kinds, key // kinds
    user, day = rest % len(users.ids), rest // len(users.ids) + first
    means = np.array([mean for _, _, mean in world.kind.usage])
    quantity = 1 + rng.poisson((means - 1)[event])
    account = users.account[user]
    # the count of a day is stamped with the hour of its first use, never before the user was made
    hour = rng.integers(6, 19, len(key)) * 3_600_000_000
    moment = np.maximum(day * MICROSECONDS + hour, users.created[user])
    return make_table(
        "usage",
        {
            "account_id": coded(account, world.accounts.ids),
            "occurred_at": instants(moment),
            "event": coded(event, [name for name, _, _ in world.kind.usage]),
            "user_id": coded(user, users.ids),
            "quantity": quantity,
        },
    )


def activity(world: World, rng: np.random.Generator) -> Floats:
    """How eagerly people use the product in each half month: (2 × months, accounts), 0 where no contract runs."""
    months, n = world.calendar.months, world.accounts.size
    depth, mood = world.halves("depth"), world.halves("mood")
    need = np.clip(world.halves("demand"), -1, 1)
    seats = world.seats()
    running = (seats[:-1] > 0) | (seats[1:] > 0)
    habit = np.exp(rng.normal(0, 0.7, n))
    wobble = np.exp(rng.normal(0, 0.22, (months, n)))
    instrumented = np.where(rng.random(n) < 0.07, 0.06, 1.0)
    season = SEASON[world.calendar.season_month[:months]][:, None]
    lost = rng.random((months, n)) < 0.012
    steady = np.repeat(running * habit * instrumented * season * wobble * ~lost, 2, axis=0)
    out: Floats = steady * np.exp(0.25 * mood + 0.45 * need) * (1 - 0.55 * depth)
    return out


def _rows(world: World, users: Users, rng: np.random.Generator, events: float) -> tuple[Ints, Ints]:
    """Draw how many rows each user gives in each half month; returns user and half month of each row."""
    level = activity(world, rng)
    depth = world.halves("depth")
    edges = world.calendar.halves * MICROSECONDS
    expected = np.empty((len(edges) - 1, len(users.ids)))
    for h in range(len(edges) - 1):
        there = np.minimum(users.left, edges[h + 1]) - np.maximum(users.created, edges[h])
        share = np.clip(there / (edges[h + 1] - edges[h]), 0, 1)
        coming = users.tolerance > 0.85 * depth[h, users.account]
        expected[h] = users.activity * share * np.where(coming, 1.0, 0.08) * level[h, users.account]
    count = rng.poisson(expected * (events / max(expected.sum(), 1e-9)))
    half, user = np.nonzero(count)
    repeat = count[half, user]
    return np.repeat(user, repeat), np.repeat(half, repeat)


def _days(world: World, rng: np.random.Generator, half: Ints) -> Ints:
    """Days of the rows: working days mostly, none in the days when tracking was down."""
    calendar = world.calendar
    day = np.arange(calendar.starts[0], calendar.end)
    weight = WEEKDAYS[(day + 3) % 7].copy()
    for start in rng.integers(0, len(day), max(1, calendar.months // 8)):
        weight[start : start + int(rng.integers(1, 4))] *= 0.02
    sums = np.cumsum(weight)
    edges = calendar.halves - day[0]
    lower = np.r_[0.0, sums][edges[:-1]]
    upper = sums[edges[1:] - 1]
    at = lower[half] + rng.random(len(half)) * (upper - lower)[half]
    found: Ints = np.searchsorted(sums, at, side="right").clip(0, len(day) - 1) + day[0]
    return found


def _events(world: World, rng: np.random.Generator, account: Ints, half: Ints) -> Ints:
    """Which event each row counts: an account's own mix, and exports while a rival is evaluated."""
    shares = np.array([share for _, share, _ in world.kind.usage])
    mix = rng.gamma(6.0 * shares / shares.max() + 0.05, size=(world.accounts.size, len(shares))) + 1e-9
    edges = np.cumsum(mix / mix.sum(axis=1, keepdims=True), axis=1)
    u = rng.random(len(account))
    event = np.zeros(len(account), np.int64)
    for k in range(len(shares) - 1):
        event += u > edges[account, k]
    names = [name for name, _, _ in world.kind.usage]
    if "export" in names:
        rival = world.halves("rival")[half, account] > 0
        event[rival & (rng.random(len(account)) < 0.035)] = names.index("export")
    return event
