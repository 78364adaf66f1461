"""A run's expected monthly flows: a row an account, relation and month."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from revml.exports.streams import Rows
from revml.store import Store
from revml.store.views import RunInfo

MONEY = ("expected_revenue", "discounted_margin", "revenue_p10", "revenue_p50", "revenue_p90")
SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("name", pa.string()),
        ("relation", pa.string()),
        ("month", pa.int64()),  # counts from 1, the month after as_of
        ("survival", pa.float64()),
        *((name, pa.float64()) for name in MONEY),  # quantiles are empty where they were not simulated
        ("currency", pa.string()),
        ("as_of", pa.timestamp("us")),
        ("run", pa.int64()),
    ]
)


def flow_rows(store: Store, run: RunInfo) -> Iterator[Rows]:
    """A run's flows by account, relation and month; a page at a time.

    Raises:
        StoreError: the run was deleted meanwhile.
    """
    about = {"currency": run.currency, "as_of": run.as_of, "run": run.id}
    for page in store.flow_pages(run):
        for row in page:
            row |= about
            row["survival"] = None if row["survival"] is None else round(row["survival"], 6)
            row |= {name: None if row[name] is None else round(row[name], 2) for name in MONEY}
        yield page
