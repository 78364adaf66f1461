"""The API document agrees with the service."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from starlette.routing import Route
from starlette.testclient import TestClient

from revml.client import Client
from revml.service.application import make_application
from revml.service.openapi import document
from revml.service.openapi.building import example_of
from tests.service.conftest import client_of
from tests.service.examples import ask, example_workspace, operations, shown

NOT_FOR_PROGRAMS = {"/", "/login", "/api", "/texts/{language}.json"}
READS = {
    "/v1/accounts": "/v1/accounts?question=churn",
    "/v1/accounts/{account_id}": "/v1/accounts/acme",
    "/v1/accounts/{account_id}/history": "/v1/accounts/acme/history",
    "/v1/accounts/{account_id}/changes": "/v1/accounts/acme/changes",
    "/v1/accounts/{account_id}/levers": "/v1/accounts/acme/levers",
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


def _answered_alike(operation: dict[str, Any]) -> bool:
    """Whether the example can be asked for again and again: not what changes keys or models."""
    return operation["tags"] not in (["keys"], ["promotion"]) and operation["operationId"] != "document"


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


@pytest.mark.parametrize(
    "operation", [one for _, _, one in operations()], ids=[one["operationId"] for _, _, one in operations()]
)
def test_examples_fit_their_schemas(operation: dict[str, Any]) -> None:
    """Each operation shows an answer, and a body where it takes one; both are as its schemas say."""
    contents = [("answer", one) for code, one in operation["responses"].items() if code in ("200", "201")]
    contents += [("body", operation["requestBody"])] if "requestBody" in operation else []
    for _, told in contents:
        shown = {kind: content for kind, content in told["content"].items() if "example" in content}
        assert shown or "application/vnd.apache.parquet" in told["content"] or operation["operationId"] == "document"
        for content in shown.values():
            _fits(content["example"], content["schema"])


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    [one for one in operations() if _answered_alike(one[2])],
    ids=[one["operationId"] for _, _, one in operations() if _answered_alike(one)],
)
def test_examples_are_what_the_service_answers(
    example_client: TestClient, path: str, method: str, operation: dict[str, Any]
) -> None:
    """The call of each example is answered, with the fields that the example shows and no others."""
    answer = ask(example_client, path, method, operation)
    assert answer.status_code == 200, answer.text
    told = example_of(operation["operationId"])
    if isinstance(told, dict):
        assert _fields(shown(answer)) == _fields(told)
    elif told is not None and path != "/metrics":
        assert shown(answer).splitlines()[0] == told.splitlines()[0]


@pytest.fixture(scope="module")
def example_client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """The service of the workspace that the examples come from."""
    return client_of(example_workspace(tmp_path_factory.mktemp("examples")))


def _fields(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _fields(one) for name, one in value.items()}
    return [_fields(one) for one in value] if isinstance(value, list) else None


def test_every_operation_can_be_called_with_the_client() -> None:
    """A method of the client for each operation, but for those of a browser's session."""
    names = {one["operationId"] for path, _, one in operations() if path != "/session"}
    assert names <= set(dir(Client))


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
