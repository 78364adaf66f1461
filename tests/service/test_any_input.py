"""Whatever is asked, the service answers what was asked or says what is wrong: it never fails."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

ONE_CLIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PARAMETERS = ("question", "order", "search", "band", "owner", "limit", "after", "lang", "x")
PATHS = ("/v1/accounts", "/v1/export.csv", "/v1/facets", "/v1/totals", "/v1/accounts/acme")
TEXTS = st.one_of(
    st.text(max_size=12), st.sampled_from(["churn", "upsell", "name", "-clv", "high", "cs", "7", "%", "WzFd"])
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries({"active_users_28d": VALUES, "seats": VALUES, "industry": VALUES}), min_size=1, max_size=3
)


def fine(answer: Any) -> None:
    """Not a failure, and an error is a problem."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@ONE_CLIENT
@given(path=st.sampled_from(PATHS), parameters=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=5))
def test_any_parameters(client: TestClient, path: str, parameters: dict[str, str]) -> None:
    """Any text in any parameter."""
    fine(client.get(path, params=parameters))
    fine(client.get(path, params={"question": "churn", **parameters}))


@ONE_CLIENT
@given(path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_address(client: TestClient, path: str) -> None:
    """Any account id and any path."""
    fine(client.get(f"/v1/accounts/{quote(path, safe='/.')}"))


@ONE_CLIENT
@given(rows=ROWS)
def test_any_values(client: TestClient, rows: list[Any]) -> None:
    """Any JSON value for any feature."""
    body = json.dumps({"question": "churn", "rows": rows})
    fine(client.post("/v1/score", content=body, headers={"content-type": "application/json"}))


@ONE_CLIENT
@given(body=st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body(client: TestClient, body: bytes) -> None:
    """Any bytes, and any JSON."""
    fine(client.post("/v1/score", content=body, headers={"content-type": "application/json"}))
