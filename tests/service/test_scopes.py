"""Every route, with every key, with every method: what the table of scopes says holds at the gate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from revml.config import Workspace
from revml.service.application import make_application
from revml.service.gate import PROBES
from revml.service.scopes import ALL_SCOPES, ANY_KEY, METHODS, SCOPES
from revml.store import Store
from revml.store.keys import create_key
from tests.service.conftest import client_of, fill, make_workspace

UNKNOWN = {"/nothing", "/v1", "//v1/totals", "/v1/totals/"}
ODD = ("TRACE", "CONNECT", "PROPFIND", "X")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A filled workspace with keys: one for each scope, one for all; nobody changes them."""
    made = make_workspace(tmp_path_factory.mktemp("guarded") / "w")
    fill(made)
    return made


@pytest.fixture(scope="module")
def keys(guarded: Workspace) -> dict[str, str]:
    """The text of a key by its only scope; under "all" one with all."""
    with Store.open(guarded.store_url) as store:
        made = {scope: create_key(store.database, [scope])[1] for scope in ALL_SCOPES}
        return made | {"all": create_key(store.database, ALL_SCOPES)[1]}


@pytest.fixture(scope="module")
def client(guarded: Workspace, keys: dict[str, str]) -> TestClient:
    """The guarded service; keys may ask without a rate here."""
    assert keys
    return client_of(guarded, raise_server_exceptions=False)


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def address(path: str) -> str:
    """An address that a declared path answers."""
    return "/static/app.js" if path == "/static" else re.sub(r"\{[^}]+\}", "x", path)


def declared() -> set[tuple[str, str]]:
    """All routes of the application with their methods, HEAD counted as GET."""
    found = set()
    for route in make_application().routes:
        assert isinstance(route, Route | Mount), route
        methods = route.methods or set() if isinstance(route, Route) else {"GET"}
        found |= {(method, route.path) for method in methods - {"HEAD"}}
    return found


def test_every_route_stands_in_the_table() -> None:
    """No route is forgotten, and none that is not there is named."""
    assert declared() == set(SCOPES)


@pytest.mark.parametrize(("method", "path"), sorted(SCOPES))
def test_without_a_key_only_open_routes_answer(client: TestClient, method: str, path: str) -> None:
    """401 that says how to come in, or for the pages the way to the log-in; nothing else."""
    answer = client.request(method, address(path), follow_redirects=False)
    if SCOPES[(method, path)] is None:
        assert "a key is needed" not in answer.text
    elif path == "/":
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    else:
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="revml"')


@pytest.mark.parametrize(("method", "path"), sorted(SCOPES))
def test_a_key_opens_what_its_scope_opens(client: TestClient, keys: dict[str, str], method: str, path: str) -> None:
    """With each single scope: 403 naming the scope that is missing, unless it is the one."""
    needed = SCOPES[(method, path)]
    if (method, path) in (("POST", "/session"), ("DELETE", "/session")):
        return
    for scope in ALL_SCOPES:
        answer = client.request(method, address(path), headers=bearer(keys[scope]))
        missing = answer.status_code == 403 and answer.json()["wanted"] == needed
        assert missing == (needed not in (None, ANY_KEY, scope)), (scope, answer.status_code, answer.text[:200])
        assert answer.status_code != 401


@pytest.mark.parametrize(
    "path", sorted({path for _, path in SCOPES} | {"/nothing", "/v1", "//v1/totals", "/v1/totals/"})
)
def test_no_other_method_slips_through(client: TestClient, keys: dict[str, str], path: str) -> None:
    """What the table does not name is 401 without a key and an error with one, HEAD being what GET is."""
    for method in (*sorted(METHODS), *ODD):
        known = SCOPES.get(("GET" if method == "HEAD" else method, path), "unknown")
        without = client.request(method, address(path), follow_redirects=False)
        if known is not None and path not in PROBES:
            assert without.status_code in (401, 303), (method, without.status_code)
        if known == "unknown":
            answer = client.request(method, address(path), headers=bearer(keys["all"]))
            assert answer.status_code in (400, 403, 404, 405), (method, answer.status_code)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/totals?x=/livez",
        "/v1/totals#/livez",
        "/livez/../v1/totals",
        "/static/../v1/totals",
        "/static/%2e%2e/v1/totals",
        "/%76%31/totals",
        "/v1%2Ftotals",
        "/v1/totals;/livez",
        "//livez/v1/totals",
        "/v1/accounts/..%2f..%2flivez",
        "/texts/..%2fv1%2ftotals.json",
        "http://localhost/livez/../v1/totals",
    ],
)
def test_no_spelling_of_an_address_gets_past_the_key(client: TestClient, path: str) -> None:
    """However an address is bent, no answer with data comes without a key."""
    answer = client.request("GET", path, headers={"X-Original-URL": "/livez", "X-Rewrite-URL": "/livez"})
    assert answer.status_code in (400, 401, 403, 404), path
    assert "questions" not in answer.text


