"""A page of a question's segments. Where it ended is told by rank and name, and holds within one run only."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from revml.service import answers
from revml.store.cursor import PageError
from revml.store.views import RunInfo, SegmentTotal


def segment_page(
    run: RunInfo, found: Sequence[SegmentTotal], *, question: str, by: str, limit: int, after: str | None
) -> dict[str, Any]:
    """The page after a cursor, without its run.

    Raises:
        PageError: the cursor is none, of another list, or of another run.
    """
    begin = 0 if after is None else _read(after, run, found, question, by)
    end = begin + limit
    return {
        "question": question,
        "by": by,
        "total": len(found),
        "after": _cursor(run, question, by, end, found[end - 1].value) if end < len(found) else None,
        "segments": [answers.record(one) for one in found[begin:end]],
    }


def _cursor(run: RunInfo, question: str, by: str, end: int, value: str | None) -> str:
    packed = json.dumps([run.id, question, by, end, value], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read(text: str, run: RunInfo, found: Sequence[SegmentTotal], question: str, by: str) -> int:
    try:
        padded = text + "=" * (-len(text) % 4)
        run_id, of, segmented, end, value = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        raise _wrong("this is not the cursor of a page", "the `after` that the page before gave", text[:80]) from None
    if (of, segmented) != (question, by):
        raise _wrong(
            "the cursor belongs to another list", f"question {question}, by {by}", f"{of}, by {segmented}"[:80]
        )
    if run_id != run.id:
        raise _wrong("the cursor belongs to another run", f"run {run.id}", f"run {run_id}"[:80])
    if not isinstance(end, int) or not 0 < end <= len(found) or found[end - 1].value != value:
        raise _wrong("this is not the cursor of a page", "the `after` that the page before gave", text[:80])
    return end


def _wrong(what: str, wanted: str, got: str) -> PageError:
    return PageError(what, where="after", wanted=wanted, got=got, do="leave it out to begin at the first page")
