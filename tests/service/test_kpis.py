"""The published key figures through the API."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from revml.store import Store
from tests.literal_kpis import kpi_document
from tests.literal_runs import literal_run
from tests.service.conftest import client_of, make_workspace


@pytest.mark.parametrize(("language", "label"), [("en", "Logo churn"), ("cs", "Odchod zákazníků")])
def test_figures_come_with_their_words(client: TestClient, language: str, label: str) -> None:
    """Values are as published; name, definition and caveat stand beside them in the language asked for."""
    told = client.get("/v1/kpis", params={"lang": language}).json()
    churn = next(kpi for kpi in told["kpis"] if kpi["name"] == "logo_churn")
    published = next(kpi for kpi in kpi_document()["kpis"] if kpi["name"] == "logo_churn")
    assert (churn["label"], churn["value"]) == (label, published["value"])
    assert all(kpi["definition"] and kpi["caveat"] for kpi in told["kpis"])
    assert told["as_of"] == told["run"]["as_of"]


def test_segments_are_told_of_the_kind_asked_for(client: TestClient) -> None:
    """None without `by`; with it all segments of that kind, those not known under words."""
    assert client.get("/v1/kpis").json()["segments"] == []
    told = client.get("/v1/kpis", params={"by": "industry", "lang": "cs"}).json()
    assert [one["label"] for one in told["segments"]] == ["Machinery", "Software", "neuvedeno"]
    assert [one["by"] for one in told["kinds"]] == ["industry", "country", "plan", "cohort"]


def test_an_unknown_kind_is_refused(client: TestClient) -> None:
    """The kinds that there are stand in the answer."""
    answer = client.get("/v1/kpis", params={"by": "colour"})
    assert (answer.status_code, answer.json()["field"]) == (422, "by")


def test_a_run_without_figures_says_so(tmp_path: Path) -> None:
    """A run of ready tables has no facts to make figures of."""
    workspace = make_workspace(tmp_path)
    with Store.open(workspace.store_url) as store:
        store.publish(literal_run())
    told = client_of(workspace).get("/v1/kpis")
    assert (told.status_code, told.json()["detail"]) == (404, "this run has no kpis")
