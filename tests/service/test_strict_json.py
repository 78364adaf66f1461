"""What is no JSON, or is meant to cost time, is refused quickly."""

from __future__ import annotations

import time

import pytest

from revml.service.problems import Problem
from revml.service.strict_json import read_json

MANY = 1_000_000


def status_of(body: bytes) -> int:
    """200 for what is read, the problem's status for what is refused; anything else raises."""
    try:
        read_json(body)
    except Problem as problem:
        return problem.status
    return 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"[1e999]",
        b'{"a": [[1e999]]}',
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a\\u0000": 1}',
        b'{"a\\nb": 1}',
        '{"a\u0085": 1}'.encode(),
        b'{"a": "\\ud800"}',
        b'"\xff"',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 1} {"b": 2}',
        b"{'a': 1}",
        b"[1,]",
        b"1" * 5000,
        b"[" * 600 + b"1e999" + b"]" * 600,
    ],
)
def test_what_is_not_strictly_json_is_refused(body: bytes) -> None:
    """400, never a defect and never half a value."""
    with pytest.raises(Problem) as told:
        read_json(body)
    assert told.value.status == 400


@pytest.mark.parametrize("depth", [10, 300, 480, 600, 900])
def test_nesting_is_read_or_refused(depth: int) -> None:
    """However deep, it is a value or a 400."""
    assert status_of(b"[" * depth + b'"\\u0041"' + b"]" * depth) in (200, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MANY,
        b'{"a":' * (MANY // 5),
        b"1" * MANY,
        b"0." + b"1" * MANY,
        b"1e" + b"9" * MANY,
        b'"' + b"\\u0041" * (MANY // 6) + b'"',
        b'"' + b"\\" * MANY,
        b" " * MANY,
        b"{" + b",".join(b'"%d":1' % i for i in range(MANY // 12)) + b"}",
        b"[" + b"[1e1]," * (MANY // 6) + b"1]",
    ],
)
def test_a_megabyte_takes_no_time(body: bytes) -> None:
    """No body of the greatest length takes longer than reading it: all of them are linear."""
    started = time.process_time()
    assert status_of(body) in (200, 400)
    assert time.process_time() - started < 2
