"""A published score asked about: what changed, what if a feature were another, which levers there are.

The row is the one that the run scored and the model the one that scored it, so that what is told of "before" is what
was published. A model that no longer serves is read from its bundle, once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.config import QUESTIONS
from revml.errors import ConfigError
from revml.models.bundle import Bundle
from revml.scoring.asking import asked_levers, asked_what_if, standing
from revml.scoring.changed import changes_of, document
from revml.scoring.kept_rows import bundle_of
from revml.service.account_path import account_id_of, ends_in
from revml.service.answers import JsonAnswer
from revml.service.parameters import Parameters
from revml.service.problems import Problem
from revml.service.published import tagged
from revml.service.reading import one_account
from revml.service.serving import Serving
from revml.service.strict_json import read_json
from revml.store.views import ModelInfo

KEYS = ("question", "item", "set")
MOST_SET = 100
LONGEST = 256
KEPT_MODELS = 8


def changes(request: Request) -> Response:
    """What changed of the account's scores since the run before."""
    if not ends_in(request, "changes"):
        return one_account(request)  # its id ends in /changes
    asked = Parameters(request, ("lang",))
    state, account_id = _serving(request), account_id_of(request, "changes")
    language = asked.language(state.workspace.language)

    def read() -> Any:
        return document(changes_of(state.workspace, state.store, account_id, find=_bundles(state)), language)

    return tagged(request, read)


def levers(request: Request) -> Response:
    """What would bring the account out of its band."""
    if not ends_in(request, "levers"):
        return one_account(request)  # its id ends in /levers
    asked = Parameters(request, ("lang", "question", "item"))
    state, account_id = _serving(request), account_id_of(request, "levers")
    language = asked.language(state.workspace.language)
    question = asked.question() if asked.text("question") else None

    def read() -> Any:
        of = standing(state.workspace, state.store, account_id, question, asked.text("item"), find=_bundles(state))
        return asked_levers(state.workspace, of, language)

    return tagged(request, read)


async def what_if(request: Request) -> Response:
    """What the model would say of the account with some features set."""
    state, account_id = _serving(request), account_id_of(request, "what-if")
    language = Parameters(request, ("lang",)).language(state.workspace.language)
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        wanted = "application/json"
        raise Problem(415, "not-json", "only JSON is read here", field="Content-Type", wanted=wanted, got=kind[:80])
    question, item, values = _asked(read_json(await request.body()))
    return await run_in_threadpool(partial(_answer, state, account_id, question, item, values, language))


def _answer(
    state: Serving, account_id: str, question: str | None, item: str | None, values: dict[str, Any], language: str
) -> Response:
    of = standing(state.workspace, state.store, account_id, question, item, find=_bundles(state))
    try:
        return JsonAnswer(asked_what_if(of, values, language))
    except ConfigError as error:
        field = f"set.{error.where}" if error.where != "set" else "set"
        raise _invalid(field, error.what, error.wanted, error.got, error.do) from None


def _asked(body: Any) -> tuple[str | None, str | None, dict[str, Any]]:
    if not isinstance(body, dict):
        raise _invalid("body", "an object was expected", '{"question": ..., "set": {...}}', type(body).__name__)
    for key in body:
        if key not in KEYS:
            raise _invalid(key[:80], "unknown key", ", ".join(KEYS), key[:80])
    question, item, values = body.get("question"), body.get("item"), body.get("set")
    if question is not None and question not in QUESTIONS:
        raise _invalid("question", "no such question", ", ".join(QUESTIONS), repr(question)[:80])
    if item is not None and (not isinstance(item, str) or len(item) > LONGEST or not item.isprintable()):
        raise _invalid("item", "no such item", f"a text of at most {LONGEST} characters", repr(item)[:80])
    if not isinstance(values, dict) or not 1 <= len(values) <= MOST_SET:
        got = f"{len(values)} features" if isinstance(values, dict) else repr(values)[:80]
        raise _invalid("set", "features with their values were expected", f"1 to {MOST_SET} features", got)
    return question, item, values


def _bundles(state: Serving) -> Callable[[ModelInfo], Bundle]:
    """The model of a run: the one that serves where it is the same, else the one in the bundles folder."""

    def find(model: ModelInfo) -> Bundle:
        serving = state.champions.loaded.get(model.question)
        return (
            serving
            if serving is not None and serving.hash == model.bundle
            else _kept(state.workspace.bundles_dir, model.question, model.bundle, model.version)
        )

    return find


@lru_cache(maxsize=KEPT_MODELS)
def _kept(bundles_dir: Path, question: str, bundle: str, version: str) -> Bundle:
    return bundle_of(bundles_dir, question, bundle, version)


def _serving(request: Request) -> Serving:
    found: Serving = request.app.state.serving
    return found


def _invalid(field: str, detail: str, wanted: str, got: str, do: str = "") -> Problem:
    return Problem(422, "invalid-body", detail, field=field, wanted=wanted, got=got, do=do)


routes = [
    Route("/v1/accounts/{account_id:path}/changes", changes),
    Route("/v1/accounts/{account_id:path}/levers", levers),
    Route("/v1/accounts/{account_id:path}/what-if", what_if, methods=["POST"]),
]
