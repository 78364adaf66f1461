"""Where a page of a list ended: enough to begin the next page in the same run, whatever was published since."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from math import isfinite

from revml.errors import StoreError


class PageError(StoreError):
    """A list was asked for in a way that it cannot be given; `where` names the parameter."""


@dataclass(frozen=True)
class Cursor:
    """The last row of a page: its run, question, order, sort key, account and item.

    >>> cursor = Cursor(3, "churn", "name", False, "škoda", "a-1")
    >>> Cursor.read(cursor.text()) == cursor
    True
    """

    run_id: int
    question: str
    order: str
    reverse: bool
    key: float | str
    account_id: str
    item: str = ""

    def text(self) -> str:
        """The cursor as text that fits into an address."""
        fields = [self.run_id, self.question, self.order, self.reverse, self.key, self.account_id, self.item]
        packed = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Read a cursor.

        Raises:
            PageError: the text is no cursor.
        """
        try:
            run_id, question, order, reverse, key, account_id, item = json.loads(
                base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            )
            if not (
                isinstance(run_id, int)
                and isinstance(reverse, bool)
                and isinstance(account_id, str)
                and isinstance(item, str)
            ):
                raise TypeError
            if not isinstance(key, str if order == "name" else int | float) or isinstance(key, bool):
                raise TypeError
            if isinstance(run_id, bool) or not 0 <= run_id < 2**31 or not all(map(_storable, (key, account_id, item))):
                raise ValueError
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise PageError(
                "this is not the cursor of a page",
                where="after",
                wanted="the `after` that the page before gave",
                got=text[:80],
                do="leave it out to begin at the first page",
            ) from None
        return cls(run_id, str(question), str(order), reverse, key if order == "name" else float(key), account_id, item)


def _storable(value: float | str) -> bool:
    """Whether a database takes the value: no half surrogates, no NUL, no number beyond float64."""
    if not isinstance(value, str):
        return isfinite(value)
    return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
