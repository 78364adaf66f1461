"""Published scores of accounts that a caller names: up to a thousand ids in one request."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.config import QUESTIONS
from revml.service import answers
from revml.service.answers import JsonAnswer
from revml.service.parameters import Parameters, day
from revml.service.plain_text import is_plain
from revml.service.problems import Problem
from revml.service.published import run_of
from revml.service.serving import Serving
from revml.service.strict_json import read_json
from revml.service.visible import visible
from revml.store.by_id import MAX_IDS

KEYS = ("account_ids", "question", "as_of", "reasons")
LONGEST = 256
MAX_REASONS = 10


async def scores_by_id(request: Request) -> Response:
    """Scores of the accounts asked for, at the newest or a given day."""
    state: Serving = request.app.state.serving
    language = Parameters(request, ("lang",)).language(state.workspace.language)
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        wanted = "application/json"
        raise Problem(415, "not-json", "only JSON is read here", field="Content-Type", wanted=wanted, got=kind[:80])
    asked = _asked(read_json(await request.body()))
    return await run_in_threadpool(_answer, request, asked, language)


def _answer(request: Request, asked: dict[str, Any], language: str) -> Response:
    state: Serving = request.app.state.serving
    ids = asked["account_ids"]
    run, found = state.store.scored(
        ids, question=asked.get("question"), as_of=asked.get("as_of"), reasons=asked.get("reasons", 3)
    )
    known = {row.account.account_id for row in found}
    told = {
        "run": run_of(state, run),
        "accounts": [answers.scored(row, language) for row in found],
        "missing": [one for one in dict.fromkeys(ids) if one not in known],
    }
    return JsonAnswer(visible(request, told))


def _asked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _invalid("body", "an object was expected", '{"account_ids": [...]}', type(body).__name__)
    for key in body:
        if key not in KEYS:
            raise _invalid(key[:80], "unknown key", ", ".join(KEYS), key[:80])
    ids = body.get("account_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MAX_IDS:
        got = f"{len(ids)} ids" if isinstance(ids, list) else repr(ids)[:80]
        raise _invalid("account_ids", "a list of ids was expected", f"1 to {MAX_IDS} ids", got)
    for at, one in enumerate(ids):
        if not isinstance(one, str) or not 1 <= len(one) <= LONGEST or not is_plain(one):
            wanted = f"a text of 1 to {LONGEST} characters"
            raise _invalid(f"account_ids[{at}]", "no account has such an id", wanted, repr(one)[:80])
    asked: dict[str, Any] = {"account_ids": ids}
    if "question" in body:
        if body["question"] not in QUESTIONS:
            raise _invalid("question", "no such question", ", ".join(QUESTIONS), repr(body["question"])[:80])
        asked["question"] = body["question"]
    if "as_of" in body:
        if not isinstance(body["as_of"], str):
            raise _invalid("as_of", "not a day", "a day such as 2026-01-31", repr(body["as_of"])[:80])
        asked["as_of"] = day("as_of", body["as_of"])
    if "reasons" in body:
        reasons = body["reasons"]
        if not isinstance(reasons, int) or isinstance(reasons, bool) or not 0 <= reasons <= MAX_REASONS:
            wanted = f"a whole number from 0 to {MAX_REASONS}"
            raise _invalid("reasons", "no number of reasons", wanted, repr(reasons)[:80])
        asked["reasons"] = reasons
    return asked


def _invalid(field: str, detail: str, wanted: str, got: str) -> Problem:
    return Problem(422, "invalid-body", detail, field=field, wanted=wanted, got=got)


routes = [Route("/v1/scores", scores_by_id, methods=["POST"])]
