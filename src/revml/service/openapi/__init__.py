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
from revml.service.openapi import asking, exporting, figures, keys, looking, operating, promoting, reading, scoring
from revml.service.openapi.building import INTEGER, TEXT, Schema, failures, object_of
from revml.service.scopes import SCOPES, security_of, security_scheme

PARTS: tuple[ModuleType, ...] = (reading, asking, figures, exporting, scoring, looking, keys, promoting, operating)
ABOUT = (
    "Scores with reasons and lifetime value. Probabilities are shares of one, money is in the run's currency, times "
    "are UTC. Every error is a problem of RFC 9457 that names the field, what was wanted and what came. As long as no "
    "API key exists the service answers its own machine only and asks for none; from the first key on, every "
    "operation but `/livez` and `/readyz` needs one."
)


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
        "paths": _with_security(paths),
        "components": {"schemas": schemas, "responses": failures(), "securitySchemes": security_scheme()},
    }


def _with_security(paths: Schema) -> Schema:
    """Each operation with the scope that it needs, out of the one table of scopes."""
    routes = {(method.lower(), path.replace(":path}", "}")): path for method, path in SCOPES}
    for path, operations in paths.items():
        for method, operation in operations.items():
            operation["security"] = security_of(method.upper(), routes[(method, path)])
    return paths


def openapi(_request: Request) -> Response:
    """The document."""
    return JsonAnswer(document())


routes = [Route("/openapi.json", openapi)]
