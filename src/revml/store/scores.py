"""`Store`: the scores database as the rest of revml sees it.

Writers publish a whole `ScoreRun` or roll back; readers get the run that `current` names, never half of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from types import TracebackType

from sqlalchemy import Connection

from revml.errors import NotFound, StoreError
from revml.store import publish, read, streaming
from revml.store.as_of import run_as_of
from revml.store.by_id import MAX_IDS, scored_accounts
from revml.store.cursor import Cursor, PageError
from revml.store.database import Database, open_database
from revml.store.forecast_inputs import ForecastInputs, forecast_inputs
from revml.store.runs import ScoreRun
from revml.store.segments import SEGMENTED_BY, segment_totals
from revml.store.views import (
    ORDERS,
    AccountDetail,
    Facets,
    ListedAccount,
    Order,
    Page,
    PastScore,
    Report,
    RunInfo,
    ScoredAccount,
    SegmentTotal,
    Totals,
)

KEEP_RUNS = 24
MAX_LIMIT = 1000


class NothingPublished(NotFound):
    """The scores database holds no run yet."""


@dataclass(frozen=True)
class Store:
    """An open scores database. Use it as a context manager, or `close()` it.

    Every reading call sees one state of the database, and raises `NothingPublished` before the first publish.
    """

    database: Database
    keep: int = KEEP_RUNS

    @classmethod
    def open(cls, url: str, *, keep: int = KEEP_RUNS) -> Store:
        """Open a database by its SQLAlchemy URL, make or migrate its tables; `keep` is how many runs are kept.

        Raises:
            StoreError: the address is wrong, the database is away, or a newer revml made it.
        """
        if keep < 1:
            raise StoreError("at least one run must be kept", wanted="keep of 1 or more", got=str(keep))
        return cls(open_database(url), keep)

    def publish(self, run: ScoreRun) -> int:
        """Write a run whole and make it the current one; returns its number.

        The trend of a score is against the newest run that looked from an earlier day. The newest `keep` runs stay.

        Raises:
            StoreError: a frame is broken, or the database is away or busy; nothing was written then.
        """
        return publish.publish(self.database, run, keep=self.keep)

    def rollback(self, run_id: int | None = None) -> int:
        """Make an earlier run current (the one before, if none is named), or a later one again; returns its number.

        Raises:
            NotFound: there is no such run.
            StoreError: there is no run before the current one.
        """
        return publish.roll_back(self.database, run_id)

    def current(self) -> RunInfo | None:
        """The run that readers see, None before the first publish."""
        with self.database.reading() as connection:
            return read.run_info(connection)

    def runs(self) -> tuple[RunInfo, ...]:
        """All runs that are kept, newest first."""
        with self.database.reading() as connection:
            return read.all_runs(connection)

    def accounts(
        self,
        question: str,
        *,
        order: Order = "expected_money",
        reverse: bool = False,
        after: str | None = None,
        limit: int = 50,
        search: str | None = None,
        band: str | None = None,
        owner: str | None = None,
        industry: str | None = None,
        country: str | None = None,
        item: str | None = None,
        attention: str | None = None,
    ) -> Page:
        """A page of the accounts scored for a question, of pairs (a cross-sell) an account and item a row.

        Args:
            order: expected_money, probability, change and clv begin with the greatest, name with A; ties by id.
            reverse: the other way round.
            after: the cursor of the page before; the list then stays in the run in which it began.
            limit: rows a page, 1 to 1000.
            search: words that name or id contain, without regard to case and accents.
            attention: treated, held_out or neither, as in `views.Score`.

        Raises:
            NothingPublished: no run was published.
            NotFound: the question was not scored in it.
            PageError: order or limit is unknown, the cursor is none, belongs to another list, or its run is gone.
        """
        if order not in ORDERS:
            raise PageError("no such order", where="order", wanted=", ".join(ORDERS), got=order)
        if not 1 <= limit <= MAX_LIMIT:
            raise PageError("a page cannot be that long", where="limit", wanted=f"1 to {MAX_LIMIT}", got=str(limit))
        cursor = Cursor.read(after) if after else None
        if cursor is not None and (cursor.question, cursor.order, cursor.reverse) != (question, order, reverse):
            raise PageError(
                "the cursor belongs to another list",
                where="after",
                wanted=f"question {question}, order {order}",
                got=f"question {cursor.question}, order {cursor.order}",
                do="leave `after` out when question or order change",
            )
        filters = {"band": band, "owner": owner, "industry": industry, "country": country, "item": item}
        filters["attention"] = attention
        with self.database.reading() as connection:
            run = _run(connection, self.database, cursor.run_id if cursor else None)
            _asked(run, question)
            return read.page(
                connection,
                run,
                question,
                order=order,
                reverse=reverse,
                after=cursor,
                limit=limit,
                search=search,
                filters=filters,
            )

    def every_account(self, question: str, **options: str | bool | None) -> Iterator[ListedAccount]:
        """All accounts of a list, page by page in one run; takes the options of `accounts` except the cursor."""
        after: str | None = None
        while True:
            page = self.accounts(question, after=after, limit=MAX_LIMIT, **options)  # type: ignore[arg-type]
            yield from page.rows
            if (after := page.after) is None:
                return

    def account(self, account_id: str, *, as_of: date | None = None) -> AccountDetail:
        """Scores, reasons, CLV, flows and history of one account, in the current run or in that of a day.

        Raises:
            NotFound: the account is not in the run, no run looked from that day or before, or there is none.
        """
        with self._current(as_of) as (connection, run):
            return read.detail(connection, run, account_id)

    def scored(
        self, ids: Sequence[str], *, question: str | None = None, as_of: date | None = None, reasons: int = 3
    ) -> tuple[RunInfo, tuple[ScoredAccount, ...]]:
        """Scores and reasons of some accounts, in the order asked for; ids that the run does not know are left out.

        Args:
            question: one; absent means all of the run.
            as_of: a day; the newest run that looked from it or from an earlier one.
            reasons: at most so many a score.

        Raises:
            PageError: more than 1,000 ids.
            NotFound: the question was not scored, no run looked from that day or before, or there is none.
        """
        if len(ids) > MAX_IDS:
            raise PageError("too many accounts", where="account_ids", wanted=f"at most {MAX_IDS}", got=str(len(ids)))
        with self._current(as_of) as (connection, run):
            if question is not None:
                _asked(run, question)
            return run, scored_accounts(connection, run, ids, question=question, top=reasons)

    def history(self, account_id: str) -> tuple[PastScore, ...]:
        """The account's probabilities over the runs, by question, oldest first; empty for an unknown account."""
        with self._current() as (connection, run):
            return read.history(connection, run, account_id)

    def segments(self, question: str, by: str) -> tuple[RunInfo, tuple[SegmentTotal, ...]]:
        """Sums of a question by one of `segments.SEGMENTED_BY`, the most expected money first.

        Raises:
            PageError: `by` is no kind of segment.
            NotFound: the question was not scored, or there is no run.
        """
        if by not in SEGMENTED_BY:
            raise PageError("no such kind of segment", where="by", wanted=", ".join(SEGMENTED_BY), got=by)
        with self._current() as (connection, run):
            _asked(run, question)
            return run, segment_totals(connection, run, question, by)

    def totals(self) -> Totals:
        """Money at risk, expected loss or gain and accounts by band, for each question; the CLV of all accounts."""
        with self._current() as (connection, run):
            return read.totals(connection, run)

    def score_pages(self, run: RunInfo, question: str) -> Iterator[tuple[ListedAccount, ...]]:
        """All scores of a question in a run, a page at a time, the most money first.

        Raises:
            NotFound: the question was not scored.
            StoreError: the run was deleted meanwhile.
        """
        _asked(run, question)
        return streaming.score_pages(self.database, run, question)

    def reason_pages(self, run: RunInfo, question: str | None = None) -> Iterator[streaming.Rows]:
        """All reasons of a run, a page at a time, by account; errors as `score_pages`."""
        if question is not None:
            _asked(run, question)
        return streaming.reason_pages(self.database, run, question)

    def value_pages(self, run: RunInfo, *, by_relation: bool = False) -> Iterator[streaming.Rows]:
        """All lifetime values of a run, a page at a time, by account and horizon; errors as `score_pages`.

        Args:
            by_relation: a row for each relation instead of one for all.
        """
        return streaming.value_pages(self.database, run, by_relation=by_relation)

    def flow_pages(self, run: RunInfo) -> Iterator[streaming.Rows]:
        """All expected monthly flows of a run, a page at a time; errors as `score_pages`."""
        return streaming.flow_pages(self.database, run)

    def main_horizon(self, run: RunInfo) -> int:
        """The longest horizon of a run's lifetime values in months, 0 where it has none."""
        with self.database.reading() as connection:
            return read.main_horizon(connection, run)

    def published(self) -> RunInfo:
        """The run that readers see.

        Raises:
            NothingPublished: there is none.
        """
        with self._current() as (_connection, run):
            return run

    def report(self, name: str) -> Report:
        """A whole document of the current run: `forecast`, `kpis` or `forecast_backtest`.

        Raises:
            NotFound: the run has no such document, or there is no run.
        """
        with self._current() as (connection, run):
            return read.report(connection, run, name)

    def edition(self) -> tuple[RunInfo, str]:
        """The run that readers see, and a text that changes with every publish, rollback and deletion of a run.

        Raises:
            NothingPublished: there is no run.
        """
        with self._current() as (connection, run):
            return run, read.edition(connection, run)

    def forecast_inputs(self, questions: Collection[str]) -> ForecastInputs:
        """What the current run's forecast took from the models of some questions, and what it came to.

        Raises:
            NotFound: there is no run.
        """
        with self._current() as (connection, run):
            return forecast_inputs(connection, run, questions)

    def facets(self, question: str) -> Facets:
        """The values by which a question's list can be filtered."""
        with self._current() as (connection, run):
            _asked(run, question)
            return read.facets(connection, run, question)

    @contextmanager
    def _current(self, as_of: date | None = None) -> Iterator[tuple[Connection, RunInfo]]:
        with self.database.reading() as connection:
            run = _run(connection, self.database)
            yield connection, run if as_of is None else run_as_of(connection, run, as_of)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _run(connection: Connection, database: Database, run_id: int | None = None) -> RunInfo:
    run = read.run_info(connection, run_id)
    if run is not None:
        return run
    if run_id is not None:
        raise PageError(
            "the run of this list is gone",
            where="after",
            got=f"run {run_id}",
            do="leave `after` out to begin again in the current run",
        )
    raise NothingPublished(
        "nothing was scored yet",
        where=database.name,
        wanted="a published run",
        got="an empty scores database",
        do="run `revml score`",
    )


def _asked(run: RunInfo, question: str) -> None:
    known = [model.question for model in run.models]
    if question not in known:
        raise NotFound(
            "this question was not scored",
            where=f"run {run.id} as of {run.as_of:%Y-%m-%d}",
            wanted=", ".join(known) or "a question",
            got=question,
            do=f"train a model with `revml train {question}` and score again" if question.isidentifier() else "",
        )
