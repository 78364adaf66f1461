"""Writing runs: publish one whole, move the pointer back, forget the oldest. Each is one transaction.

Rows become Python's own a few thousand at a time (`store.columns`), so that a run of a million accounts takes no more
memory than its frames do, and go to the driver as they are (`store.bulk`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from revml.errors import NotFound, StoreError
from revml.store import bulk, columns, frames
from revml.store.database import Database
from revml.store.runs import ScoreRun
from revml.store.schema import (
    OF_A_RUN,
    accounts,
    clv,
    coming,
    concepts,
    contributions,
    current,
    drivers,
    flows,
    models,
    reasons,
    reports,
    runs,
    scores,
    values,
)

CHUNK = 20_000  # rows that are Python's own at once


def publish(database: Database, run: ScoreRun, *, keep: int) -> int:
    """Write a run and point `current` at it; runs beyond the newest `keep` are deleted in the same transaction.

    Raises:
        StoreError: a frame is broken (nothing is written then), or the database is away or busy.
    """
    frames.check_short(run)
    with database.writing(much=True) as connection:
        made = connection.execute(
            insert(runs).values(
                as_of=run.as_of,
                published_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
                company=run.company,
                currency=run.currency,
                accounts=len(run.accounts),
                scores=len(run.scores),
                withdrawn=False,
                discount_rate=run.discount_rate,
            )
        )
        run_id = int(made.inserted_primary_key[0])  # type: ignore[index]
        for table, few in _documents(run):
            if few:
                connection.execute(insert(table), [{"run_id": run_id, **row} for row in few])
        for table, parts in _content(connection, run):
            bulk.write(connection, table, run_id, parts)
        _point(connection, run_id)
        _forget(connection, keep)
    return run_id


def _documents(run: ScoreRun) -> Iterator[tuple[Table, list[frames.Row]]]:
    """The tables of few rows."""
    yield models, frames.model_rows(run)
    yield concepts, frames.concept_rows(run)
    yield reports, frames.report_rows(run)


def _content(connection: Connection, run: ScoreRun) -> Iterator[tuple[Table, Iterable[columns.Columns]]]:
    """The tables of many rows, each some rows at a time."""
    worth = frames.worth_of(run)
    yield accounts, (columns.account_columns(part, worth) for part in frames.in_parts(run.accounts, CHUNK))
    yield reasons, (columns.reason_columns(part) for part in frames.checked(run, "reasons", CHUNK))
    told = frames.checked(run, "contributions", CHUNK)
    yield contributions, (columns.contribution_columns(part) for part in told)
    yield clv, (columns.clv_columns(part) for part in frames.in_parts(run.clv, CHUNK))
    yield values, (columns.value_columns(part) for part in frames.in_parts(run.values, CHUNK))
    yield coming, (columns.coming_columns(part) for part in frames.in_parts(run.coming, CHUNK))
    yield drivers, columns.driver_parts(run.drivers, CHUNK)
    # An account's months are not torn apart.
    yield flows, (part for long in frames.checked(run, "flows") for part in columns.flow_parts(long, CHUNK))
    for question, scored in run.scores.groupby("question", sort=False):
        previous = _previous(connection, run.as_of, str(question))
        yield scores, (columns.score_columns(part, previous) for part in frames.in_parts(scored, CHUNK))


def roll_back(database: Database, run_id: int | None) -> int:
    """Point `current` at an earlier run (the one before, if none is named), or forward again at a later one.

    Runs after the one that becomes current are withdrawn: they stay, but count neither in history nor in trends.

    Raises:
        NotFound: there is no such run.
        StoreError: there is no run before the current one.
    """
    with database.writing() as connection:
        now = connection.execute(select(current.c.run_id)).scalar()
        if now is None:
            raise StoreError("nothing was published yet", where=database.name, do="run `revml score`")
        if run_id is None:
            run_id = connection.execute(select(func.max(runs.c.id)).where(runs.c.id < now)).scalar()
            if run_id is None:
                raise StoreError(
                    "there is no run before the current one",
                    where=database.name,
                    got=f"run {now} only",
                    do="publish another run with `revml score`",
                )
        elif connection.execute(select(runs.c.id).where(runs.c.id == run_id)).scalar() is None:
            raise NotFound(
                "no such run",
                where=database.name,
                wanted=", ".join(str(i) for i in connection.execute(select(runs.c.id).order_by(runs.c.id)).scalars()),
                got=str(run_id),
            )
        _point(connection, run_id)
        connection.execute(update(runs).values(withdrawn=runs.c.id > run_id))
    return run_id


def _previous(connection: Connection, as_of: datetime, question: str) -> columns.Previous:
    """Probabilities of the newest run that looked from an earlier day: scoring a day twice is no trend."""
    before = connection.execute(
        select(runs.c.id)
        .where(runs.c.as_of < as_of, ~runs.c.withdrawn)
        .order_by(runs.c.as_of.desc(), runs.c.id.desc())
        .limit(1)
    ).scalar()
    if before is None:
        return lambda told, _items: [None] * len(told)
    asked = select(scores.c.account_id, scores.c.item, scores.c.probability)
    found = connection.execute(asked.where(scores.c.run_id == before, scores.c.question == question))
    known: dict[str | tuple[str, str], float] = {
        (account, item) if item else account: probability for account, item, probability in found
    }
    return lambda told, items: [
        known.get((account, item) if item else account) for account, item in zip(told, items, strict=True)
    ]


def _point(connection: Connection, run_id: int) -> None:
    if connection.execute(update(current).values(run_id=run_id)).rowcount == 0:
        connection.execute(insert(current).values(id=1, run_id=run_id))


def _forget(connection: Connection, keep: int) -> None:
    old = connection.execute(select(runs.c.id).order_by(runs.c.id.desc()).offset(keep)).scalars().all()
    if old:
        for table in OF_A_RUN:
            connection.execute(delete(table).where(table.c.run_id.in_(old)))
        connection.execute(delete(runs).where(runs.c.id.in_(old)))
