"""Reading runs: lists by money or probability with keyset paging, one account, totals, facets.

Every function takes a connection that sees one state of the database (`Database.reading`) and a run that is in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Select, and_, func, or_, select

from revml.config import QUESTIONS
from revml.errors import NotFound
from revml.store.cursor import Cursor
from revml.store.frames import BANDS, fold
from revml.store.runs import HORIZON_COLUMNS
from revml.store.schema import accounts, clv, current, models, reasons, reports, runs, scores
from revml.store.views import (
    Account,
    AccountDetail,
    BandTotal,
    Facets,
    Horizon,
    ListedAccount,
    ModelInfo,
    Order,
    Page,
    PastScore,
    QuestionTotal,
    Reason,
    Report,
    RunInfo,
    Score,
    Totals,
)
from revml.store.worth import worth

# order: the column it sorts by, and whether the greatest comes first
SORTED_BY: dict[Order, tuple[ColumnElement[Any], bool]] = {
    "expected_money": (scores.c.expected_money, True),
    "probability": (scores.c.probability, True),
    "change": (scores.c.change, True),
    "clv": (accounts.c.clv_key, True),
    "name": (accounts.c.name_key, False),
}
FILTERS: dict[str, ColumnElement[Any]] = {
    "band": scores.c.band,
    "owner": accounts.c.owner,
    "industry": accounts.c.industry,
    "country": accounts.c.country,
    "item": scores.c.item,
    "attention": scores.c.attention,
}
OF_SCORE = ("band", "item", "attention")  # filters that need no account
ACCOUNT = tuple(accounts.c[name] for name in Account.__dataclass_fields__)
_SCORED = tuple(name for name in Score.__dataclass_fields__ if name != "horizons")
SCORE = tuple(scores.c[name] for name in (*_SCORED, *HORIZON_COLUMNS.values()))
JOINED = scores.join(accounts, and_(accounts.c.run_id == scores.c.run_id, accounts.c.account_id == scores.c.account_id))


def run_info(connection: Connection, run_id: int | None = None) -> RunInfo | None:
    """A run by its number, or the current one; None where there is none."""
    if run_id is None:
        run_id = connection.execute(select(current.c.run_id)).scalar()
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
    if row is None:
        return None
    found = connection.execute(select(models).where(models.c.run_id == run_id).order_by(models.c.question)).mappings()
    return RunInfo(**row, models=tuple(_model(m) for m in found))


def all_runs(connection: Connection) -> tuple[RunInfo, ...]:
    """Every run that is kept, newest first."""
    by_run: dict[int, list[ModelInfo]] = {}
    for row in connection.execute(select(models).order_by(models.c.run_id, models.c.question)).mappings():
        by_run.setdefault(row["run_id"], []).append(_model(row))
    return tuple(
        RunInfo(**row, models=tuple(by_run.get(row["id"], ())))
        for row in connection.execute(select(runs).order_by(runs.c.id.desc())).mappings()
    )


def edition(connection: Connection, run: RunInfo) -> str:
    """Which run is current, and which others are there and count."""
    kept = connection.execute(select(runs.c.id, runs.c.withdrawn).order_by(runs.c.id))
    told = ",".join(f"{row.id}{'x' if row.withdrawn else ''}" for row in kept)
    return f"{run.id} {run.published_at.isoformat()} {told}"


def page(
    connection: Connection,
    run: RunInfo,
    question: str,
    *,
    order: Order,
    reverse: bool,
    after: Cursor | None,
    limit: int,
    search: str | None,
    filters: Mapping[str, str | None],
    counted: bool = True,
) -> Page:
    """One page of the accounts scored for a question; `total` is 0 where nobody asks for the count."""
    column, greatest_first = SORTED_BY[order]
    if order == "expected_money" and not _has_money(connection, run.id, question):
        column = scores.c.probability  # nothing is known of money: the most likely come first
    descending = greatest_first != reverse
    chosen = [scores.c.run_id == run.id, scores.c.question == question]
    chosen += [FILTERS[name] == value for name, value in filters.items() if value is not None]
    for word in fold(search or "").split():
        chosen.append(accounts.c.search_key.contains(word, autoescape=True))
    among = JOINED if search or any(filters[name] for name in filters if name not in OF_SCORE) else scores
    count = select(func.count()).select_from(among).where(*chosen)
    total = connection.execute(count).scalar_one() if counted else 0
    query: Select[Any] = select(*ACCOUNT, *SCORE, column.label("sort_key")).select_from(JOINED).where(*chosen)
    if after is not None:
        beyond = column < after.key if descending else column > after.key
        later = or_(
            scores.c.account_id > after.account_id,
            and_(scores.c.account_id == after.account_id, scores.c.item > after.item),
        )
        reached = column <= after.key if descending else column >= after.key  # where an index begins to read
        query = query.where(reached, or_(beyond, and_(column == after.key, later)))
    first = column.desc() if descending else column.asc()
    query = query.order_by(first, scores.c.account_id, scores.c.item).limit(limit + 1)
    found = connection.execute(query).all()
    shown = found[:limit]
    tops = _top_reasons(connection, run.id, question, [row.account_id for row in shown])
    cursor = None
    if len(found) > limit:
        last = shown[-1]
        cursor = Cursor(run.id, question, order, reverse, last.sort_key, last.account_id, last.item).text()
    return Page(
        run=run,
        rows=tuple(
            ListedAccount(account_of(row), score_of(row._mapping, run), tops.get((row.account_id, row.item)))
            for row in shown
        ),
        total=total,
        after=cursor,
    )


def _has_money(connection: Connection, run_id: int, question: str) -> bool:
    mine = select(scores.c.account_id).where(
        scores.c.run_id == run_id, scores.c.question == question, scores.c.expected_money != 0
    )
    return connection.execute(mine.limit(1)).first() is not None


def detail(connection: Connection, run: RunInfo, account_id: str) -> AccountDetail:
    """All that a run says about one account.

    Raises:
        NotFound: the account is not in the run.
    """

    def of(table: Any, *ordered: Any) -> Any:
        here = select(table).where(table.c.run_id == run.id, table.c.account_id == account_id)
        return connection.execute(here.order_by(*ordered)).mappings()

    row = connection.execute(
        select(*ACCOUNT).where(accounts.c.run_id == run.id, accounts.c.account_id == account_id)
    ).first()
    if row is None:
        raise NotFound(
            "no such account in the current scores",
            where=f"run {run.id} as of {run.as_of:%Y-%m-%d}",
            wanted="the id of an account that was a customer then",
            got=account_id,
            do="search for it in the list; ids are case-sensitive",
        )
    return AccountDetail(
        run=run,
        account=account_of(row),
        scores=tuple(
            score_of(s, run) for s in of(scores, scores.c.question, scores.c.expected_money.desc(), scores.c.item)
        ),
        reasons=tuple(reason_of(r) for r in of(reasons, reasons.c.question, reasons.c.item, reasons.c.rank)),
        history=history(connection, run, account_id),
        **worth(of, main_horizon(connection, run)),
    )


def main_horizon(connection: Connection, run: RunInfo) -> int:
    """The longest horizon of a run's lifetime values in months, 0 where it has none."""
    return int(connection.execute(select(func.max(clv.c.horizon_months)).where(clv.c.run_id == run.id)).scalar() or 0)


