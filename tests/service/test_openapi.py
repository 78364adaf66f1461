"""The API document agrees with the service."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from starlette.routing import Route
from starlette.testclient import TestClient

from revml.service.application import make_application
from revml.service.openapi import document

NOT_FOR_PROGRAMS = {"/", "/texts/{language}.json"}
READS = {
    "/v1/accounts": "/v1/accounts?question=churn",
    "/v1/accounts/{account_id}": "/v1/accounts/acme",
    "/v1/accounts/{account_id}/history": "/v1/accounts/acme/history",
    "/v1/segments": "/v1/segments?question=churn&by=owner",
    "/v1/runs": "/v1/runs",
    "/v1/totals": "/v1/totals",
    "/v1/facets": "/v1/facets?question=churn",
    "/v1/forecast": "/v1/forecast",
    "/v1/kpis": "/v1/kpis?by=industry",
    "/v1/scenarios": "/v1/scenarios?lang=cs",
    "/v1/runs/current": "/v1/runs/current",
    "/v1/models": "/v1/models",
    "/v1/models/{question}/importance": "/v1/models/churn/importance?by=industry",
    "/livez": "/livez",
    "/readyz": "/readyz",
    "/openapi.json": "/openapi.json",
}


def test_the_document_is_valid(client: TestClient) -> None:
    """What is served is a valid OpenAPI 3.1 document."""
    served = client.get("/openapi.json").json()
    assert served["openapi"] == "3.1.0"
    validate(served)


def test_every_route_is_described() -> None:
    """The router and the document name the same addresses and methods."""
    routes = {
        (route.path.replace(":path}", "}"), method.lower())
        for route in make_application().routes
        if isinstance(route, Route) and route.path not in NOT_FOR_PROGRAMS
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}
    assert routes == described


def test_counts_of_pairs_are_explained() -> None:
    """Where `accounts` counts the offers of a cross-sell, its description says so."""
    schemas = document()["components"]["schemas"]
    for record in ("QuestionTotal", "BandTotal"):
        assert "offers" in schemas[record]["properties"]["accounts"]["description"]
    assert "offers" in schemas["Page"]["properties"]["total"]["description"]


@pytest.mark.parametrize("path", sorted(READS))
def test_answers_are_as_described(client: TestClient, path: str) -> None:
    """The answer of each reading fits its schema, and holds nothing that the schema does not name."""
    operation = document()["paths"][path]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    _fits(client.get(READS[path]).json(), schema)


def test_a_score_is_as_described(client: TestClient) -> None:
    """The answer to rows fits its schema."""
    row = {"active_users_28d": 1, "seats": 5, "industry": "retail"}
    answer = client.post("/v1/score", json={"question": "churn", "rows": [row]}).json()
    _fits(answer, {"$ref": "#/components/schemas/ScoreAnswer"})


def test_a_problem_is_as_described(client: TestClient) -> None:
    """An error fits the schema of problems."""
    _fits(client.get("/v1/accounts").json(), {"$ref": "#/components/schemas/Problem"})


def _fits(answer: Any, schema: Any) -> None:
    OAS31Validator({**schema, "components": _strict(document()["components"])}).validate(answer)


def _strict(schema: Any) -> Any:
    """The schemas with unnamed properties refused, so that the document cannot fall behind."""
    if isinstance(schema, dict):
        made = {name: _strict(value) for name, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            made.setdefault("additionalProperties", False)
        return made
    return [_strict(item) for item in schema] if isinstance(schema, list) else schema
