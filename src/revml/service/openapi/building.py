"""The words that the parts of the API document are written in: schemas, parameters, answers, operations.

A part is a module with `TAG`, `schemas()` and `paths()`; it is named once in `service.openapi.PARTS`. What each
operation answers in a small example company stands in `examples/OPERATION.json`, written by
`python -m tests.service.examples` and held against the schemas by a test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from revml.clv.kpis.segments import SEGMENTS
from revml.config import QUESTIONS
from revml.locales import LANGUAGES
from revml.service.parameters import MAX_TEXT
from revml.service.plain_text import PATTERN
from revml.store.frames import BANDS
from revml.store.runs import ATTENTIONS
from revml.store.scores import MAX_LIMIT
from revml.store.views import ORDERS

Schema = dict[str, Any]
EXAMPLES = Path(__file__).parent / "examples"
NUMBER: Schema = {"type": "number"}
TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
DAY: Schema = {"type": "string", "format": "date"}
QUESTION_NAME: Schema = {"enum": list(QUESTIONS)}
CATEGORY_OR_NUMBER: Schema = {"type": ["number", "string", "boolean", "null"]}
COUNTED = "accounts; of a cross-sell offers: an account may have several, one for each item"
# what may go wrong, by status; a problem of RFC 9457 each
FAILURES = {
    400: "the request or its body cannot be read",
    401: "no key, or one that is unknown, expired or revoked",
    403: "the key lacks the scope, or the service has no keys yet and was asked from another machine",
    404: "there is no such thing, or nothing was published yet",
    408: "the body came too slowly",
    409: "the state of the service forbids it",
    413: "the body is too large",
    414: "the address is too long",
    415: "the media type is not read here",
    421: "the service does not answer to that host name",
    422: "a parameter or a value in the body is wrong; `field` names it",
    429: "too many requests; `Retry-After` says when to come again",
    431: "the headers are too long",
    500: "a defect of the service; its log says more",
    503: "the scores database or the model is away; `Retry-After` says when to come again",
}
EVERYWHERE = (400, 401, 403, 408, 414, 421, 429, 431, 500, 503)
"""What every operation that needs a key may answer."""


def ref(name: str) -> Schema:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(of: Schema, description: str = "") -> Schema:
    """A list."""
    return {"type": "array", "items": of} | ({"description": description} if description else {})


def object_of(properties: Schema, description: str = "") -> Schema:
    """An object all of whose properties are always there."""
    made: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    return made | ({"description": description} if description else {})


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def query(name: str, schema: Schema, description: str, *, required: bool = False, example: Any = None) -> Schema:
    """A parameter of the query string; `example` is what the example of the operation asks with."""
    if schema.get("type") == "string" and not {"enum", "format", "pattern"} & set(schema):
        schema = {"maxLength": MAX_TEXT, "pattern": PATTERN, **schema}
    made = {"name": name, "in": "query", "required": required, "schema": schema, "description": description}
    return made if example is None else {**made, "example": example}


_ORDERS = [*ORDERS, *(f"-{order}" for order in ORDERS)]
QUESTION = query("question", QUESTION_NAME, "the question asked", required=True, example="churn")
LANGUAGE = query("lang", {"enum": list(LANGUAGES)}, "language of texts; default: the workspace's")
BY = query("by", {"enum": list(SEGMENTS)}, "the kind of segments to tell; none without it")
AS_OF = query("as_of", DAY, "the newest run that looked from this day or from an earlier one; default: the current run")
LIMIT = query("limit", {**INTEGER, "minimum": 1, "maximum": MAX_LIMIT, "default": 50}, "rows a page", example=2)
AFTER = query(
    "after",
    {**TEXT, "maxLength": 2048, "pattern": "^[A-Za-z0-9_-]*$"},
    "cursor of the page before; the list stays in the run in which it began",
)
FILTERED = [
    QUESTION,
    query("order", {"enum": _ORDERS, "default": "expected_money"}, "greatest first, names from A; - reverses"),
    query("search", {**TEXT, "maxLength": 256}, "words that name or id contain, without case and accents"),
    query("band", {"enum": list(BANDS)}, "only this band"),
    query("owner", {**TEXT, "maxLength": 256}, "only accounts of this owner"),
    query("industry", {**TEXT, "maxLength": 256}, "only this industry"),
    query("country", {**TEXT, "maxLength": 256}, "only this country"),
    query("item", {**TEXT, "maxLength": 256}, "of pairs (cross_sell): only this product family"),
    query(
        "attention", {"enum": list(ATTENTIONS)}, "only those that a play reached lately, that were held out, or neither"
    ),
    LANGUAGE,
]
ACCOUNT_ID: Schema = {
    "name": "account_id",
    "in": "path",
    "required": True,
    "schema": {**TEXT, "minLength": 1, "maxLength": MAX_TEXT, "pattern": PATTERN},
    "description": "as in the data, percent-encoded; case matters",
    "example": "acme",
}
IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": TEXT,
    "description": "the `ETag` of an answer that the caller holds: 304 without a body as long as it is current",
}


def json_of(schema: str | Schema) -> Schema:
    """The content of a JSON answer or body."""
    return {"application/json": {"schema": ref(schema) if isinstance(schema, str) else schema}}


@cache
def example_of(operation: str) -> Any:
    """What an operation answers in the example company; None where no example was written yet."""
    file = EXAMPLES / f"{operation}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def operation(
    name: str,
    summary: str,
    answer: Schema,
    *,
    tag: str,
    description: str = "",
    parameters: Iterable[Schema] = (),
    body: Schema | None = None,
    body_needed: bool = True,
    fails: Iterable[int] = (),
    tagged: bool = False,
    open_to_all: bool = False,
    status: int = 200,
    headers: Schema | None = None,
) -> Schema:
    """An operation.

    Args:
        name: its id, and the name of the method of `revml.client` that calls it.
        answer: content of the answer, by media type.
        body: content of the body, by media type; each with an `example`; it may be left out where not `body_needed`.
        fails: statuses of problems besides those of the gate.
        tagged: the answer has an `ETag` and takes `If-None-Match`.
        open_to_all: needs no key.
        headers: of the answer.
        status: of the answer.
    """
    shown = example_of(name)
    if shown is not None and answer:
        next(iter(answer.values())).setdefault("example", shown)  # of the usual form; binary ones cannot be shown
    told: Schema = {"description": "as asked", "content": answer}
    heads = dict(headers or {})
    if tagged:
        heads["ETag"] = {"schema": TEXT, "description": "changes when the answer does"}
    if heads:
        told["headers"] = heads
    failing = sorted({*fails, *(() if open_to_all else EVERYWHERE)})
    made: Schema = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [*parameters, *([IF_NONE_MATCH] if tagged else ())],
        "responses": {
            str(status): told,
            **({"304": {"description": "what the caller holds is current"}} if tagged else {}),
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in failing},
        },
    }
    if description:
        made["description"] = description
    if body is not None:
        made["requestBody"] = {"required": body_needed, "content": body}
    return made


def failures() -> Schema:
    """The answers that are problems, by status."""
    return {
        str(status): {
            "description": text,
            "content": {"application/problem+json": {"schema": ref("Problem")}},
            **({"headers": {"Retry-After": {"schema": INTEGER}}} if status in (429, 503) else {}),
        }
        for status, text in FAILURES.items()
    }
