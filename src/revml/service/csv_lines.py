"""A list as CSV (RFC 4180, UTF-8 with a byte order mark for spreadsheets), page by page out of one run.

The columns are those of `revml export`. A text that a spreadsheet would run as a formula gets a leading apostrophe;
numbers and times are left alone.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from typing import Any

from revml.store.views import ListedAccount, Page, RunInfo

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: dict[str, Callable[[RunInfo, ListedAccount, str], Any]] = {
    "account_id": lambda _run, row, _language: row.account.account_id,
    "name": lambda _run, row, _language: row.account.name,
    "question": lambda _run, row, _language: row.score.question,
    "probability": lambda _run, row, _language: round(row.score.probability, 6),
    "change": lambda _run, row, _language: None if row.score.change is None else round(row.score.change, 6),
    "percentile": lambda _run, row, _language: round(row.score.percentile, 2),
    "band": lambda _run, row, _language: row.score.band,
    "money": lambda _run, row, _language: round(row.score.money, 2),
    "expected_money": lambda _run, row, _language: round(row.score.expected_money, 2),
    "currency": lambda run, _row, _language: run.currency,
    "reason": lambda _run, row, language: row.reason.text(language) if row.reason else None,
    "mrr": lambda _run, row, _language: round(row.account.mrr, 2),
    "order_revenue_12m": lambda _run, row, _language: round(row.account.order_revenue_12m, 2),
    "clv": lambda _run, row, _language: None if row.account.clv is None else round(row.account.clv, 2),
    "owner": lambda _run, row, _language: row.account.owner,
    "industry": lambda _run, row, _language: row.account.industry,
    "country": lambda _run, row, _language: row.account.country,
    "region": lambda _run, row, _language: row.account.region,
    "parent_account_id": lambda _run, row, _language: row.account.parent_account_id,
    "customer_since": lambda _run, row, _language: row.account.customer_since,
    "as_of": lambda run, _row, _language: run.as_of,
    "model_version": lambda _run, row, _language: row.score.model_version,
    "run": lambda run, _row, _language: run.id,
}


def csv_lines(first: Page, page: Callable[[str | None], Page], language: str) -> Iterator[bytes]:
    """The list in pieces; `page` gives the page after a cursor."""
    yield BYTE_ORDER_MARK + _lines([list(COLUMNS)])
    shown = first
    while True:
        yield _lines([[column(shown.run, row, language) for column in COLUMNS.values()] for row in shown.rows])
        if shown.after is None:
            return
        shown = page(shown.after)


def _lines(rows: list[list[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return value.isoformat() if isinstance(value, datetime) else value
