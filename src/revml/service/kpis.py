"""The company's figures as they were published, with their words in the language asked for."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.clv.kpis.figures import UNITS
from revml.clv.kpis.movements import MONEY
from revml.clv.kpis.segments import SEGMENTS
from revml.clv.kpis.words import COHORT_TABLES, with_words
from revml.locales import words
from revml.service.long_answers import long_answer
from revml.service.parameters import Parameters
from revml.service.published import run_of
from revml.service.serving import Serving

Schema = dict[str, Any]


def kpis(request: Request) -> Response:
    """Figures with definitions and caveats, movements, months, cohorts, and the segments of one kind."""
    asked = Parameters(request, ("by", "lang"))
    state: Serving = request.app.state.serving
    by = asked.choice("by", SEGMENTS) if asked.text("by") else ""
    language = asked.language(state.workspace.language)

    def read() -> dict[str, Any]:
        found = state.store.report("kpis")
        told = with_words(found.body, words(language), by=by)
        return {**told, "as_of": f"{told['as_of']}Z", "run": run_of(state, found.run)}

    return long_answer(request, f"kpis by {by or 'nothing'} in {language}", read)


routes = [Route("/v1/kpis", kpis)]


def _object(properties: Schema, description: str = "") -> Schema:
    made: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    return made | ({"description": description} if description else {})


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def schemas() -> Schema:
    """The parts of the API document that describe the answer."""
    text, integer, number = {"type": "string"}, {"type": "integer"}, {"type": "number"}
    maybe, month = {"type": ["number", "null"]}, {"type": "string", "pattern": r"^\d{4}-\d{2}$"}
    cells = {**_list(maybe), "description": "by age; null where the age has not passed for the whole cohort"}
    about = _object({"label": text, "definition": text, "caveat": text})
    value = {"name": {"enum": list(UNITS)}, "value": maybe, "reason": {**text, "description": "why there is no value"}}
    counts = {"customers": integer, "lost": integer}
    cohorts = _object(
        {
            "step": {"enum": ["month", "quarter"]},
            "rows": _list(
                _object({"cohort": text, "accounts": integer, "mrr": maybe, "retention": cells, "revenue": cells})
            ),
            "retention": {**_list(maybe), "description": "all cohorts that have reached the age"},
            "revenue": _list(maybe),
        }
    )
    segment = {
        "by": {"enum": list(SEGMENTS)},
        "kind": {"enum": ["value", "unknown", "other"]},
        "value": {"type": ["string", "null"]},
        "accounts": integer,
        "label": text,
        "kpis": _list(_ref("Kpi")),
        "movements": _list(_ref("Movement")),
    }
    return {
        "Kpi": _object(
            {
                **value,
                "unit": {"enum": sorted(set(UNITS.values()))},
                "accounts": {"type": ["integer", "null"], "description": "how many accounts it rests on"},
                "cautions": _list(text),
                **dict.fromkeys(("label", "definition", "caveat", "reason_text"), text),
                "caution_texts": _list(text),
            },
            "a value, or null with a reason; never a zero in place of what is not known",
        ),
        "Movement": _object(
            {"month": month, **dict.fromkeys(MONEY, number), **counts}, "start and movements add up to end, to the cent"
        ),
        "Cohorts": cohorts,
        "KpiSegment": _object(segment),
        "Kpis": _object(
            {
                "run": _ref("RunInfo"),
                "as_of": text,
                "months": {**integer, "description": "the trailing window of yearly figures"},
                "kpis": _list(_ref("Kpi")),
                "movements": _list(_ref("Movement")),
                "orders": _list(_object({"month": month, "revenue": number, "customers": integer})),
                "families": _list(
                    _object(
                        {
                            "family": {"type": ["string", "null"]},
                            "revenue": number,
                            "share": maybe,
                            "customers": integer,
                            "label": text,
                        }
                    )
                ),
                "series": _list(_object({"month": month, "kpis": _list(_object(value))})),
                "kinds": _list(_object({"by": {"enum": list(SEGMENTS)}, "label": text})),
                "segments": {**_list(_ref("KpiSegment")), "description": "of the kind asked for with `by`"},
                "cohorts": _object({"contract": _ref("Cohorts"), "orders": _ref("Cohorts")}),
                "about": _object(dict.fromkeys(("movements", "series", "segments", "families", *COHORT_TABLES), about)),
            }
        ),
    }
