"""A published score asked about over HTTP: changes, levers, what-if, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from revml.config import Workspace
from revml.models.registry import appoint, champion
from revml.store import Store
from tests.literal_asking import SEATS, USERS, as_named, publish_kept, with_kept
from tests.literal_runs import literal_run
from tests.service.conftest import client_of, make_workspace, write_bundle_of

STRANGE = ("a/b/levers", "ž %2F?#&", "changes")


def test_what_changed_adds_up(client: TestClient) -> None:
    """Lines, difference and words; the scores that the run before tells nothing of are named."""
    told = client.get("/v1/accounts/acme/changes", params={"lang": "cs"}).json()
    [one] = told["changes"]
    assert one["log_odds"] == sum(line["log_odds"] for line in one["lines"]) == 2.0
    assert one["probability"] == pytest.approx(0.22)
    assert one["lines"][0]["text"].endswith(": 12 → 3")
    assert told["untold"] == [{"question": "upsell", "item": ""}]
    assert told["askable"] == ["churn"]


def test_an_answer_that_is_held_is_not_read_again(client: TestClient) -> None:
    """The tag of changes and levers is taken back."""
    for tail in ("changes", "levers"):
        first = client.get(f"/v1/accounts/acme/{tail}")
        again = client.get(f"/v1/accounts/acme/{tail}", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304


def test_what_if_asks_the_model(client: TestClient) -> None:
    """Before is the kept row, after the row as asked, with what moved along."""
    body = {"question": "churn", "set": {"active_users_28d": 12}}
    told = client.post("/v1/accounts/acme/what-if", json=body).json()
    assert (told["before"]["log_odds"], told["after"]["log_odds"]) == (-1.0, -3.0)
    assert told["recomputed"][0] == {
        "feature": "active_users_84d",
        "label": "Active users in the last 84 days",
        "before": 4.0,
        "after": 12.0,
        "text": "Active users in the last 84 days: 4 → 12",
    }


def test_a_lever_is_the_models(client: TestClient) -> None:
    """An account without users needs two to leave the high band, and the model gives what what-if gives."""
    told = client.get("/v1/accounts/cogs/levers").json()
    assert (told["band"], told["wanted"]) == ("high", "medium")
    assert told["tried"][0]["value"] == 0.0


def test_no_error_shows_a_place_on_this_machine(client: TestClient, workspace: Workspace) -> None:
    """The question that was scored without rows being kept is a 404 without a path."""
    answer = client.get("/v1/accounts/acme/levers", params={"question": "upsell"})
    assert answer.status_code == 404
    assert "kept no feature rows" in answer.json()["detail"]
    assert str(workspace.root) not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/accounts/nobody/changes", 404),
        ("/v1/accounts/nobody/levers", 404),
        ("/v1/accounts/skoda/levers?question=upsell", 404),
        ("/v1/accounts/acme/levers?question=churns", 422),
        ("/v1/accounts/acme/levers?item=%00", 422),
        ("/v1/accounts/acme/levers?set=1", 422),
        ("/v1/accounts/acme/changes?question=churn", 422),
        ("/v1/accounts/%00/changes", 404),
        (f"/v1/accounts/{'x' * 300}/levers", 404),
        ("/v1/accounts//levers", 404),
    ],
)
def test_what_cannot_be_read(client: TestClient, path: str, status: int) -> None:
    """Nobody, another question, a parameter that is none: a problem each."""
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["type"].startswith("urn:revml:problem:")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"set": {"active_users_28d": -1}}, "set.active_users_28d"),
        ({"set": {"active_users_28d": 1.5}}, "set.active_users_28d"),
        ({"set": {"active_users_28d": "3"}}, "set.active_users_28d"),
        ({"set": {"active_users_28d": [3]}}, "set.active_users_28d"),
        ({"set": {"active_users_28d": 1e300}}, "set.active_users_28d"),
        ({"set": {"industry": "space"}}, "set.industry"),
        ({"set": {"item_share": 0.1}}, "set.item_share"),
        ({"set": {"": 1}}, "set."),
        ({"set": {}}, "set"),
        ({"set": {f"f{i}": 1 for i in range(101)}}, "set"),
        ({"set": [1]}, "set"),
        ({"question": "churn"}, "set"),
        ({"question": "chur", "set": {"seats": 1}}, "question"),
        ({"item": 3, "set": {"seats": 1}}, "item"),
        ({"features": {"seats": 1}}, "features"),
        ([], "body"),
    ],
)
def test_a_wrong_question_is_refused(client: TestClient, body: Any, field: str) -> None:
    """A 422 that names the field, never a 500."""
    answer = client.post("/v1/accounts/acme/what-if", json=body)
    assert (answer.status_code, answer.json().get("field")) == (422, field)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"set": {"active_users_28d": NaN}}', "application/json", 400),
        (b'{"set": {"active_users_28d": 1, "active_users_28d": 2}}', "application/json", 400),
        (b"{", "application/json", 400),
        (b"active_users_28d=3", "application/x-www-form-urlencoded", 415),
    ],
)
def test_what_is_no_json(client: TestClient, content: bytes, kind: str, status: int) -> None:
    """NaN, repeated keys and forms are refused before anything is read."""
    answer = client.post("/v1/accounts/acme/what-if", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A run of accounts whose ids are addresses of their own."""
    workspace = make_workspace(tmp_path_factory.mktemp("strange"))
    bundle = write_bundle_of(workspace.bundles_dir / "churn")
    as_named(bundle)
    appoint(workspace.bundles_dir / "churn", bundle.folder.name, "3")
    run = literal_run("2026-03-01", churn={"acme": 0.4, "bolt": 0.1, "skoda": 0.2})
    names = dict(zip(("acme", "bolt", "skoda"), STRANGE, strict=True))
    frames = {
        name: getattr(run, name).replace({"account_id": names})
        for name in ("accounts", "scores", "reasons", "clv", "flows")
    }
    USERS.update({new: USERS[old] for old, new in names.items()})
    SEATS.update({new: SEATS[old] for old, new in names.items()})
    with Store.open(workspace.store_url) as store:
        publish_kept(workspace, store, with_kept(replace(run, **frames), workspace, bundle))
    yield client_of(workspace)
    for name in STRANGE:
        del USERS[name], SEATS[name]


