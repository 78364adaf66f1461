"""What each concept adds to an account's scores, in a run and in the run before it.

Comes in: a connection that sees one state of the database, a run and an account. Goes out: an `Explained` a score;
nothing of runs that an older revml published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, select

from revml.errors import NotFound
from revml.store import read
from revml.store.schema import concepts, contributions, models, runs, scores
from revml.store.scores import NothingPublished, Store
from revml.store.views import RunInfo


@dataclass(frozen=True)
class Explained:
    """One score of one run with what it is made of.

    Attributes:
        run_id, as_of: of which run.
        bundle: the hash of the model that scored.
        base: log-odds of the average row; None where the run tells no contributions.
        parts: by concept, what it adds to the log-odds; `base` and the parts add up to the score's log-odds.
    """

    run_id: int
    as_of: datetime
    question: str
    item: str
    probability: float
    band: str
    model_version: str
    bundle: str
    base: float | None
    parts: dict[str, float]


@dataclass(frozen=True)
class TwoRuns:
    """An account's scores in the current run and in the run before it, which is None where there is none."""

    run: RunInfo
    now: tuple[Explained, ...]
    before_id: int | None
    before: tuple[Explained, ...]


def now_and_before(store: Store, account_id: str) -> TwoRuns:
    """An account's scores with their contributions, in the current run and the run before it.

    Raises:
        NotFound: nothing was published, or the account was not scored in the current run.
    """
    with store.database.reading() as connection:
        run = read.run_info(connection)
        if run is None:
            raise NothingPublished("nothing was scored yet", where=store.database.name, do="run `revml score`")
        now = explained(connection, run.id, account_id)
        if not now:
            raise _not_scored(connection, run, account_id)
        earlier = run_before(connection, run)
        before = () if earlier is None else explained(connection, earlier, account_id)
    return TwoRuns(run, now, earlier, before)


def _not_scored(connection: Connection, run: RunInfo, account_id: str) -> NotFound:
    read.detail(connection, run, account_id)  # says so where the run does not know it at all
    return NotFound(
        "no question was asked about this account, so it has no score",
        where=f"run {run.id} as of {run.as_of:%Y-%m-%d}",
        wanted="an account at risk of one of the questions",
        got=account_id,
        do="`revml preview` tells whom the questions are about",
    )


def run_before(connection: Connection, run: RunInfo) -> int | None:
    """The newest run that looked from an earlier day and was not withdrawn: what a published trend compares with."""
    found = connection.execute(
        select(runs.c.id)
        .where(runs.c.as_of < run.as_of, runs.c.id < run.id, ~runs.c.withdrawn)
        .order_by(runs.c.as_of.desc(), runs.c.id.desc())
        .limit(1)
    ).scalar()
    return None if found is None else int(found)


def explained(connection: Connection, run_id: int, account_id: str) -> tuple[Explained, ...]:
    """All scores of an account in a run, with their contributions."""
    same_model = and_(models.c.run_id == scores.c.run_id, models.c.question == scores.c.question)
    same_names = and_(concepts.c.run_id == scores.c.run_id, concepts.c.question == scores.c.question)
    same_score = and_(
        contributions.c.run_id == scores.c.run_id,
        contributions.c.account_id == scores.c.account_id,
        contributions.c.question == scores.c.question,
        contributions.c.item == scores.c.item,
    )
    found = connection.execute(
        select(
            scores.c.run_id,
            runs.c.as_of,
            scores.c.question,
            scores.c.item,
            scores.c.probability,
            scores.c.band,
            scores.c.model_version,
            models.c.bundle,
            concepts.c.base,
            concepts.c.names,
            contributions.c.parts,
        )
        .select_from(
            scores.join(runs, runs.c.id == scores.c.run_id)
            .join(models, same_model)
            .outerjoin(concepts, same_names)
            .outerjoin(contributions, same_score)
        )
        .where(scores.c.run_id == run_id, scores.c.account_id == account_id)
        .order_by(scores.c.question, scores.c.expected_money.desc(), scores.c.item)
    ).mappings()
    out = []
    for row in found:
        told = {name: row[name] for name in Explained.__dataclass_fields__ if name not in ("base", "parts")}
        there = row["names"] is not None and row["parts"] is not None
        parts = dict(zip(row["names"], row["parts"], strict=True)) if there else {}
        out.append(Explained(**told, base=row["base"] if there else None, parts=parts))
    return tuple(out)
