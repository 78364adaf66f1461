"""A run's lifetime values: a row an account and horizon, or an account, relation and horizon.

Horizons lie within one another: a reader who wants one figure an account takes the rows where `main` is true, whose
sum over accounts is the company's. Quantiles do not add up. Money is in the run's currency, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from revml.clv.cautions import caution_words
from revml.exports.streams import Rows
from revml.store import Store
from revml.store.views import RunInfo

_NUMBERS = ("clv", "clv_p10", "clv_p50", "clv_p90")
_PARTS = ("base", "expansion", "contraction", "referral")  # base + expansion - contraction + referral = clv
_AFTER = ("expected_revenue", "extrapolated_share")
_OF_ACCOUNT = ("with_children", "acquisition_cost", "ltv_cac", "payback_months", "referral_value")
_HEAD = [
    ("account_id", pa.string()),
    ("name", pa.string()),
    ("horizon_months", pa.int64()),
    ("main", pa.bool_()),  # the longest horizon, at which the account has its one value
]
_TAIL = [
    ("currency", pa.string()),
    ("discount_rate", pa.float64()),
    ("owner", pa.string()),
    ("parent_account_id", pa.string()),
    ("as_of", pa.timestamp("us")),
    ("run", pa.int64()),
]
# of an account that orders: the day by which an order is as likely as not, and how likely one is by then
_COMING = [("next_order", pa.timestamp("us")), ("p_order_3m", pa.float64()), ("p_order_12m", pa.float64())]
VALUES = pa.schema(
    [*_HEAD, *((n, pa.float64()) for n in (*_NUMBERS, *_PARTS, *_AFTER, *_OF_ACCOUNT)), *_COMING, *_TAIL]
)
RELATIONS = pa.schema(
    [
        *_HEAD,
        ("relation", pa.string()),
        *((name, pa.float64()) for name in (*_NUMBERS, *_PARTS, *_AFTER, "p_alive")),
        ("warning", pa.string()),
        *_TAIL,
    ]
)
SHARES = ("extrapolated_share", "p_alive", "p_order_3m", "p_order_12m")


def value_rows(store: Store, run: RunInfo, *, by_relation: bool, language: str) -> Iterator[Rows]:
    """A run's lifetime values, by account and horizon, or by relation too; a page at a time.

    Raises:
        StoreError: the run was deleted meanwhile.
    """
    main = store.main_horizon(run)
    about = {"currency": run.currency, "discount_rate": run.discount_rate, "as_of": run.as_of, "run": run.id}
    for page in store.value_pages(run, by_relation=by_relation):
        yield [
            {name: _cell(name, value, language) for name, value in row.items()}
            | {"main": row["horizon_months"] == main, **about}
            for row in page
        ]


def _cell(name: str, value: Any, language: str) -> Any:
    if isinstance(value, float):
        return round(value, 6 if name in SHARES else 2)
    return caution_words(value, language) if name == "warning" else value
