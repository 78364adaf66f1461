"""The published scenarios through the API."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from revml.store import Store
from tests.literal_runs import literal_run
from tests.literal_scenarios import scenarios_document
from tests.service.conftest import client_of, make_workspace


@pytest.mark.parametrize(("language", "title"), [("en", "of a hundred contract"), ("cs", "ze sta smluvních")])
def test_scenarios_come_with_their_words(client: TestClient, language: str, title: str) -> None:
    """Values are as published; titles, labels and what was assumed stand beside them in the language asked for."""
    told = client.get("/v1/scenarios", params={"lang": language}).json()
    published = scenarios_document()["scenarios"]
    assert [one["clv"] for one in told["scenarios"]] == [one["clv"] for one in published]
    assert title in told["scenarios"][0]["title"]
    assert all(len(one["assumed_texts"]) == len(one["assumed"]) for one in told["scenarios"])
    assert all(row["label"] for one in told["scenarios"] for row in one["figures"])


def test_each_scenario_is_worth_something(client: TestClient) -> None:
    """Who stays longer and pays more is worth more; only who is riskier than the average is saved."""
    told = {one["name"]: one for one in client.get("/v1/scenarios").json()["scenarios"]}
    assert all(one["clv"] > 0 for one in told.values())
    assert [one["account_id"] for one in told["saving"]["accounts"]] == ["acme"]


def test_a_run_without_scenarios_has_none(tmp_path: Path) -> None:
    """A run of ready tables has no facts to change: an empty list, which is no error for the page."""
    workspace = make_workspace(tmp_path)
    with Store.open(workspace.store_url) as store:
        store.publish(literal_run())
    told = client_of(workspace).get("/v1/scenarios")
    assert (told.status_code, told.json()["scenarios"]) == (200, [])


def test_before_the_first_run_there_is_nothing(tmp_path: Path) -> None:
    """As for every other reading."""
    told = client_of(make_workspace(tmp_path)).get("/v1/scenarios")
    assert (told.status_code, told.json()["detail"]) == (404, "nothing was scored yet")