@pytest.mark.parametrize("account", STRANGE)
def test_ids_with_strange_characters(strange: TestClient, account: str) -> None:
    """Percent-encoded, an id is one part of the address, whatever it ends in."""
    spelt = quote(account, safe="")
    for tail in ("changes", "levers"):
        assert strange.get(f"/v1/accounts/{spelt}/{tail}").json()["account_id"] == account
    told = strange.post(f"/v1/accounts/{spelt}/what-if", json={"set": {"active_users_28d": 5}}).json()
    assert told["account_id"] == account
    assert strange.get(f"/v1/accounts/{spelt}").json()["account"]["account_id"] == account


def test_a_model_that_is_gone(tmp_path: Path) -> None:
    """Changes are told from the database, and what needs the model says what is missing."""
    workspace = make_workspace(tmp_path)
    bundle = write_bundle_of(workspace.bundles_dir / "churn")
    appoint(workspace.bundles_dir / "churn", bundle.folder.name, "3")
    with Store.open(workspace.store_url) as store:
        publish_kept(workspace, store, with_kept(literal_run("2026-03-01", churn={"acme": 0.4}), workspace, bundle))
    client = client_of(workspace)
    assert champion(workspace, "churn").hash != "ab12cd34ef56"
    assert client.get("/v1/accounts/acme/changes").json()["askable"] == []
    answer = client.get("/v1/accounts/acme/levers")
    assert answer.status_code == 404
    assert "no longer here" in answer.json()["detail"]
