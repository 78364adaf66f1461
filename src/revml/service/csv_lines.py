"""A list as CSV (RFC 4180, UTF-8 with a byte order mark for spreadsheets), page by page out of one run.

The rows are those of `revml export`: the same columns, the same care for texts that a spreadsheet would run.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from typing import Any

from revml.exports.files import neutral
from revml.exports.scores import SCHEMA, export_row
from revml.store.views import Page

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def csv_lines(
    first: Page, page: Callable[[str | None], Page], language: str, hidden: frozenset[str] = frozenset()
) -> Iterator[bytes]:
    """The list in pieces; `page` gives the page after a cursor; columns of `hidden` are empty."""
    yield BYTE_ORDER_MARK + _lines([SCHEMA.names])
    shown = first
    while True:
        rows = [export_row(shown.run, row, language) for row in shown.rows]
        yield _lines([[None if name in hidden else value for name, value in row.items()] for row in rows])
        if shown.after is None:
            return
        shown = page(shown.after)


def _lines(rows: list[list[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return neutral(value)
    return value.isoformat() if isinstance(value, datetime) else value