def test_a_route_that_nobody_listed_is_refused(guarded: Workspace, keys: dict[str, str]) -> None:
    """A new route without a row answers nobody, however wide the key."""
    client = client_of(guarded)
    gate = client.app.app  # type: ignore[attr-defined]
    gate.application.router.routes.append(Route("/v1/new", lambda _: pytest.fail("it was reached")))
    assert client.get("/v1/new", headers=bearer(keys["all"])).status_code == 403


def test_reasons_are_told_to_who_may_have_them(client: TestClient, keys: dict[str, str]) -> None:
    """Without explain:read an answer keeps its form and holds no reason."""
    listed = client.get("/v1/accounts?question=churn", headers=bearer(keys["scores:read"])).json()
    assert [row["reason"] for row in listed["accounts"]] == [None] * 5
    one = client.get("/v1/accounts/acme", headers=bearer(keys["scores:read"])).json()
    assert (one["reasons"], one["drivers"]) == ([], [])
    assert client.get("/v1/accounts/acme", headers=bearer(keys["all"])).json()["reasons"] != []


def test_owners_are_told_to_who_may_have_them(client: TestClient, keys: dict[str, str]) -> None:
    """Without personal:read no answer names an owner, and none can be found out by asking."""
    plain, wide = bearer(keys["scores:read"]), bearer(keys["all"])
    assert client.get("/v1/accounts/acme", headers=plain).json()["account"]["owner"] is None
    assert client.get("/v1/accounts/acme", headers=wide).json()["account"]["owner"]
    assert client.get("/v1/facets?question=churn", headers=plain).json()["owner"] == []
    for asked in ("/v1/accounts?question=churn&owner=Eva", "/v1/segments?question=churn&by=owner"):
        assert client.get(asked, headers=plain).json()["wanted"] == "personal:read"


def test_a_tag_of_one_key_is_none_of_another(client: TestClient, keys: dict[str, str]) -> None:
    """Who sees less does not get 304 for what another was shown, nor the other way round."""
    wide = client.get("/v1/accounts/acme", headers=bearer(keys["all"])).headers["etag"]
    asked = bearer(keys["scores:read"]) | {"If-None-Match": wide}
    assert client.get("/v1/accounts/acme", headers=asked).status_code == 200


@pytest.mark.parametrize("path", ["/v1/export.csv?question=churn", "/v1/export/scores.csv"])
def test_exports_leave_out_what_a_key_may_not_have(client: TestClient, keys: dict[str, str], path: str) -> None:
    """The columns stay; owners and reasons are empty."""
    import csv

    def read(key: str) -> list[dict[str, str]]:
        return list(csv.DictReader(client.get(path, headers=bearer(key)).text.lstrip("\ufeff").splitlines()))

    narrow, wide = read(keys["export:read"]), read(keys["all"])
    assert list(narrow[0]) == list(wide[0])
    assert {row["owner"] + row["reason"] for row in narrow} == {""}
    assert any(row["owner"] and row["reason"] for row in wide)
    assert client.get("/v1/export/reasons.csv", headers=bearer(keys["export:read"])).status_code == 403


def test_no_file_of_the_service_reads_the_bendable_address() -> None:
    """What may be asked is decided by the path that the router sees."""
    for file in (Path(__file__).parents[2] / "src" / "revml" / "service").rglob("*.py"):
        assert "request.url.path" not in file.read_text(encoding="utf-8").replace("`request.url.path`", ""), file.name
