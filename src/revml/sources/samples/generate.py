"""Write a whole sample company: tables of the contract, and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from revml.errors import ConfigError
from revml.sources.samples.accounts import make_accounts
from revml.sources.samples.agreements import products_table, subscriptions_table
from revml.sources.samples.clock import Calendar
from revml.sources.samples.kinds import KINDS, KindName
from revml.sources.samples.people import accounts_table, make_users
from revml.sources.samples.support import tickets_table
from revml.sources.samples.truth import account_months, events_table
from revml.sources.samples.usage import usage_table
from revml.sources.samples.world import live
from revml.sources.samples.writing import write_parquet

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class SampleSummary:
    """What was written: rows by table, in the order of the contract."""

    folder: Path
    kind: str
    rows: dict[str, int]


def write_sample(
    folder: Path,
    *,
    kind: KindName,
    accounts: int,
    months: int,
    seed: int,
    events: int | None = None,
    progress: Progress | None = None,
) -> SampleSummary:
    """Write a sample company into a folder: `<table>.parquet` for each table, `truth/` for what really happened.

    Args:
        kind: saas (contracts and usage), machinery (machines, parts, service contracts), manufacturing (orders).
        accounts: how many accounts, at least 1; a bit more than half of them are there when the data begins.
        months: length of the history, which ends at 2026-07-01; 6 to 120.
        seed: the same arguments and seed give the same bytes.
        events: about how many rows of usage; absent means a usual number for the kind.

    Raises:
        ConfigError: an argument out of range.
    """
    if kind not in KINDS:
        raise ConfigError("no such kind of company", wanted=", ".join(KINDS), got=kind)
    if accounts < 1 or not 6 <= months <= 120:
        raise ConfigError(
            "a sample company of this size cannot be made",
            wanted="at least 1 account and 6 to 120 months",
            got=f"{accounts} accounts, {months} months",
        )
    chosen, calendar = KINDS[kind], Calendar(months)

    def said(what: str, share: float) -> None:
        if progress:
            progress(what, share)

    customers = make_accounts(chosen, calendar, accounts, seed)
    world = live(chosen, calendar, customers, seed, lambda what, share: said(what, 0.2 * share))
    users = make_users(world, seed)
    wanted = int(chosen.events_a_month * accounts * months) if events is None else events
    makers: dict[str, Callable[[], pa.Table]] = {
        "accounts": lambda: accounts_table(customers, seed),
        "products": lambda: products_table(chosen),
        "users": lambda: users.table(customers, calendar),
        "subscriptions": lambda: subscriptions_table(world),
        "tickets": lambda: tickets_table(world, seed),
        "usage": lambda: usage_table(world, users, seed, wanted),
    }
    rows = {}
    for position, (name, make) in enumerate(makers.items()):
        said(name, 0.2 + 0.6 * position / len(makers))
        made = make()
        write_parquet(made, folder / f"{name}.parquet")
        rows[name] = made.num_rows
    truth = folder / "truth"
    months_table = account_months(world, None, seed, lambda what, share: said(what, 0.8 + 0.2 * share))
    write_parquet(months_table, truth / "account_months.parquet")
    write_parquet(events_table(world), truth / "events.parquet")
    said("done", 1.0)
    return SampleSummary(folder, kind, rows)