def report(connection: Connection, run: RunInfo, name: str) -> Report:
    """A document of a run.

    Raises:
        NotFound: the run has no such document.
    """
    here = select(reports.c.name, reports.c.body).where(reports.c.run_id == run.id)
    found = {row.name: row.body for row in connection.execute(here.where(reports.c.name == name))}
    if name not in found:
        raise NotFound(
            f"this run has no {name}",
            where=f"run {run.id} as of {run.as_of:%Y-%m-%d}",
            wanted=", ".join(sorted(row.name for row in connection.execute(here))) or "a run with reports",
            got=name,
            do="publish again with `revml score` or `revml forecast`",
        )
    return Report(run, name, found[name])


def history(connection: Connection, run: RunInfo, account_id: str) -> tuple[PastScore, ...]:
    """The account's probabilities, oldest first: the newest run of each day up to `run`, withdrawn ones left out."""
    found = connection.execute(
        select(
            scores.c.question,
            scores.c.item,
            scores.c.run_id,
            runs.c.as_of,
            scores.c.probability,
            scores.c.band,
            scores.c.model_version,
        )
        .join_from(scores, runs, runs.c.id == scores.c.run_id)
        .where(scores.c.account_id == account_id, or_(scores.c.run_id == run.id, ~runs.c.withdrawn))
        .where(runs.c.as_of <= run.as_of, scores.c.run_id <= run.id)
        .order_by(scores.c.question, scores.c.item, runs.c.as_of, scores.c.run_id)
    ).all()
    newest = {(row.question, row.item, row.as_of): row for row in found}
    return tuple(PastScore(**row._mapping) for row in newest.values())


