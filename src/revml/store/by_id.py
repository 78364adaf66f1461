"""Published scores of accounts by their ids, in the order in which they were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from revml.store import read
from revml.store.schema import accounts, reasons, scores
from revml.store.views import Account, Reason, RunInfo, Score, ScoredAccount

MAX_IDS = 1000


def scored_accounts(
    connection: Connection, run: RunInfo, ids: Sequence[str], *, question: str | None, top: int
) -> tuple[ScoredAccount, ...]:
    """The accounts of `ids` that the run knows, each with its scores and at most `top` reasons a score."""
    known: dict[str, Account] = {
        row.account_id: read.account_of(row)
        for row in connection.execute(
            select(*read.ACCOUNT).where(accounts.c.run_id == run.id, accounts.c.account_id.in_(ids))
        )
    }
    asked = [scores.c.run_id == run.id, scores.c.account_id.in_(ids)]
    if question is not None:
        asked.append(scores.c.question == question)
    ordered = select(scores).where(*asked).order_by(scores.c.question, scores.c.expected_money.desc(), scores.c.item)
    by_account: dict[str, list[Score]] = {}
    for row in connection.execute(ordered).mappings():
        by_account.setdefault(row["account_id"], []).append(read.score_of(row, run))
    told: dict[str, list[Reason]] = {}
    if top:
        why = [reasons.c.run_id == run.id, reasons.c.account_id.in_(ids), reasons.c.rank <= top]
        if question is not None:
            why.append(reasons.c.question == question)
        found = select(reasons).where(*why).order_by(reasons.c.question, reasons.c.item, reasons.c.rank)
        for row in connection.execute(found).mappings():
            told.setdefault(row["account_id"], []).append(read.reason_of(row))
    return tuple(
        ScoredAccount(known[one], tuple(by_account.get(one, ())), tuple(told.get(one, ())))
        for one in dict.fromkeys(ids)
        if one in known
    )
