"""The `accounts`, `account_history` and `users` tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from revml.sources.samples.accounts import Accounts
from revml.sources.samples.clock import MICROSECONDS, Calendar, Floats, Ints
from revml.sources.samples.draws import stream
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, days, filled, instants, make_table

MOST_USERS = 60
ROLES = ("champion", "admin", "member", "viewer")


def accounts_table(accounts: Accounts, seed: int) -> pa.Table:
    """The customers; some attributes are missing, as they are in life."""
    rng = stream(seed, "accounts table")
    n = accounts.size
    return make_table(
        "accounts",
        {
            "account_id": accounts.ids,
            "created_at": days(accounts.created),
            "name": accounts.names,
            "parent_account_id": filled(accounts.ids[np.maximum(accounts.parent, 0)], accounts.parent >= 0),
            "owner": [owner_name(o) for o in accounts.owner],
            "industry": filled(accounts.industry, rng.random(n) > 0.04),
            "country": accounts.country,
            "region": filled(accounts.region, rng.random(n) > 0.06),
            "employees": filled(accounts.employees, rng.random(n) > 0.08),
            "acquisition_channel": filled(accounts.channel, rng.random(n) > 0.03),
            "acquisition_cost": filled(accounts.cost, rng.random(n) > 0.12),
            "referred_by": filled(accounts.ids[np.maximum(accounts.referrer, 0)], accounts.referrer >= 0),
            "currency": np.full(n, "EUR"),
        },
    )


def owner_name(number: int) -> str:
    """The pseudonym of an account manager."""
    return f"csm-{number + 1:02d}"


@dataclass(frozen=True)
class Users:
    """The people of all accounts; `tolerance` is the depth of a slide at which one stops coming."""

    account: Ints
    created: Ints  # microseconds
    left: Ints  # microseconds; far away where still there
    role: Ints
    activity: Floats
    tolerance: Floats
    ids: np.ndarray

    def table(self, accounts: Accounts, calendar: Calendar) -> pa.Table:
        """The `users` table."""
        return make_table(
            "users",
            {
                "user_id": self.ids,
                "created_at": instants(self.created),
                "account_id": accounts.ids[self.account],
                "role": coded(self.role, ROLES),
                "deactivated_at": instants(self.left, self.left < calendar.end * MICROSECONDS),
            },
        )


NEVER = np.int64(2**62)
HOUR = 3_600_000_000


def make_users(world: World, seed: int) -> Users:
    """Draw the people: about as many as seats, joining as seats grow, champions following the latent flag."""
    rng = stream(seed, "users")
    accounts, calendar = world.accounts, world.calendar
    crowd = _crowd(world, rng)
    champions = _champions(world, rng)
    account, created, left, role = (np.concatenate(pair) for pair in zip(crowd, champions, strict=True))
    activity = np.exp(rng.normal(0, 0.9, len(account))) * np.array([1.6, 1.2, 1.0, 0.3])[role]
    tolerance = 0.15 + 0.85 * rng.random(len(account)) ** 0.7
    order = np.lexsort((role, created, account))
    order = order[(created < calendar.end * MICROSECONDS)[order]]
    ids = np.array([f"U{i + 1:06d}" for i in range(len(order))])
    created = np.maximum(created, accounts.created[account] * MICROSECONDS)
    return Users(account[order], created[order], left[order], role[order], activity[order], tolerance[order], ids)


def _crowd(world: World, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """Everybody but the champions: they join as seats (or the company's own size) come, never ahead of them."""
    accounts, calendar = world.accounts, world.calendar
    n = accounts.size
    share = rng.uniform(0.45, 0.95, n)
    if world.kind.orders is None:
        # people come as more is needed than was bought, up to the seats there are
        wanted = world.seats() * np.minimum(share * np.exp(0.8 * world.history("demand")), 1.0)
    else:
        wanted = np.stack(world.here) * np.clip(accounts.employees / 40, 1, 6) * share
    wanted = np.clip(np.rint(np.maximum.accumulate(wanted)), 0, MOST_USERS).astype(np.int64)
    wanted = np.maximum(wanted, wanted > 0)
    joining: Ints = np.diff(wanted, axis=0, prepend=0).astype(np.int64)
    month, owner = np.nonzero(joining)
    times = joining[month, owner]
    month, owner = np.repeat(month, times), np.repeat(owner, times)
    m = len(owner)
    # at the first state of an account its first people come; later ones as seats were added in the month before
    first = month == np.argmax(wanted > 0, axis=0)[owner]
    room = np.maximum(calendar.starts[np.maximum(month, 1)] - accounts.created[owner], 1)
    slow = accounts.created[owner] + rng.exponential(25, m).astype(np.int64)
    soon = accounts.created[owner] + (rng.random(m) * room).astype(np.int64)
    born = np.where(accounts.born[owner] < 0, np.where(rng.random(m) < 0.5, slow, soon), slow)
    day = np.where(first, born, calendar.starts[month] + rng.integers(0, 28, m))
    created = day * MICROSECONDS + rng.integers(7, 18, m) * HOUR
    stay = (20 + rng.exponential(1100, m)).astype(np.int64) * MICROSECONDS
    left = np.where(rng.random(m) < 0.8, created + stay, NEVER)
    leader = np.r_[True, owner[np.argsort(owner, kind="stable")][1:] != owner[np.argsort(owner, kind="stable")][:-1]]
    role = np.where(rng.random(m) < 0.2, 3, 2)
    role[np.argsort(owner, kind="stable")[leader]] = 1
    return owner, created, left, role


def _champions(world: World, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """A champion for each unbroken run of the latent flag; a change falls within the month before it shows."""
    accounts, calendar = world.accounts, world.calendar
    there = np.stack(world.here)
    flag = (world.history("champion") > 0) & there
    before = np.vstack([np.zeros((1, accounts.size), bool), flag[:-1]])
    began, who = np.nonzero((flag & ~before).T)[::-1]
    after = np.vstack([flag[1:], np.ones((1, accounts.size), bool)])
    last, _ = np.nonzero((flag & ~after).T)[::-1]
    # runs by account: all but an open last one have an end
    open_run = np.r_[who[1:] != who[:-1], True] & flag[-1, who]
    left = np.full(len(who), NEVER)
    moment = rng.integers(1, 27, (2, len(who))) * MICROSECONDS + rng.integers(7, 18, (2, len(who))) * HOUR
    left[~open_run] = calendar.starts[last] * MICROSECONDS + moment[0, ~open_run]
    original = ~there[np.maximum(began - 1, 0), who] | (began == 0)
    created = np.where(
        original,
        accounts.created[who] * MICROSECONDS + 9 * HOUR,
        calendar.starts[np.maximum(began - 1, 0)] * MICROSECONDS + moment[1],
    )
    return who, created, left, np.zeros(len(who), np.int64)
