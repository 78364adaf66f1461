"""What weighs in the model that serves, through the API."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from revml.models.registry import appoint
from tests.literal_views import literal_views
from tests.models import hand_made
from tests.service.conftest import client_of, make_workspace

ADDRESS = "/v1/models/churn/importance"


@pytest.mark.parametrize(("language", "text"), [("en", "Use of the product"), ("cs", "Využívání produktu")])
def test_views_come_as_training_measured_them_with_words(client: TestClient, language: str, text: str) -> None:
    """Numbers are those of the bundle; concepts, features and segments have words in the language asked for."""
    told = client.get(ADDRESS, params={"lang": language}).json()
    first = told["concepts"][0]
    assert (first["text"], first["share"]) == (text, literal_views()["concepts"][0]["share"])
    assert [one["median"] for one in told["dependence"][0]["bins"]] == [0.4, -0.7]
    assert all(one["text"] for part in ("features", "dependence", "segments", "small") for one in told[part])


def test_segments_of_one_column_are_told(client: TestClient) -> None:
    """`by` names a column of segments; another column is refused with those that there are."""
    told = client.get(ADDRESS, params={"by": "industry"}).json()
    assert [one["value"] for one in told["segments"]] == ["retail", "banking"]
    assert [one["value"] for one in told["small"]] == ["mining"]
    refused = client.get(ADDRESS, params={"by": "industri"})
    assert (refused.status_code, refused.json()["field"], refused.json()["wanted"]) == (422, "by", "one of industry")


@pytest.mark.parametrize("question", ["upsell", "nonsense"])
def test_a_question_without_a_model_is_not_found(client: TestClient, question: str) -> None:
    """No champion, or no such question: 404 and never a defect."""
    answer = client.get(f"/v1/models/{question}/importance")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_bundle_of_before_says_what_to_do(tmp_path: Path) -> None:
    """Trained before there were views: not found, and the way to have them."""
    workspace = make_workspace(tmp_path)
    bundle = hand_made.write(workspace.bundles_dir / "churn")
    appoint(workspace.bundles_dir / "churn", bundle.folder.name, None)
    answer = client_of(workspace).get(ADDRESS)
    assert (answer.status_code, answer.json()["do"]) == (404, "run `revml train churn`")
