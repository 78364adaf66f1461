"""The query string, read strictly: an unknown, repeated or malformed parameter is an answer that names it."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from datetime import date
from typing import cast

from starlette.requests import Request

from revml.config import QUESTIONS
from revml.locales import LANGUAGES
from revml.service.plain_text import is_plain
from revml.service.problems import Problem
from revml.service.visible import check_asked
from revml.store.views import ORDERS, Order

MAX_TEXT = 256
FILTERS = ("band", "owner", "industry", "country", "item", "attention")


class Parameters:
    """The parameters of one request."""

    def __init__(self, request: Request, known: Collection[str]) -> None:
        self._values: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in known:
                close = difflib.get_close_matches(name, list(known), n=1)
                raise _invalid(
                    name,
                    "unknown parameter",
                    wanted=", ".join(sorted(known)) or "no parameters",
                    do=f"did you mean {close[0]!r}?" if close else "",
                )
            if name in self._values:
                raise _invalid(name, "the parameter stands twice", wanted="it once")
            if len(value) > (MAX_TEXT if name != "after" else 2048) or not is_plain(value):
                raise _invalid(name, "the text is too long or holds control characters", got=value[:80])
            self._values[name] = value
        check_asked(request, self._values)

    def text(self, name: str) -> str | None:
        """A text, None where it is absent or empty."""
        return self._values.get(name) or None

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """One of some words."""
        value = self._values.get(name, default)
        if value is None:
            raise _invalid(name, "a parameter is missing", wanted=" or ".join(choices))
        if value not in choices:
            raise _invalid(name, "unknown value", wanted=" or ".join(choices), got=value)
        return value

    def question(self) -> str:
        """The question asked."""
        return self.choice("question", QUESTIONS)

    def language(self, default: str) -> str:
        """The language of texts."""
        return self.choice("lang", LANGUAGES, default)

    def order(self) -> tuple[Order, bool]:
        """The order of a list, and whether a leading minus turns it round."""
        value = self._values.get("order", "expected_money")
        reverse = value.startswith("-")
        if value.removeprefix("-") not in ORDERS:
            raise _invalid("order", "no such order", wanted=", ".join(ORDERS) + "; -name turns it round", got=value)
        return cast(Order, value.removeprefix("-")), reverse

    def integer(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number in a range."""
        value = self._values.get(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdecimal() and len(value) < 10 and low <= int(value) <= high):
            raise _invalid(name, "not a whole number in its range", wanted=f"{low} to {high}", got=value)
        return int(value)

    def day(self, name: str) -> date | None:
        """A day, None where it is absent."""
        return None if name not in self._values else day(name, self._values[name])

    def filters(self) -> dict[str, str | None]:
        """The filters of a list."""
        return {name: self.text(name) for name in FILTERS}


def day(field: str, text: str) -> date:
    """A day written as 2026-01-31.

    Raises:
        Problem: it is none.
    """
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise _invalid(field, "not a day", wanted="a day such as 2026-01-31", got=text[:80]) from None


def _invalid(field: str, detail: str, *, wanted: str = "", got: str = "", do: str = "") -> Problem:
    return Problem(422, "invalid-parameter", detail, field=field, wanted=wanted, got=got, do=do)
