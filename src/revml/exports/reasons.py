"""A run's reasons: a row an account (and item), question and rank, with the figures that the sentence was made of.

A feature is a number or a category: `value`, `past` and `peers` are numbers, `value_text` and the like categories.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from revml.exports.streams import Rows
from revml.store import Store
from revml.store.views import RunInfo

FIGURES = ("value", "past", "peers")
SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("name", pa.string()),
        ("question", pa.string()),
        ("item", pa.string()),  # the product family of a cross-sell, else empty
        ("rank", pa.int64()),  # 1 is the strongest
        ("concept", pa.string()),
        ("side", pa.string()),  # raises or lowers the probability
        ("contribution", pa.float64()),  # log-odds
        ("reason", pa.string()),
        ("feature", pa.string()),
        *((name, pa.float64()) for name in FIGURES),
        *((f"{name}_text", pa.string()) for name in FIGURES),
        ("as_of", pa.timestamp("us")),
        ("run", pa.int64()),
    ]
)


def reason_rows(store: Store, run: RunInfo, question: str | None, language: str) -> Iterator[Rows]:
    """A run's reasons by account, question, item and rank; a page at a time.

    Raises:
        NotFound: the question was not scored.
        StoreError: the run was deleted meanwhile.
    """
    for page in store.reason_pages(run, question):
        yield [_row(run, row, language) for row in page]


def _row(run: RunInfo, row: dict[str, Any], language: str) -> dict[str, Any]:
    plain = ("account_id", "name", "question", "rank", "concept", "side", "feature")
    told: dict[str, Any] = {name: row[name] for name in plain}
    for name in FIGURES:
        value = row[name]
        told[name] = float(value) if isinstance(value, int | float) else None
        told[f"{name}_text"] = value if isinstance(value, str) else None
    return told | {
        "item": row["item"] or None,
        "contribution": round(row["contribution"], 6),
        "reason": row[f"text_{language}"],
        "as_of": run.as_of,
        "run": run.id,
    }
