"""JSON read strictly: UTF-8 only, no NaN or Infinity, no repeated key, no half surrogates, no bottomless nesting."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from revml.service.problems import Problem

MAX_DIGITS = 400  # beyond any float64; longer numbers only cost time


def read_json(body: bytes) -> Any:
    """The value that a body holds.

    Raises:
        Problem: 400 with what is wrong and where.

    >>> read_json(b'{"a": [1, null]}')
    {'a': [1, None]}
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad("the body is not UTF-8", f"byte {error.start}") from None
    try:
        value = json.loads(
            text, parse_constant=_constant, parse_float=_number, parse_int=_integer, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        raise _bad("the body is not JSON", f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _bad("the body is nested too deeply", "") from None
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise _bad("a text holds half of a surrogate pair", "") from None
    return value


def _bad(detail: str, got: str) -> Problem:
    return Problem(400, "invalid-json", detail, field="body", wanted="JSON (RFC 8259) in UTF-8", got=got)


def _constant(name: str) -> NoReturn:
    raise _bad("the body holds a number that is none", name)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _bad("the body holds a number beyond float64", text[:40])
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _bad("the body holds a number beyond float64", f"{len(text)} digits")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _bad("a key stands twice in one object", key[:80])
        found[key] = value
    return found
