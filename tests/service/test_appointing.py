"""Models promoted and rolled back over the API."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from revml.models.registry import appoint, history, name_challenger
from revml.service import appointing
from revml.service.life.changing import change, last_change
from revml.service.serving import Serving
from tests.service.conftest import RULE, client_and_serving, fill, make_workspace, write_bundle_of

# A promotion runs in a process of its own, which imports what training needs.
pytestmark = pytest.mark.slow


@pytest.fixture
def service(tmp_path: Path) -> tuple[TestClient, Serving]:
    """A service whose champion of churn had one before it."""
    workspace = make_workspace(tmp_path)
    fill(workspace)
    folder = workspace.bundles_dir / "churn"
    other = write_bundle_of(folder, replace(RULE, levels=(2.0, -1.0, -3.0)))
    appoint(folder, other.folder.name, "4", event="promote")
    return client_and_serving(workspace)


def test_going_back_serves_at_once(service: tuple[TestClient, Serving]) -> None:
    """The next answer is the champion's before, and the history says why."""
    client, serving = service
    before = serving.champions.get("churn")
    answer = client.post("/v1/models/churn/rollback", json={"reason": "calls went wrong"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["before"] == before.folder.name
    assert serving.champions.get("churn").hash == answer.json()["bundle"] != before.hash
    assert history(serving.workspace, "churn")[-1].reason == "calls went wrong"
    assert client.post("/v1/models/churn/rollback").json()["type"] == "urn:revml:problem:not-found"


def test_nothing_waits_so_nothing_is_promoted(service: tuple[TestClient, Serving]) -> None:
    """What the child refuses is a problem here, and is told again by `change`."""
    client, serving = service
    assert client.get("/v1/models/churn/change").status_code == 404
    told = change(serving.workspace, "churn", {"id": "request-1"})
    assert (told["state"], told["status"]) == ("refused", 404)
    seen = client.get("/v1/models/churn/change").json()
    assert (seen["id"], seen["state"], seen["what"]) == ("request-1", "refused", told["what"])


def test_what_a_promotion_is_refused_for_is_told(
    service: tuple[TestClient, Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workspace has no facts to compare on: the process apart says so, and its words come back as a problem."""
    client, serving = service
    monkeypatch.setattr(appointing, "WAIT_SECONDS", 120)
    folder = serving.workspace.bundles_dir / "churn"
    third = write_bundle_of(folder, replace(RULE, levels=(0.5, -1.0, -3.0)))
    name_challenger(folder, third.folder.name, None)
    serving_now = serving.champions.get("churn").hash
    answer = client.post("/v1/models/churn/promote", json={"reason": "new price list"})
    told = last_change(serving.workspace, "churn")
    assert told is not None
    assert (answer.status_code, answer.json()["detail"]) == (told["status"], told["what"])
    assert told["id"] == answer.headers["x-request-id"]
    assert serving.champions.get("churn").hash == serving_now


def test_a_long_promotion_is_followed_up(service: tuple[TestClient, Serving], monkeypatch: pytest.MonkeyPatch) -> None:
    """202 says where to ask what came of it."""
    client, serving = service
    monkeypatch.setattr(appointing, "WAIT_SECONDS", 0)
    answer = client.post("/v1/models/churn/promote")
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert answer.headers["location"] == "/v1/models/churn/change"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        told = last_change(serving.workspace, "churn")
        if told is not None and told["id"] == answer.json()["id"] and told["state"] == "refused":
            return
        time.sleep(0.1)
    raise AssertionError("the promotion never ended")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"force": True}, "reason"),
        ({"force": "yes"}, "force"),
        ({"bundle": "../../etc"}, "bundle"),
        ({"reason": "a\nb"}, "reason"),
        ({"because": "x"}, "because"),
        ([], "body"),
    ],
)
def test_what_is_asked_wrongly_is_refused(service: tuple[TestClient, Serving], body: object, field: str) -> None:
    """The field is named, and no process is started."""
    answer = service[0].post("/v1/models/churn/promote", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_change_whose_process_died_is_interrupted(service: tuple[TestClient, Serving]) -> None:
    """Nobody waits for what will never end."""
    client, serving = service
    place = serving.workspace.work_dir / "service" / "changes" / "churn.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    left = {"id": "request-1", "question": "churn", "action": "promote", "state": "running", "pid": 2**22 + 1}
    place.write_text(json.dumps(left), encoding="utf-8")
    assert client.get("/v1/models/churn/change").json()["state"] == "interrupted"
