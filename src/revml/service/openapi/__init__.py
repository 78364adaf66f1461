"""The service's own OpenAPI 3.1 document, built from the records that the answers are made of.

Every route of `application` that is meant for programs stands in one of the parts; a test holds the document against
the router and the answers of a running service against the schemas. A part is a module with `TAG`, `schemas()` and
`paths()`: a new group of routes brings its own and is named in `PARTS`.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml import __version__
from revml.service.answers import JsonAnswer
from revml.service.openapi import exporting, figures, operating, reading, scoring
from revml.service.openapi.building import INTEGER, TEXT, Schema, failures, object_of

PARTS: tuple[ModuleType, ...] = (reading, figures, exporting, scoring, operating)
ABOUT = (
    "Scores with reasons and lifetime value. Probabilities are shares of one, money is in the run's currency, times "
    "are UTC. Every error is a problem of RFC 9457 that names the field, what was wanted and what came. As long as no "
    "API key exists the service answers its own machine only and asks for none; from the first key on, every "
    "operation but `/livez` and `/readyz` needs one."
)
SECURITY: Schema = {
    "key": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer KEY`; `revml keys` makes one"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "revml_session",
        "description": "what the log-in page gives a browser",
    },
}


@cache
def document() -> Schema:
    """The document."""
    schemas: Schema = {}
    paths: Schema = {}
    for part in PARTS:
        schemas |= part.schemas()
        paths |= part.paths()
    problem = {"type": TEXT, "title": TEXT, "status": INTEGER, "detail": TEXT}
    schemas["Problem"] = object_of(problem, "RFC 9457")
    schemas["Problem"]["properties"] |= {"field": TEXT, "wanted": TEXT, "got": TEXT, "do": TEXT}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "revml",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [part.TAG for part in PARTS],
        "security": [{"key": []}, {"session": []}],
        "paths": paths,
        "components": {"schemas": schemas, "responses": failures(), "securitySchemes": SECURITY},
    }


def openapi(_request: Request) -> Response:
    """The document."""
    return JsonAnswer(document())


routes = [Route("/openapi.json", openapi)]
