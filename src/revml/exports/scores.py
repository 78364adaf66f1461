"""The current run's scores as one table: a row an account (and item) and question, the strongest reason in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from revml.errors import ConfigError, NotFound, StoreError
from revml.exports.files import write_csv, write_parquet
from revml.store import Store
from revml.store.runs import HORIZON_COLUMNS
from revml.store.scores import MAX_LIMIT
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
    ]
)
WRITERS = (".csv", ".parquet")


def export_scores(
    store: Store, path: Path, *, question: str | None = None, language: str = "en", bom: bool = False
) -> int:
    """Write the current run's scores as CSV or Parquet, by the ending of the file; returns the rows.

    Args:
        question: one question; absent means all of the run.
        language: of the reasons.
        bom: CSV only: begin with a byte order mark, which Excel needs to read UTF-8.

    Raises:
        ConfigError: the file ends in neither .csv nor .parquet.
        NotFound: nothing was scored yet, or not this question.
        DataError: the file cannot be written.
    """
    return write(lambda: score_table(store, question=question, language=language), path, bom=bom)


def write(make: Callable[[], pa.Table], path: Path, *, bom: bool = False) -> int:
    """Make a table and write it as CSV or Parquet, by the ending of the file; returns the rows.

    Raises:
        ConfigError: the file ends in neither .csv nor .parquet; nothing was made then.
        DataError: the file cannot be written.
    """
    if path.suffix.lower() not in WRITERS:
        raise ConfigError(
            "the ending of the file does not tell its form",
            where=str(path),
            wanted=" or ".join(WRITERS),
            got=path.suffix or "no ending",
            do=f"write {path.with_suffix('.csv').name}",
        )
    table = make()
    return write_parquet(table, path) if path.suffix.lower() == ".parquet" else write_csv(table, path, bom=bom)


def score_table(store: Store, *, question: str | None = None, language: str = "en") -> pa.Table:
    """The current run's scores, question by question, within a question the most money first.

    Raises:
        NotFound: nothing was scored yet, or not this question.
        StoreError: another run was published meanwhile.
    """
    run = store.current()
    if run is None:
        raise NotFound("nothing was scored yet", wanted="a published run", do="run `revml score`")
    questions = [question] if question else [model.question for model in run.models]
    rows = [export_row(run, listed, language) for asked in questions for listed in _listed(store, run, asked)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _listed(store: Store, run: RunInfo, question: str) -> Iterator[ListedAccount]:
    after: str | None = None
    while True:
        page = store.accounts(question, after=after, limit=MAX_LIMIT)
        if page.run.id != run.id:
            raise StoreError(
                "another run was published meanwhile",
                where="export",
                wanted=f"run {run.id}",
                got=f"run {page.run.id}",
                do="export again",
            )
        yield from page.rows
        if (after := page.after) is None:
            return


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
    }
