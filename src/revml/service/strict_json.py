"""JSON read strictly: UTF-8 only, no NaN or Infinity, no repeated key, no bottomless nesting.

Nor control characters in keys, nor half surrogates in texts.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson

from revml.service.problems import Problem

_NESTING = frozenset({dict, list})
ODD = (b"\\", b"\x7f", b"\xc2")  # escapes, and what UTF-8 begins control characters with: looked at closely
INFINITE = float("inf")  # what Python reads a number beyond float64 as


def read_json(body: bytes) -> Any:
    """The value that a body holds.

    Raises:
        Problem: 400 with what is wrong and where.

    >>> read_json(b'{"a": [1, null]}')
    {'a': [1, None]}
    """
    if not any(odd in body for odd in ODD):
        # orjson takes nothing that is no JSON, but keeps the last of two equal keys. Outside of texts there is a colon
        # for every key that was written: where there are as many as keys that were kept, none stood twice.
        try:
            value = orjson.loads(body)
            if body.count(b":") == _keys(value):
                return value
        except (orjson.JSONDecodeError, RecursionError):
            pass  # said below, with the place
    return _slowly(body)


def _keys(value: Any) -> int:
    """How many keys the objects in a value hold."""
    if type(value) is dict:
        return len(value) + sum(map(_keys, value.values() if _NESTING & set(map(type, value.values())) else ()))
    if type(value) is list and _NESTING & set(map(type, value)):
        return sum(map(_keys, value))
    return 0


def _slowly(body: bytes) -> Any:
    """Read what is wrong, or may be, so that it can be said."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad("the body is not UTF-8", f"byte {error.start}") from None
    try:
        value = json.loads(text, parse_constant=_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise _bad("the body is not JSON", f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError:  # Python reads no integers of thousands of digits
        raise _bad("the body holds a number beyond float64", "an integer of thousands of digits") from None
    except RecursionError:
        raise _bad("the body is nested too deeply", "") from None
    if _boundless([value]):
        raise _beyond()
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise _bad("a text holds half of a surrogate pair", "") from None
        except RecursionError:
            raise _bad("the body is nested too deeply", "") from None
    return value


def _bad(detail: str, got: str) -> Problem:
    return Problem(400, "invalid-json", detail, field="body", wanted="JSON (RFC 8259) in UTF-8", got=got)


def _constant(name: str) -> NoReturn:
    raise _bad("the body holds a number that is none", name)


def _beyond() -> Problem:
    return _bad("the body holds a number beyond float64", "a number such as 1e999")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _bad("a key stands twice in one object", twice[:80])
    # No name of anything holds one, and in a log or a table it would pass for something else.
    if not "".join(found).isprintable() and (odd := next(filter(_controlled, found), None)) is not None:
        raise _bad("a key holds a control character", repr(odd)[:80])
    values = found.values()
    # Whole objects are searched by the interpreter's own loops: a call for every number would take as long as reading.
    if INFINITE in values or -INFINITE in values:
        raise _beyond()
    if list in map(type, values) and any(_boundless(value) for value in values if type(value) is list):
        raise _beyond()
    return found


def _boundless(values: list[Any]) -> bool:
    """Whether a list, or a list in it, holds a number beyond float64; objects in it were searched when they ended."""
    waiting = [values]  # lists in lists may be nested as deeply as Python calls
    while waiting:
        one = waiting.pop()
        if INFINITE in one or -INFINITE in one:
            return True
        if list in map(type, one):
            waiting += [value for value in one if type(value) is list]
    return False


def _controlled(key: str) -> bool:
    return any(ord(c) < 32 or 127 <= ord(c) < 160 for c in key)
