"""Scoring of rows that a caller sends."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from revml.config import Workspace
from revml.models import champion
from revml.models.registry import appoint
from revml.service.strict_json import read_json
from tests.service.conftest import FRAME, RULE, client_and_serving, fill, make_workspace, write_bundle_of

ROW = {"active_users_28d": 0, "seats": 5, "industry": "retail"}


def post(client: TestClient, body: Any, **parameters: str) -> Any:
    """The answer to a score request."""
    return client.post("/v1/score", json=body, params=parameters)


def test_rows_get_the_bundles_probability(client: TestClient, workspace: Workspace) -> None:
    """The same numbers as the bundle itself, with band and model."""
    rows = json.loads(FRAME.to_json(orient="records"))
    answer = post(client, {"question": "churn", "rows": rows}).json()
    expected = champion(workspace, "churn").predict(FRAME)
    assert [row["probability"] for row in answer["rows"]] == expected.tolist()
    assert [row["band"] for row in answer["rows"]] == [
        "high" if p >= 0.3 else "medium" if p >= 0.1 else "low" for p in expected
    ]
    assert (answer["model"]["version"], answer["model"]["rung"]) == ("3", "rule")


def test_rows_get_the_curve_of_the_bundle(client: TestClient, workspace: Workspace) -> None:
    """Four horizons in order, the model's own with the published bits, the one beyond the history marked."""
    [row] = post(client, {"question": "churn", "rows": [ROW]}).json()["rows"]
    assert [(one["days"], one["extrapolated"]) for one in row["horizons"]] == [
        (30, False),
        (90, False),
        (180, False),
        (365, True),
    ]
    told = [one["probability"] for one in row["horizons"]]
    assert told == sorted(told)
    assert told[1] == row["probability"]


def test_rows_get_reasons_in_the_language(client: TestClient) -> None:
    """Each row's reasons come with their text; the two languages differ only there."""
    english = post(client, {"question": "churn", "rows": [ROW, {**ROW, "active_users_28d": 40}]}, lang="en").json()
    czech = post(client, {"question": "churn", "rows": [ROW, {**ROW, "active_users_28d": 40}]}, lang="cs").json()
    first, second = english["rows"]
    assert (first["reasons"][0]["side"], second["reasons"][0]["side"]) == ("raises", "lowers")
    assert first["reasons"][0]["text"]
    assert first["reasons"][0]["text"] != czech["rows"][0]["reasons"][0]["text"]
    assert first["reasons"][0]["contribution"] == czech["rows"][0]["reasons"][0]["contribution"]


def test_null_and_unseen_categories_count_as_unknown(client: TestClient) -> None:
    """A category that the model never saw is reported and scored as null is."""
    rows = [{**ROW, "industry": "mining"}, {**ROW, "industry": None}]
    first, second = post(client, {"question": "churn", "rows": rows}).json()["rows"]
    assert (first["unseen_categories"], second["unseen_categories"]) == (["industry"], [])
    assert first["probability"] == second["probability"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({"question": "churn", "rows": [ROW], "more": 1}, "more"),
        ({"rows": [ROW]}, "question"),
        ({"question": "weather", "rows": [ROW]}, "question"),
        ({"question": "churn"}, "rows"),
        ({"question": "churn", "rows": []}, "rows"),
        ({"question": "churn", "rows": [ROW] * 1001}, "rows"),
        ({"question": "churn", "rows": [ROW, 3]}, "rows[1]"),
        ({"question": "churn", "rows": [{"seats": 5, "industry": "retail"}]}, "rows[0].active_users_28d"),
        ({"question": "churn", "rows": [{**ROW, "seets": 5}]}, "rows[0].seets"),
        ({"question": "churn", "rows": [{**ROW, "seats": "5"}]}, "rows[0].seats"),
        ({"question": "churn", "rows": [{**ROW, "seats": [5]}]}, "rows[0].seats"),
        ({"question": "churn", "rows": [{**ROW, "seats": 1e39}]}, "rows[0].seats"),
        ({"question": "churn", "rows": [{**ROW, "seats": 10**350}]}, "rows[0].seats"),
        ({"question": "churn", "rows": [{**ROW, "industry": 7}]}, "rows[0].industry"),
    ],
)
def test_wrong_bodies_are_refused_by_name(client: TestClient, body: Any, field: str) -> None:
    """422 names the place, what was wanted and what came."""
    answer = post(client, body)
    told = answer.json()
    assert (answer.status_code, told["field"]) == (422, field)
    assert told["wanted"]
    assert told["got"]


