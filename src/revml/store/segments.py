"""Sums of a question by segment: what stands behind the totals, by a column of the account or of its score."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from revml.store.read import JOINED
from revml.store.schema import accounts, scores
from revml.store.views import RunInfo, SegmentTotal

SEGMENTED_BY: dict[str, ColumnElement[Any]] = {
    "industry": accounts.c.industry,
    "country": accounts.c.country,
    "region": accounts.c.region,
    "owner": accounts.c.owner,
    "band": scores.c.band,
    "item": scores.c.item,
    "attention": scores.c.attention,
}


def segment_totals(connection: Connection, run: RunInfo, question: str, by: str) -> tuple[SegmentTotal, ...]:
    """All segments, the most expected money first, ties by name; `value` is None where it is not known."""
    of = SEGMENTED_BY[by]
    high = scores.c.band == "high"
    found = connection.execute(
        select(
            of.label("value"),
            func.count().label("accounts"),
            func.sum(case((high, 1), else_=0)).label("high"),
            func.coalesce(func.sum(scores.c.money), 0.0).label("money"),
            func.coalesce(func.sum(case((high, scores.c.money), else_=0.0)), 0.0).label("money_at_risk"),
            func.sum(scores.c.expected_money).label("expected_money"),
            (func.count() - func.count(scores.c.money)).label("unknown_money"),
            func.avg(scores.c.probability).label("mean_probability"),
        )
        .select_from(JOINED)
        .where(scores.c.run_id == run.id, scores.c.question == question)
        .group_by(of)
    ).mappings()
    rows = [SegmentTotal(**row) for row in found]
    return tuple(sorted(rows, key=lambda row: (-row.expected_money, row.value is None, row.value or "")))
