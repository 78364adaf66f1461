"""The service's own OpenAPI 3.1 document, built from the records that the answers are made of.

Every route of `application` that is meant for programs stands here; a test holds the two against each other and the
answers of a running service against the schemas.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml import __version__
from revml.clv.kpis.segments import SEGMENTS
from revml.config import QUESTIONS
from revml.locales import LANGUAGES
from revml.service import kpis, scenarios
from revml.service.answers import JsonAnswer
from revml.service.scoring import MAX_ROWS
from revml.store.frames import BANDS, SIDES
from revml.store.scores import MAX_LIMIT
from revml.store.views import (
    ORDERS,
    Account,
    Clv,
    ComingOrders,
    Driver,
    Flows,
    PastScore,
    RunInfo,
    Score,
    Totals,
    Value,
)

Schema = dict[str, Any]
COUNTED = "accounts; of a cross-sell offers: an account may have several, one for each item"
NUMBER: Schema = {"type": "number"}
TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
CATEGORY_OR_NUMBER: Schema = {"type": ["number", "string", "boolean", "null"]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _object(properties: Schema, *, description: str = "") -> Schema:
    made: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    return made | ({"description": description} if description else {})


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


@cache
def _schemas() -> Schema:
    found: Schema = {}
    for record in (RunInfo, Account, Score, Clv, Value, ComingOrders, Driver, Flows, PastScore, Totals):
        schema = TypeAdapter(record).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        found |= schema.pop("$defs", {})
        found[record.__name__] = schema
    for total in ("QuestionTotal", "BandTotal"):
        found[total]["properties"]["accounts"]["description"] = COUNTED
    found["Score"]["properties"]["change"] = _or_null(NUMBER)
    found["Score"]["properties"]["band"] = {"enum": list(BANDS)}
    found["Driver"]["properties"]["text"] = {**TEXT, "description": "the concept in words"}
    found["Driver"]["required"].append("text")
    found["Reason"] = _object(
        {
            "question": {"enum": list(QUESTIONS)},
            "item": {**TEXT, "description": "the product family of a cross-sell, else empty"},
            "rank": INTEGER,
            "concept": TEXT,
            "side": {"enum": list(SIDES)},
            "contribution": {**NUMBER, "description": "log-odds"},
            "feature": {"type": ["string", "null"]},
            "value": CATEGORY_OR_NUMBER,
            "past": CATEGORY_OR_NUMBER,
            "peers": CATEGORY_OR_NUMBER,
            "text": TEXT,
        }
    )
    found["ListedAccount"] = _object(
        {"account": _ref("Account"), "score": _ref("Score"), "reason": _or_null(_ref("Reason"))}
    )
    found["Page"] = _object(
        {
            "run": _ref("RunInfo"),
            "total": {**INTEGER, "description": COUNTED},
            "after": {"type": ["string", "null"], "description": "cursor of the next page"},
            "accounts": {**_list(_ref("ListedAccount")), "description": "of a cross-sell an account and item a row"},
        }
    )
    found["AccountDetail"] = _object(
        {
            "run": _ref("RunInfo"),
            "account": _ref("Account"),
            "scores": _list(_ref("Score")),
            "reasons": _list(_ref("Reason")),
            "clv": {
                **_list(_ref("Clv")),
                "description": "one row a relation at the run's longest horizon; their clv add up to the account's",
            },
            "clv_shorter": {**_list(_ref("Clv")), "description": "the same at shorter horizons; never add the two"},
            "values": {**_list(_ref("Value")), "description": "all relations together, one row a horizon"},
            "drivers": {
                **_list(_ref("Driver")),
                "description": "at the longest horizon: what a similar account is worth (concept peer), and what each "
                "concept adds to it or takes from it; they add up to the clv",
            },
            "coming": {
                **_or_null(_ref("ComingOrders")),
                "description": "what is ahead of an account that orders; null of others",
            },
            "flows": _list(_ref("Flows")),
            "history": _list(_ref("PastScore")),
        }
    )
    found["Forecast"] = _object(
        {
            "run": _ref("RunInfo"),
            "forecast": {"type": "object", "description": "totals by month with bands, segments, reconciliation"},
            "intervals": {
                "type": ["object", "null"],
                "description": "how often the ranges of accounts held at earlier origins; null where it is not known",
            },
            "installed": {"type": ["object", "null"], "description": "machines in service; null where there are none"},
            "backtest": {
                "type": ["object", "null"],
                "description": "in how many of how many comparisons each simple method was beaten; null before "
                "`revml forecast --backtest`",
            },
        }
    )
    found["ForecastBacktest"] = _object({"run": _ref("RunInfo"), "forecast_backtest": {"type": "object"}})
    facet = _list(_object({"value": TEXT, "accounts": {**INTEGER, "description": COUNTED}}))
    found["Facets"] = _object({"band": facet, "owner": facet, "industry": facet, "country": facet, "item": facet})
    model = {
        "version": TEXT,
        "bundle": TEXT,
        "rung": TEXT,
        "horizon_days": INTEGER,
        "base_rate": NUMBER,
    }
    feature = _object({"name": TEXT, "kind": {"enum": ["number", "category"]}, "categories": _list(TEXT)})
    found["Models"] = _object(
        {"models": _list(_object({"question": {"enum": list(QUESTIONS)}, **model, "features": _list(feature)}))}
    )
    row = {"type": "object", "additionalProperties": {"type": ["number", "string", "boolean", "null"]}}
    found["ScoreRequest"] = _object(
        {
            "question": {"enum": list(QUESTIONS)},
            "rows": {**_list(row), "minItems": 1, "maxItems": MAX_ROWS},
        },
        description="each row names every feature of the model (GET /v1/models), null where unknown",
    ) | {"additionalProperties": False}
    told = _object(
        {
            "rank": INTEGER,
            "concept": TEXT,
            "side": {"enum": list(SIDES)},
            "contribution": NUMBER,
            "feature": TEXT,
            "text": TEXT,
        }
    )
    found["ScoreAnswer"] = _object(
        {
            "question": {"enum": list(QUESTIONS)},
            "model": _object(model),
            "rows": _list(
                _object(
                    {
                        "probability": {**NUMBER, "minimum": 0, "maximum": 1},
                        "band": {"enum": list(BANDS)},
                        "horizons": _list(_ref("Horizon")),
                        "reasons": _list(told),
                        "unseen_categories": _list(TEXT),
                    }
                )
            ),
        },
        description="in the texts, similar accounts are found among the rows sent",
    )
    found |= kpis.schemas() | scenarios.schemas()
    found["Ready"] = _object({"ready": {"type": "boolean"}, "checks": {"type": "object"}})
    found["Live"] = _object({"live": {"const": True}})
    problem = {"type": TEXT, "title": TEXT, "status": INTEGER, "detail": TEXT}
    found["Problem"] = _object(problem, description="RFC 9457")
    found["Problem"]["properties"] |= {"field": TEXT, "wanted": TEXT, "got": TEXT, "do": TEXT}
    return found


def _query(name: str, schema: Schema, description: str, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


QUESTION = _query("question", {"enum": list(QUESTIONS)}, "the question asked", required=True)
LANGUAGE = _query("lang", {"enum": list(LANGUAGES)}, "language of texts; default: the workspace's")
BY = _query("by", {"enum": list(SEGMENTS)}, "the kind of segments to tell; none without it")
ORDER_VALUES = [*ORDERS, *(f"-{order}" for order in ORDERS)]
LISTED = [
    QUESTION,
    _query("order", {"enum": ORDER_VALUES, "default": "expected_money"}, "greatest first, names from A; - reverses"),
    _query("search", {**TEXT, "maxLength": 256}, "words that name or id contain, without case and accents"),
    _query("band", {"enum": list(BANDS)}, "only this band"),
    _query("owner", TEXT, "only accounts of this owner"),
    _query("industry", TEXT, "only this industry"),
    _query("country", TEXT, "only this country"),
    _query("item", TEXT, "of pairs (cross_sell): only this product family"),
    LANGUAGE,
]
PAGED = [
    *LISTED,
    _query("limit", {**INTEGER, "minimum": 1, "maximum": MAX_LIMIT, "default": 50}, "rows a page"),
    _query("after", TEXT, "cursor of the page before; the list stays in the run in which it began"),
]
ACCOUNT_ID: Schema = {"name": "account_id", "in": "path", "required": True, "schema": TEXT}


def _operation(
    summary: str, answer: Schema, *, parameters: list[Schema] | None = None, body: str = "", fails: tuple[int, ...] = ()
) -> Schema:
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    made: Schema = {
        "summary": summary,
        "operationId": summary.lower().replace(" ", "-"),
        "parameters": parameters or [],
        "responses": {
            "200": {"description": "as asked", "content": answer},
            **{str(status): {"description": "a problem", "content": problem} for status in fails},
        },
    }
    if body:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    return made


def _json(name: str) -> Schema:
    return {"application/json": {"schema": _ref(name)}}


@cache
def document() -> Schema:
    """The document."""
    reads = (404, 422, 503)
    ready = _operation("Readiness", _json("Ready"))
    ready["responses"]["503"] = {"description": "not ready, with the reasons", "content": _json("Ready")}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "revml",
            "version": __version__,
            "description": "Scores with reasons and lifetime value. Probabilities are shares of one, money is in the "
            "run's currency, times are UTC. It answers its own machine only until it has API keys.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/accounts": {"get": _operation("List accounts", _json("Page"), parameters=PAGED, fails=reads)},
            "/v1/accounts/{account_id}": {
                "get": _operation(
                    "Read account", _json("AccountDetail"), parameters=[ACCOUNT_ID, LANGUAGE], fails=reads
                )
            },
            "/v1/totals": {"get": _operation("Read totals", _json("Totals"), fails=reads)},
            "/v1/facets": {"get": _operation("Read facets", _json("Facets"), parameters=[QUESTION], fails=reads)},
            "/v1/forecast": {"get": _operation("Read forecast", _json("Forecast"), fails=reads)},
            "/v1/forecast/backtest": {
                "get": _operation("Read forecast back-test", _json("ForecastBacktest"), fails=reads)
            },
            "/v1/kpis": {"get": _operation("Read key figures", _json("Kpis"), parameters=[BY, LANGUAGE], fails=reads)},
            "/v1/scenarios": {
                "get": _operation("Read scenarios", _json("Scenarios"), parameters=[LANGUAGE], fails=reads)
            },
            "/v1/runs/current": {"get": _operation("Read current run", _json("RunInfo"), fails=reads)},
            "/v1/export.csv": {
                "get": _operation("Export list", {"text/csv": {"schema": TEXT}}, parameters=LISTED, fails=reads)
            },
            "/v1/models": {"get": _operation("List models", _json("Models"), fails=(422,))},
            "/v1/score": {
                "post": _operation(
                    "Score rows",
                    _json("ScoreAnswer"),
                    parameters=[LANGUAGE],
                    body="ScoreRequest",
                    fails=(400, 404, 413, 415, 422, 503),
                )
            },
            "/livez": {"get": _operation("Liveness", _json("Live"))},
            "/readyz": {"get": ready},
            "/metrics": {"get": _operation("Metrics", {"text/plain": {"schema": TEXT}})},
            "/openapi.json": {"get": _operation("API document", {"application/json": {"schema": {"type": "object"}}})},
        },
        "components": {"schemas": _schemas()},
    }


async def openapi(_request: Request) -> Response:
    """The document."""
    return JsonAnswer(document())


routes = [Route("/openapi.json", openapi)]
