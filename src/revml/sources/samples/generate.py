"""Write a whole sample company: tables of the contract, and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from revml.contract.tables import TABLES
from revml.errors import ConfigError
from revml.progress import Progress
from revml.sources.samples.accounts import make_accounts
from revml.sources.samples.agreements import products_table, subscriptions_table
from revml.sources.samples.billing import invoices_table
from revml.sources.samples.clock import Calendar
from revml.sources.samples.goods import orders_table
from revml.sources.samples.kinds import KINDS, KindName
from revml.sources.samples.machines import assets_table, telemetry_table
from revml.sources.samples.people import accounts_table, make_users
from revml.sources.samples.selling import account_history_table, actions_table, opportunities_table, touches_table
from revml.sources.samples.support import tickets_table
from revml.sources.samples.telling import readme
from revml.sources.samples.truth import account_months, events_table
from revml.sources.samples.usage import usage_table
from revml.sources.samples.voices import feedback_table
from revml.sources.samples.world import World, live
from revml.sources.samples.writing import write_parquet, write_text

MARK = "truth/README.md"  # what tells a sample's folder from a company's own


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
        ConfigError: an argument out of range, or the folder holds tables that are no sample.
    """
    if kind not in KINDS:
        raise ConfigError("no such kind of company", wanted=", ".join(KINDS), got=kind)
    if accounts < 1 or not 6 <= months <= 120:
        raise ConfigError(
            "a sample company of this size cannot be made",
            wanted="at least 1 account and 6 to 120 months",
            got=f"{accounts} accounts, {months} months",
        )
    _make_room(folder)
    chosen, calendar = KINDS[kind], Calendar(months)

    def said(what: str, share: float) -> None:
        if progress:
            progress(what, share)

    customers = make_accounts(chosen, calendar, accounts, seed)
    world = live(chosen, calendar, customers, seed, lambda what, share: said(what, 0.2 * share))
    wanted = int(chosen.events_a_month * accounts * months) if events is None else events
    makers = _makers(world, seed, wanted)
    write_text(readme(chosen, accounts, months, seed), folder / MARK)
    rows = {}
    orders: pa.Table | None = None
    for position, (name, make) in enumerate(makers):
        said(name, 0.2 + 0.5 * position / len(makers))
        made = make(orders)
        if name == "orders":
            orders = made
        if made.num_rows:
            write_parquet(made, folder / f"{name}.parquet")
            rows[name] = made.num_rows
    known = account_months(world, orders, seed, lambda what, share: said(what, 0.7 + 0.3 * share))
    write_parquet(known, folder / "truth" / "account_months.parquet")
    write_parquet(events_table(world), folder / "truth" / "events.parquet")
    said("done", 1.0)
    return SampleSummary(folder, kind, {name: rows[name] for name in TABLES if name in rows})


def _make_room(folder: Path) -> None:
    """Take away the tables of an earlier sample, and never anything else."""
    found = [path for name in TABLES if (path := folder / f"{name}.parquet").exists()]
    if found and not (folder / MARK).is_file():
        raise ConfigError(
            "this folder holds tables that are not a sample company's; they would be written over",
            where=str(folder),
            wanted="an empty folder, or one that `revml sample` wrote before",
            got=", ".join(path.name for path in found),
            do="give another folder",
        )
    for path in found:
        path.unlink()


def _makers(world: World, seed: int, events: int) -> list[tuple[str, Callable[[pa.Table | None], pa.Table]]]:
    """The tables that a kind has; orders come before what follows from them."""
    kind, users = world.kind, make_users(world, seed)
    makers: list[tuple[str, Callable[[pa.Table | None], pa.Table]]] = [
        ("accounts", lambda _: accounts_table(world.accounts, seed)),
        ("account_history", lambda _: account_history_table(world, seed)),
        ("users", lambda _: users.table(world.accounts, world.calendar)),
        ("products", lambda _: products_table(kind)),
        ("feedback", lambda _: feedback_table(world, users, seed)),
        ("touches", lambda _: touches_table(world, seed)),
        ("opportunities", lambda _: opportunities_table(world, seed)),
        ("actions", lambda _: actions_table(world, seed)),
    ]
    if kind.contracts:
        makers += [("subscriptions", lambda _: subscriptions_table(world))]
    if kind.orders:
        makers += [("orders", lambda _: orders_table(world, seed))]
    makers += [("invoices", lambda orders: invoices_table(world, orders, seed))]
    if kind.machines:
        makers += [
            ("assets", lambda orders: assets_table(world, orders, seed)),
            ("usage", lambda _: telemetry_table(world, seed, events)),
        ]
    elif kind.usage:
        makers += [("usage", lambda _: usage_table(world, users, seed, events))]
    if kind.contracts:
        makers += [("tickets", lambda _: tickets_table(world, seed))]
    return makers