def totals(connection: Connection, run: RunInfo) -> Totals:
    """Sums by question (in the order of `config.QUESTIONS`) and band, and the CLV of all accounts."""
    change = func.sum(scores.c.change * _money_of_one())
    found = connection.execute(
        select(
            scores.c.question,
            scores.c.band,
            func.count().label("n"),
            func.coalesce(func.sum(scores.c.money), 0.0).label("money"),
            func.count(scores.c.money).label("known"),
            func.sum(scores.c.expected_money).label("expected"),
            change.label("moved"),
            func.count(scores.c.previous_probability).label("compared"),
        )
        .where(scores.c.run_id == run.id)
        .group_by(scores.c.question, scores.c.band)
    ).all()
    questions = []
    places = {name: place for place, name in enumerate(QUESTIONS)}
    for question in sorted({row.question for row in found}, key=lambda name: (places.get(name, len(places)), name)):
        bands = {row.band: BandTotal(row.n, row.money, row.expected) for row in found if row.question == question}
        ordered = {band: bands.get(band, BandTotal(0, 0.0, 0.0)) for band in BANDS}
        rows = [row for row in found if row.question == question]
        expected = sum(band.expected_money for band in bands.values())
        questions.append(
            QuestionTotal(
                question=question,
                accounts=sum(band.accounts for band in bands.values()),
                unknown_money=sum(row.n - row.known for row in rows),
                money=sum(band.money for band in bands.values()),
                money_at_risk=ordered["high"].money,
                expected_money=expected,
                previous_expected_money=expected - sum(r.moved for r in rows)
                if any(r.compared for r in rows)
                else None,
                bands=ordered,
            )
        )
    of_all = connection.execute(select(func.sum(accounts.c.clv)).where(accounts.c.run_id == run.id)).scalar()
    return Totals(run=run, accounts=run.accounts, clv=of_all, questions=tuple(questions))


def facets(connection: Connection, run: RunInfo, question: str) -> Facets:
    """The values of each filter among the accounts scored for a question."""

    here = (scores.c.run_id == run.id, scores.c.question == question)
    found: dict[str, Counter[str]] = {name: Counter() for name in FILTERS}
    for name in OF_SCORE:
        counted = select(scores.c[name], func.count()).where(*here).group_by(scores.c[name])
        found[name].update({value: n for value, n in connection.execute(counted) if value})
    profile = [accounts.c[name] for name in FILTERS if name not in OF_SCORE]
    # One pass over the join for all filters: their combinations are few, or as many as there are accounts at worst.
    for *values, n in connection.execute(
        select(*profile, func.count()).select_from(JOINED).where(*here).group_by(*profile)
    ):
        for column, value in zip(profile, values, strict=True):
            if value is not None:
                found[column.name][value] += n
    return Facets(
        **{name: tuple(sorted(of.items(), key=lambda pair: (-pair[1], pair[0]))) for name, of in found.items()}
    )


def _money_of_one() -> ColumnElement[Any]:
    """What one point of probability is worth: expected money is the probability times this."""
    return func.coalesce(scores.c.expected_money / func.nullif(scores.c.probability, 0.0), 0.0)


def _top_reasons(connection: Connection, run_id: int, question: str, ids: list[str]) -> dict[tuple[str, str], Reason]:
    found = connection.execute(
        select(reasons)
        .where(reasons.c.run_id == run_id, reasons.c.question == question, reasons.c.account_id.in_(ids))
        .order_by(reasons.c.account_id, reasons.c.item, reasons.c.rank)
    ).mappings()
    best: dict[tuple[str, str], Reason] = {}
    for row in found:
        key = (row["account_id"], row["item"])
        known = best.get(key)
        if known is None or (known.side != "raises" and row["side"] == "raises"):
            best[key] = reason_of(row)
    return best


def account_of(row: Row[Any]) -> Account:
    """An account out of a row with the columns `ACCOUNT`."""
    return Account(**_only(row._mapping, Account))


def _model(row: RowMapping) -> ModelInfo:
    told = _without(row, "run_id")
    days = told["extrapolated_days"]
    return ModelInfo(**told | {"extrapolated_days": None if days is None else tuple(days)})


def score_of(row: RowMapping, run: RunInfo) -> Score:
    """A score out of a row of its table."""
    model = next((model for model in run.models if model.question == row["question"]), None)
    told = {name: row[name] for name in _SCORED}
    if told["money"] is None:
        told["expected_money"] = None  # the column holds what sorts and adds up
    return Score(**told, horizons=() if model is None else _horizons(row, model))


def _horizons(row: RowMapping, model: ModelInfo) -> tuple[Horizon, ...]:
    if model.extrapolated_days is None:
        return ()
    found = {days: row[name] for days, name in HORIZON_COLUMNS.items() if row[name] is not None}
    if not found:
        return ()
    found[model.horizon_days] = row["probability"]
    return tuple(Horizon(days, found[days], days in model.extrapolated_days) for days in sorted(found))


def reason_of(row: RowMapping) -> Reason:
    """A reason out of a row of its table."""
    plain = _without(row, "run_id", "account_id")
    return Reason(**plain | {name: json.loads(plain[name] or "null") for name in ("value", "past", "peers")})


def _only(row: RowMapping, record: type) -> dict[str, Any]:
    return {name: row[name] for name in record.__dataclass_fields__}  # type: ignore[attr-defined]


def _without(row: RowMapping, *names: str) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if name not in names}
