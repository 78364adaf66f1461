"""The standard scenarios as they were published, with their words in the language asked for."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.clv.scenarios.words import with_words
from revml.errors import NotFound
from revml.locales import words
from revml.service.long_answers import long_answer
from revml.service.parameters import Parameters
from revml.service.published import run_of
from revml.service.serving import Serving

Schema = dict[str, Any]


def scenarios(request: Request) -> Response:
    """What a point of retention, a higher price and saved accounts would do to CLV and the forecast."""
    asked = Parameters(request, ("lang",))
    state: Serving = request.app.state.serving
    language = asked.language(state.workspace.language)

    def read() -> dict[str, Any]:
        run = state.store.published()
        try:
            found = state.store.report("scenarios")
        except NotFound:  # a run of ready tables, of an older revml, or of less than a year ahead
            return {"scenarios": [], "horizons": [], "as_of": None, "currency": None, "run": run_of(state, run)}
        told = with_words(found.body, words(language), found.run.currency)
        return {**told, "as_of": f"{told['as_of']}Z", "currency": found.run.currency, "run": run_of(state, found.run)}

    return long_answer(request, f"scenarios in {language}", read)


routes = [Route("/v1/scenarios", scenarios)]


def schemas() -> Schema:
    """The parts of the API document that describe the answer."""
    text, integer, number = {"type": "string"}, {"type": "integer"}, {"type": "number"}
    sides = dict.fromkeys(("before", "after", "difference"), number)
    change = _object(sides)

    def rows(first: Schema) -> Schema:
        return _list(_object({**first, "accounts": integer, "clv": change, "revenue": change}))

    figure = {"name": {"enum": list(FIGURES)}, "months": integer, "unit": {"enum": ["money", "share"]}, "label": text}
    one = {
        "name": {"enum": ["retention", "price", "saving"]},
        "title": text,
        "figures": _list(_object({**figure, **sides})),
        "relations": rows({"relation": text}),
        "segments": _object({"by": text, "rows": rows({"name": text})}),
        "accounts": _list(_object({"account_id": text, "name": {"type": ["string", "null"]}, **sides})),
        "clv": {**number, "description": "what the longest horizon's CLV changes by"},
        "cost": number,
        "net": number,
        "range": {"type": "null", "description": "a difference of expectations has none"},
        "as_of": text,
        "horizons": _list(integer),
        "changes": _list({"type": "object"}),
        "assumed": _list({"type": "object"}),
        "assumed_texts": _list(text),
    }
    return {
        "Scenario": _object(one),
        "Scenarios": _object(
            {
                "run": {"$ref": "#/components/schemas/RunInfo"},
                "as_of": {"type": ["string", "null"], "description": "null, as the currency, where there are none"},
                "currency": {"type": ["string", "null"]},
                "horizons": _list(integer),
                "scenarios": _list({"$ref": "#/components/schemas/Scenario"}),
            }
        ),
    }


FIGURES = ("clv", "revenue", "mrr", "nrr", "grr", "retention")


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}
