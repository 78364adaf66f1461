"""A run's scores: a row an account (and item) and question, the strongest reason in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from revml.exports.streams import Rows
from revml.store import Store
from revml.store.runs import HORIZON_COLUMNS
from revml.store.views import ListedAccount, RunInfo

SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("name", pa.string()),
        ("question", pa.string()),
        ("item", pa.string()),  # the product family of a cross-sell, else empty
        ("probability", pa.float64()),
        ("change", pa.float64()),  # against the run before, empty where there was none
        ("percentile", pa.float64()),
        ("band", pa.string()),
        ("money", pa.float64()),  # a year's, empty where it is not known
        ("expected_money", pa.float64()),  # lost or gained a year
        ("currency", pa.string()),
        ("reason", pa.string()),
        ("mrr", pa.float64()),
        ("order_revenue_12m", pa.float64()),
        ("clv", pa.float64()),
        ("owner", pa.string()),
        ("industry", pa.string()),
        ("country", pa.string()),
        ("region", pa.string()),
        ("parent_account_id", pa.string()),
        ("customer_since", pa.timestamp("us")),
        ("as_of", pa.timestamp("us")),
        ("model_version", pa.string()),
        ("run", pa.int64()),
        *((name, pa.float64()) for name in HORIZON_COLUMNS.values()),  # empty where the question has one horizon
        ("attention", pa.string()),  # treated, held_out, neither lately; empty where nothing is known of plays
    ]
)


def score_rows(store: Store, run: RunInfo, question: str | None, language: str) -> Iterator[Rows]:
    """A run's scores, question by question, within a question the most money first; a page at a time.

    Raises:
        NotFound: the question was not scored.
        StoreError: the run was deleted meanwhile.
    """
    for asked in [question] if question else [model.question for model in run.models]:
        for page in store.score_pages(run, asked):
            yield [export_row(run, listed, language) for listed in page]


def export_row(run: RunInfo, listed: ListedAccount, language: str) -> dict[str, Any]:
    """An account and question as a row of an export, columns in the order of `SCHEMA`."""
    account, score, reason = listed.account, listed.score, listed.reason
    others = {horizon.days: horizon.probability for horizon in score.horizons}
    return {
        "account_id": account.account_id,
        "name": account.name,
        "question": score.question,
        "item": score.item or None,
        "probability": round(score.probability, 6),
        "change": None if score.change is None else round(score.change, 6),
        "percentile": round(score.percentile, 2),
        "band": score.band,
        "money": None if score.money is None else round(score.money, 2),
        "expected_money": None if score.expected_money is None else round(score.expected_money, 2),
        "currency": run.currency,
        "reason": reason.text(language) if reason else None,
        "mrr": round(account.mrr, 2),
        "order_revenue_12m": round(account.order_revenue_12m, 2),
        "clv": None if account.clv is None else round(account.clv, 2),
        "owner": account.owner,
        "industry": account.industry,
        "country": account.country,
        "region": account.region,
        "parent_account_id": account.parent_account_id,
        "customer_since": account.customer_since,
        "as_of": run.as_of,
        "model_version": score.model_version,
        "run": run.id,
        **{name: None if days not in others else round(others[days], 6) for days, name in HORIZON_COLUMNS.items()},
        "attention": score.attention,
    }
