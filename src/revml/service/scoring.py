"""Scoring of rows that a caller sends: decoded, joined with others that wait, scored, explained, told.

JSON rows or columns, an Arrow stream or a Parquet file come in; JSON or an Arrow stream goes out. Small requests are
answered on the loop, joined; large ones in a thread, whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from revml.config import QUESTIONS, QuestionName
from revml.service.answers import JsonAnswer
from revml.service.decoding import Decoded, Decoder, invalid, shown
from revml.service.parameters import Parameters
from revml.service.prepared import MAX_ROWS, Prepared
from revml.service.problems import Problem
from revml.service.scopes import caller_in
from revml.service.score_answers import ARROW, arrow_answer, json_rows
from revml.service.serving import Serving
from revml.service.strict_json import read_json

JSON, PARQUET = "application/json", "application/vnd.apache.parquet"
SMALL_BODY = 128 * 1024  # larger ones take milliseconds to read alone, and are answered in a thread
TOP, MOST_REASONS = 4, 10

__all__ = ["MAX_ROWS", "lanes", "routes"]


async def score(request: Request) -> Response:
    """Probability, band and reasons of each row sent."""
    return await answer(request.app.state.serving, request.scope, await request.body())


async def answer(state: Serving, scope: Scope, body: bytes) -> Response:
    """The answer to a request whose body was read."""
    asked = _asked(scope["query_string"], state.workspace.language)
    language, top = asked.language, asked.top if "explain:read" in caller_in(scope).scopes else 0
    kind, arrow = _types(scope["headers"])
    if kind == JSON and len(body) <= SMALL_BODY:
        prepared, decoded = _from_json(state, asked, body)
        read = await state.joiner.read(prepared.reader, decoded.rows, top=top)
        return _answer(state, prepared, decoded, read, language, arrow)

    def whole() -> Response:
        prepared, decoded = _decoded(state, asked, kind, body)
        read = prepared.reader.read(decoded.rows, top=top)
        state.metrics.joined(len(decoded.rows))
        return _answer(state, prepared, decoded, read, language, arrow)

    return await run_in_threadpool(whole)


def _answer(state: Serving, prepared: Prepared, decoded: Decoded, read: Any, language: str, arrow: bool) -> Response:
    bundle = prepared.bundle
    state.metrics.scored(bundle.question, bundle.version, len(decoded.rows), read.probability.tolist())
    if arrow:
        return arrow_answer(prepared, decoded, read, language)
    rows = json_rows(prepared, decoded, read, language)
    told = {"question": bundle.question, "model": prepared.told, "rows": rows}
    # Faster than `JsonAnswer`, and writes null for what is no number: nothing here is, an explanation adds up.
    return Response(orjson.dumps(told), media_type=JSON)


def _decoded(state: Serving, asked: Asked, kind: str, body: bytes) -> tuple[Prepared, Decoded]:
    if kind == JSON:
        return _from_json(state, asked, body)
    if kind not in (ARROW, PARQUET):
        raise Problem(
            415,
            "unknown-type",
            "rows come as JSON, as an Arrow stream or as Parquet",
            field="Content-Type",
            wanted=f"{JSON}, {ARROW} or {PARQUET}",
            got=kind[:80],
        )
    if asked.question is None:
        raise Problem(
            422,
            "invalid-parameter",
            "a parameter is missing",
            field="question",
            wanted=" or ".join(QUESTIONS),
            do="name it in the address: /v1/score?question=churn",
        )
    prepared = _prepared(state, asked.question)
    decoder: Decoder = prepared.decoder
    return prepared, decoder.arrow_stream(body) if kind == ARROW else decoder.parquet(body)


def _from_json(state: Serving, asked: Asked, body: bytes) -> tuple[Prepared, Decoded]:
    told = read_json(body)
    if not isinstance(told, dict):
        raise invalid("body", "an object was expected", '{"question": ..., "rows": [...]}', type(told).__name__)
    for key in told:
        if key not in ("question", "rows", "columns"):
            raise invalid(key[:80], "unknown key", "question, and rows or columns", key[:80])
    question = told.get("question", asked.question)
    if question not in QUESTIONS:
        raise invalid("question", "no such question", ", ".join(QUESTIONS), shown(question))
    if asked.question not in (None, question):
        raise invalid("question", "the address and the body ask different questions", str(asked.question), question)
    if ("rows" in told) == ("columns" in told):
        got = "both" if "rows" in told else "neither"
        raise invalid("rows", "rows or columns were expected", f"rows: a list of 1 to {MAX_ROWS} objects", got)
    prepared = _prepared(state, question)
    if "columns" in told:
        if not isinstance(told["columns"], dict):
            raise invalid("columns", "lists by feature were expected", "{feature: [...]}", shown(told["columns"]))
        return prepared, prepared.decoder.columns(told["columns"])
    if not isinstance(told["rows"], list):
        raise invalid("rows", "a list of rows was expected", f"1 to {MAX_ROWS} rows", shown(told["rows"]))
    return prepared, prepared.decoder.rows(told["rows"])


def _prepared(state: Serving, question: QuestionName) -> Prepared:
    prepared: Prepared = state.champions.served(question).made
    return prepared


@dataclass(frozen=True)
class Asked:
    """What the address of a request asks for."""

    question: QuestionName | None
    language: str
    top: int


@lru_cache(maxsize=256)  # callers send the same few over and over
def _asked(query: bytes, language: str) -> Asked:
    parameters = Parameters(
        Request({"type": "http", "path": "/v1/score", "query_string": query}), ("lang", "question", "reasons")
    )
    question = parameters.question() if parameters.text("question") else None
    return Asked(
        cast("QuestionName | None", question),
        parameters.language(language),
        parameters.integer("reasons", 0, MOST_REASONS, TOP),
    )


def _types(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, bool]:
    """The type of the body, and whether the answer shall be an Arrow stream."""
    kind, arrow = "", False
    for name, value in headers:
        if name == b"content-type":
            kind = value.decode("latin-1").partition(";")[0].strip().lower()
        elif name == b"accept" and ARROW.encode() in value:
            arrow = True
    return kind, arrow


def models(request: Request) -> Response:
    """What serves: each champion with the features a row must name."""
    Parameters(request, ())
    state: Serving = request.app.state.serving
    return JsonAnswer(
        {
            "models": [
                {
                    "question": question,
                    **_prepared(state, cast(QuestionName, question)).told,
                    "features": [
                        {"name": column.name, "kind": column.kind, "categories": list(column.codes)}
                        for column in bundle.encoding.columns
                    ],
                }
                for question, bundle in state.champions.loaded.items()
            ]
        }
    )


_SCORE = Route("/v1/score", score, methods=["POST"])
routes = [_SCORE, Route("/v1/models", models)]
lanes = [(_SCORE, answer)]
