"""A run's rows for files, a few thousand at a time: whatever a run holds, a reader holds one page of it.

Each page is a reading of its own, so that no transaction stays open while somebody downloads slowly. A published run
never changes; it can only be deleted, when newer ones have pushed it out: then the next page is an error, never a
shorter table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, select

from revml.errors import StoreError
from revml.store import read
from revml.store.cursor import Cursor
from revml.store.database import Database
from revml.store.every_value import every_value
from revml.store.schema import accounts, flows, reasons
from revml.store.views import ListedAccount, RunInfo

PAGE = 2_000
Rows = list[dict[str, Any]]
MONTHLY = ("survival", "expected_revenue", "discounted_margin", "revenue_p10", "revenue_p50", "revenue_p90")


def score_pages(database: Database, run: RunInfo, question: str) -> Iterator[tuple[ListedAccount, ...]]:
    """The scores of a question, the most money first, each with its strongest reason."""
    after: Cursor | None = None
    while True:
        with database.reading() as connection:
            _still_there(connection, run)
            page = read.page(
                connection,
                run,
                question,
                order="expected_money",
                reverse=False,
                after=after,
                limit=PAGE,
                search=None,
                filters={},
                counted=False,
            )
        yield page.rows
        if page.after is None:
            return
        after = Cursor.read(page.after)


def value_pages(database: Database, run: RunInfo, *, by_relation: bool) -> Iterator[Rows]:
    """Lifetime values by account and horizon, or by relation too, in the order of the accounts' ids."""

    def of(connection: Connection, first: str, last: str) -> Rows:
        return every_value(connection, run.id, by_relation=by_relation, between=(first, last))

    return _pages(database, run, of)


def reason_pages(database: Database, run: RunInfo, question: str | None) -> Iterator[Rows]:
    """Reasons by account, question, item and rank; values are decoded."""
    keys = (reasons.c.account_id, reasons.c.question, reasons.c.item, reasons.c.rank)

    def of(connection: Connection, first: str, last: str) -> Rows:
        query = _with_name(reasons, run, first, last).order_by(*keys)
        if question is not None:
            query = query.where(reasons.c.question == question)
        return [
            {**row, **{name: json.loads(row[name] or "null") for name in ("value", "past", "peers")}}
            for row in connection.execute(query).mappings()
        ]

    return _pages(database, run, of)


def flow_pages(database: Database, run: RunInfo) -> Iterator[Rows]:
    """Expected monthly flows by account, relation and month, from month 1."""

    def of(connection: Connection, first: str, last: str) -> Rows:
        query = _with_name(flows, run, first, last).order_by(flows.c.account_id, flows.c.relation)
        return [
            {"account_id": row["account_id"], "name": row["name"], "relation": row["relation"], "month": at + 1}
            | {name: None if row[name] is None else row[name][at] for name in MONTHLY}
            for row in connection.execute(query).mappings()
            for at in range(len(row["survival"]))
        ]

    return _pages(database, run, of)


def _pages(database: Database, run: RunInfo, of: Callable[[Connection, str, str], Rows]) -> Iterator[Rows]:
    after: str | None = None
    while True:
        here: list[ColumnElement[bool]] = [accounts.c.run_id == run.id]
        if after is not None:
            here.append(accounts.c.account_id > after)
        query = select(accounts.c.account_id).where(*here).order_by(accounts.c.account_id).limit(PAGE)
        with database.reading() as connection:
            _still_there(connection, run)
            ids = connection.execute(query).scalars().all()
            rows = of(connection, ids[0], ids[-1]) if ids else []
        if rows:
            yield rows
        if len(ids) < PAGE:
            return
        after = ids[-1]


def _with_name(table: Table, run: RunInfo, first: str, last: str) -> Select[Any]:
    joined = table.join(accounts, (accounts.c.run_id == table.c.run_id) & (accounts.c.account_id == table.c.account_id))
    return (
        select(table, accounts.c.name)
        .select_from(joined)
        .where(table.c.run_id == run.id, table.c.account_id >= first, table.c.account_id <= last)
    )


def _still_there(connection: Connection, run: RunInfo) -> None:
    if read.run_info(connection, run.id) is None:
        raise StoreError(
            "the run was deleted while it was read",
            where=f"run {run.id}",
            wanted="a run that is kept",
            do="ask again: newer runs have taken its place",
        )
