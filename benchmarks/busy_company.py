"""A software company with a great deal of usage, written fast: the tables of the contract that features need, no truth.

Comes in: a folder, how many accounts and how many rows of usage. Goes out: one Parquet file a table, usage in a folder
of parts. Made to be like the real thing where it matters to speed and memory:

- sizes are skewed (log-normal: the largest accounts have hundreds of times the usage of the middle one), accounts come
  and go over 36 months, and a few never use the product;
- usage comes in sessions: one person, one day, some rows within it (four on average), more on working days;
- a few people an account, of whom some do most of the work; ten kinds of events, of which some are rare;
- one session in fifty becomes known late, by hours to days; what was not known by the end of the data is not in it.

The same arguments give the same rows: every block of accounts draws from a generator of its own. The day after the last
is written apart, for those who measure what a new day costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 1
MONTHS = 36
START, END = np.datetime64("2023-01-01"), np.datetime64("2026-01-01")
DAYS = int((END - START).astype(int))
DAY_US = 86_400_000_000
BLOCK = 5_000
ROWS_A_SESSION = 4
LATE = 0.02
EVENTS = ("open", "search", "edit", "view", "share", "export", "import", "comment", "api", "admin")
OFTEN = np.array([30, 20, 16, 12, 8, 5, 4, 3, 1.5, 0.5]) / 100
PLANS, TERMS = ("starter", "team", "business", "enterprise"), (1, 12)

Columns = dict[str, pa.Array]


def write_company(folder: Path, *, accounts: int, events: int, late: float = LATE) -> int:
    """Write the tables, and the day after the last as `new_day.parquet` beside the folder.

    Args:
        folder: made here.
        late: share of the sessions that become known late.

    Returns:
        Rows of usage, new day apart: within a few percent of `events`.
    """
    (folder / "usage").mkdir(parents=True)
    tables: dict[str, list[pa.Table]] = {"accounts": [], "users": [], "subscriptions": []}
    rows, new_day = 0, []
    for number, first in enumerate(range(0, accounts, BLOCK)):
        block = _Block(first, min(BLOCK, accounts - first), events / accounts)
        for name, table in block.small_tables():
            tables[name].append(table)
        usage = block.usage(late)
        rows += usage.num_rows
        _write(usage, folder / "usage" / f"part-{number:04d}.parquet")
        new_day.append(block.new_day())
    for name, parts in tables.items():
        _write(pa.concat_tables(parts), folder / f"{name}.parquet")
    products = {"product": pa.array(_PRODUCTS), "tier": pa.array([1, 2, 3], pa.int32())}
    _write(pa.table(products), folder / "products.parquet")
    _write(pa.concat_tables(new_day).unify_dictionaries(), folder.parent / "new_day.parquet")
    return rows


_PRODUCTS = ("core", "insight", "automation")


class _Block:
    """Some accounts, numbered from `first`, and all that is theirs."""

    def __init__(self, first: int, accounts: int, rows_each: float) -> None:
        self.rng = rng = np.random.default_rng([SEED, first])
        self.ids = np.arange(first, first + accounts)
        # Half of them were there before the first day; two in five of the others' spans end before the last.
        self.start = np.where(rng.random(accounts) < 0.5, 0, rng.integers(0, DAYS - 60, accounts))
        left = rng.random(accounts) < 0.35
        self.end = np.where(left, self.start + 1 + rng.integers(30, DAYS, accounts), DAYS).clip(max=DAYS)
        weight = rng.lognormal(0, 1.3, accounts) * (self.end - self.start)
        weight[rng.random(accounts) < 0.02] = 0
        # The mean of what is drawn above is scaled to the rows that were asked for.
        self.sessions = rng.poisson(weight * (rows_each * accounts / ROWS_A_SESSION / weight.sum()))
        self.people = 1 + rng.poisson(1.5 + 0.6 * np.sqrt(weight / weight.mean()) * 2.5)
        self.first_person = 100 * first + np.concatenate(([0], np.cumsum(self.people)))[:-1]

    def small_tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Accounts, users and subscriptions."""
        yield "accounts", self._accounts()
        yield "users", self._users()
        yield "subscriptions", self._subscriptions()

    def usage(self, late: float) -> pa.Table:
        """Rows of usage up to the last day, in the order of accounts and sessions."""
        rng = self.rng
        owner = np.repeat(np.arange(len(self.ids)), self.sessions)
        n = len(owner)
        day = self.start[owner] + (rng.random(n) * (self.end - self.start)[owner]).astype(np.int64)
        # 1 January 2023 is a Sunday: most of what falls on a weekend moves to the Monday after.
        weekend = np.isin(day % 7, (0, 6)) & (rng.random(n) < 0.8)
        day = np.where(weekend, np.minimum(day + np.where(day % 7 == 0, 1, 2), self.end[owner] - 1), day)
        delay = np.where(rng.random(n) < late, rng.exponential(36, n) * 3600e6, 0)
        return self._rows(owner, day, delay, known_before=DAYS * DAY_US)

    def new_day(self) -> pa.Table:
        """Rows of the day after the last, all known at once."""
        usual = self.sessions / (self.end - self.start)
        owner = np.repeat(np.arange(len(self.ids)), self.rng.poisson(np.where(self.end == DAYS, usual, 0)))
        return self._rows(owner, np.full(len(owner), DAYS), np.zeros(len(owner)), known_before=(DAYS + 1) * DAY_US)

    def _rows(self, owner: np.ndarray, day: np.ndarray, delay: np.ndarray, known_before: int) -> pa.Table:
        """Sessions of accounts on days, taken apart into their rows."""
        rng, n = self.rng, len(owner)
        person = self.first_person[owner] + (rng.random(n) ** 2 * self.people[owner]).astype(np.int64)
        begin = day * DAY_US + (rng.beta(3, 3, n) * 22 * 3600e6).astype(np.int64)
        session = np.repeat(np.arange(n), rng.geometric(1 / ROWS_A_SESSION, n))
        at = begin[session] + (rng.random(len(session)) * 1.5 * 3600e6).astype(np.int64)
        known = at + delay.astype(np.int64)[session]
        session, at, known = (values[known < known_before] for values in (session, at, known))
        kind = rng.choice(len(EVENTS), len(session), p=OFTEN).astype(np.int32)
        return pa.table(
            {
                "account_id": _numbered("A", self.ids[owner[session]]),
                "occurred_at": _instants(at),
                "event": pa.DictionaryArray.from_arrays(pa.array(kind), pa.array(EVENTS)),
                "user_id": _numbered("U", person[session]),
                "quantity": 1.0 + rng.poisson(0.4, len(session)),
                "known_at": _instants(known),
            }
        )

    def _accounts(self) -> pa.Table:
        rng, n = self.rng, len(self.ids)
        # Those that were there before the first day came within the five years before.
        before = np.where(self.start == 0, rng.integers(0, 1_800, n), 0)
        return pa.table(
            {
                "account_id": _numbered("A", self.ids),
                "created_at": _instants((self.start - before) * DAY_US),
                "industry": _one_of(rng, ("software", "retail", "logistics", "health", "finance", "public"), n),
                "country": _one_of(rng, ("CZ", "DE", "AT", "PL", "FR", "GB", "US"), n),
                "region": _one_of(rng, ("north", "south", "east", "west"), n),
                "employees": pa.array(np.ceil(rng.lognormal(4, 1.2, n)).astype(np.int64)),
                "acquisition_channel": _one_of(rng, ("inbound", "outbound", "partner", "event"), n),
            }
        )

    def _users(self) -> pa.Table:
        rng = self.rng
        owner = np.repeat(np.arange(len(self.ids)), self.people)
        n = len(owner)
        first = np.r_[True, owner[1:] != owner[:-1]]
        person = self.first_person[owner] + (np.arange(n) - np.flatnonzero(first)[np.cumsum(first) - 1])
        # Whoever does most of the work was there at first; the others joined as time went by.
        came = self.start[owner] + np.where(first, 0, rng.random(n) * 0.5 * (self.end - self.start)[owner])
        left = np.where(rng.random(n) < 0.25, came + (rng.random(n) * 700) + 1, np.inf)
        gone = left < DAYS
        roles = ("user", "user", "user", "admin", "champion", "executive sponsor")
        return pa.table(
            {
                "user_id": _numbered("U", person),
                "account_id": _numbered("A", self.ids[owner]),
                "created_at": _instants((came * DAY_US).astype(np.int64)),
                "role": _one_of(rng, roles, n),
                "deactivated_at": _instants((np.where(gone, left, 0) * DAY_US).astype(np.int64), ~gone),
            }
        )

    def _subscriptions(self) -> pa.Table:
        """A line an account, two for some: each a chain of periods of 90 to 365 days, terms changing between them."""
        rng = self.rng
        lines = 1 + (rng.random(len(self.ids)) < 0.3)
        owner = np.repeat(np.arange(len(self.ids)), lines)
        second = np.r_[False, owner[1:] == owner[:-1]]
        n = len(owner)
        seats, price = np.ceil(rng.lognormal(2.5, 1, n)), rng.choice([9.0, 19.0, 39.0], n)
        begin = self.start[owner] + np.where(second, 60, 0)
        product = np.where(second, rng.integers(1, 3, n), 0)
        term, automatic = rng.choice(TERMS, n, p=(0.3, 0.7)), rng.random(n) < 0.7
        parts = []
        for _ in range(13):
            alive = begin < self.end[owner]
            if not alive.any():
                break
            length = rng.integers(90, 366, n)
            stop = np.minimum(begin + length, self.end[owner])
            ended = stop < DAYS
            parts.append(
                {
                    "line": np.arange(n)[alive],
                    "begin": begin[alive],
                    "stop": np.where(ended, stop, -1)[alive],
                    "renews": (begin + np.where(term == 12, 365, 31))[alive],
                    "seats": seats[alive],
                    "price": price[alive],
                }
            )
            begin = stop
            seats = np.maximum(1, seats + np.where(rng.random(n) < 0.5, rng.integers(-2, 5, n), 0))
            price = np.round(price * np.where(rng.random(n) < 0.2, 1.05, 1.0), 2)
        made = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        line = made["line"]
        stop = made["stop"]
        return pa.table(
            {
                "subscription_id": _numbered("S", 2 * self.ids[owner][line] + second[line]),
                "started_at": _instants(made["begin"] * DAY_US),
                "account_id": _numbered("A", self.ids[owner][line]),
                "product": pa.array(np.array(_PRODUCTS)[product[line]]),
                "plan": pa.array(np.array(PLANS)[np.searchsorted([5, 20, 80], made["seats"])]),
                "quantity": made["seats"],
                "mrr": np.round(made["seats"] * made["price"], 2),
                "ended_at": _instants(np.where(stop < 0, 0, stop) * DAY_US, stop < 0),
                "renews_at": _instants(made["renews"] * DAY_US),
                "notice_days": pa.array(np.where(term[line] == 12, 60, 14).astype(np.int32)),
                "billing_months": pa.array(term[line].astype(np.int32)),
                "auto_renew": pa.array(automatic[line]),
            }
        )


def _instants(microseconds: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Microseconds since the first day as instants."""
    whole = START.astype("datetime64[us]").astype(np.int64) + microseconds.astype(np.int64)
    return pa.array(whole, pa.int64(), mask=missing).cast(pa.timestamp("us"))


def _numbered(letter: str, numbers: np.ndarray) -> pa.Array:
    """Ids out of numbers, as a dictionary, so that each is spelt once."""
    different, codes = np.unique(numbers, return_inverse=True)
    words = pa.array([f"{letter}{number:08d}" for number in different])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), words)


def _one_of(rng: np.random.Generator, words: tuple[str, ...], n: int) -> pa.Array:
    return pa.array(np.array(words)[rng.integers(0, len(words), n)])


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", row_group_size=1_000_000, store_schema=False)