def test_the_nearest_feature_is_suggested(client: TestClient) -> None:
    """A misspelt extra feature gets a hint."""
    assert post(client, {"question": "churn", "rows": [{**ROW, "seets": 5}]}).json()["do"] == "did you mean 'seats'?"


@pytest.mark.parametrize(
    "text",
    [
        '{"question": "churn", "rows": [{"seats": NaN}]}',
        '{"question": "churn", "rows": [{"seats": 1e999}]}',
        '{"question": "churn", "question": "upsell"}',
        '{"question": "churn\\ud800"}',
        '{"question": "chu\trn"}',
        "[" * 100_000,
        "{",
        "",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_is_refused(client: TestClient, text: str | bytes) -> None:
    """NaN, overflow, twice-given keys, half surrogates, control characters and bottomless nesting give 400."""
    answer = client.post("/v1/score", content=text, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:revml:problem:invalid-json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/json+x"])
def test_only_json_is_read(client: TestClient, kind: str) -> None:
    """Another content type is refused, also if JSON is in it."""
    body = json.dumps({"question": "churn", "rows": [ROW]})
    assert client.post("/v1/score", content=body, headers={"content-type": kind}).status_code == 415


def test_a_question_without_a_champion_is_not_found(client: TestClient) -> None:
    """404 says how to train one."""
    told = post(client, {"question": "upsell", "rows": [ROW]}).json()
    assert told["status"] == 404
    assert "revml train upsell" in told["do"]


def test_models_lists_the_features_a_row_must_name(client: TestClient) -> None:
    """What `/v1/models` lists is what `/v1/score` takes."""
    model = client.get("/v1/models").json()["models"][0]
    assert [feature["name"] for feature in model["features"]] == ["active_users_28d", "seats", "industry"]
    row = {feature["name"]: None for feature in model["features"]}
    assert post(client, {"question": "churn", "rows": [row]}).status_code == 200


def test_a_new_champion_takes_over_and_a_broken_one_does_not(tmp_path: Path) -> None:
    """The pointer's change is noticed; a champion whose files were altered leaves the last good one serving."""
    workspace = make_workspace(tmp_path)
    fill(workspace)
    client, serving = client_and_serving(workspace)
    folder = workspace.bundles_dir / "churn"
    body = {"question": "churn", "rows": [ROW]}
    before = post(client, body).json()
    other = write_bundle_of(folder, replace(RULE, levels=(2.0, -1.0, -3.0)))
    appoint(folder, other.folder.name, "4")
    serving.champions.look()
    after = post(client, body).json()
    assert (before["model"]["version"], after["model"]["version"]) == ("3", "4")
    assert after["rows"][0]["probability"] == pytest.approx(1 / (1 + math.exp(-2.0)))
    altered = write_bundle_of(folder, replace(RULE, levels=(0.0, -1.0, -3.0)))
    (altered.folder / "model.json").write_text("{}", encoding="utf-8")
    appoint(folder, altered.folder.name, "5")
    serving.champions.look()
    assert post(client, body).json()["model"]["version"] == "4"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["models"]["ok"]) == (200, False)
    assert ready.json()["degraded"] == ["champion-broken"]
    assert post(client, body).headers["x-revml-degraded"] == "champion-broken"


def test_strict_json_keeps_what_is_right() -> None:
    """Ordinary JSON, escapes and nesting come through unchanged."""
    text = '{"a": [1, -2.5e3, true, null, "\\u0159\\ud83d\\ude00"], "b": {"a": "ř"}}'
    assert read_json(text.encode()) == json.loads(text)
