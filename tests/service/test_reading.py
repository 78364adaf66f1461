"""The read API."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from starlette.testclient import TestClient

from revml.exports.scores import SCHEMA
from revml.store import Store
from tests.literal_runs import literal_run
from tests.literal_values import FORECAST
from tests.service.conftest import client_of, make_workspace


def test_the_list_begins_with_the_most_money(client: TestClient) -> None:
    """Accounts come by expected money, each with its score and top reason in the language asked for."""
    answer = client.get("/v1/accounts", params={"question": "churn", "lang": "cs", "limit": 2}).json()
    assert [row["account"]["account_id"] for row in answer["accounts"]] == ["acme", "bolt"]
    assert answer["total"] == 5
    assert answer["run"]["as_of"] == "2026-03-01T00:00:00Z"
    assert answer["accounts"][0]["score"]["change"] == pytest.approx(0.22)
    assert answer["accounts"][0]["reason"]["text"].startswith("Aktivních uživatelů ubylo")


def test_the_cursor_leads_to_the_next_page(client: TestClient) -> None:
    """`after` continues where the page ended, and is null on the last page."""
    seen: list[str] = []
    after: str | None = None
    while True:
        parameters = {"question": "churn", "limit": "2"} | ({"after": after} if after else {})
        page = client.get("/v1/accounts", params=parameters).json()
        seen += [row["account"]["account_id"] for row in page["accounts"]]
        if (after := page["after"]) is None:
            break
    assert seen == ["acme", "bolt", "cogs", "skoda", "dent"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"search": "skoda"}, ["skoda"]),
        ({"band": "high", "owner": "Petr Malý"}, ["dent"]),
        ({"industry": "Machinery", "order": "-probability"}, ["bolt", "cogs"]),
        ({"country": "CZ"}, ["skoda"]),
        ({"attention": "treated"}, ["acme"]),
        ({"attention": "neither", "band": "high"}, ["cogs", "dent"]),
    ],
)
def test_filters(client: TestClient, parameters: dict[str, str], expected: list[str]) -> None:
    """Filters, search and order come through."""
    answer = client.get("/v1/accounts", params={"question": "churn", **parameters}).json()
    assert [row["account"]["account_id"] for row in answer["accounts"]] == expected


def test_an_account_with_everything(client: TestClient) -> None:
    """Scores, reasons, CLV, flows and history of one account."""
    found = client.get("/v1/accounts/acme", params={"lang": "en"}).json()
    assert [score["question"] for score in found["scores"]] == ["churn", "upsell"]
    assert found["reasons"][0]["text"] == "A customer for 3 years."
    assert found["clv"][0]["clv"] == 20_000
    assert len(found["flows"][0]["survival"]) == 24
    assert [past["probability"] for past in found["history"] if past["question"] == "churn"] == [0.2, 0.42]


def test_an_account_is_worth_something_at_each_horizon(client: TestClient) -> None:
    """Values by horizon with their range, components that add up, drivers that add up, bands of each month."""
    found = client.get("/v1/accounts/acme", params={"lang": "cs"}).json()
    assert [(one["horizon_months"], one["clv"], one["clv_p90"]) for one in found["values"]] == [
        (12, 12_100, 15_100),
        (24, 22_000, 29_000),
    ]
    for one in (*found["clv"], *found["clv_shorter"]):
        assert one["base"] + one["expansion"] - one["contraction"] + one["referral"] == one["clv"]
    assert sum(one["clv"] for one in found["clv"]) == found["account"]["clv"] == found["values"][-1]["clv"]
    assert sum(one["money"] for one in found["drivers"]) == found["account"]["clv"]
    assert len(found["flows"][0]["revenue_p10"]) == 24
    assert found["run"]["discount_rate"] == 0.1


def test_the_companys_forecast_is_read_whole(client: TestClient, tmp_path: Path) -> None:
    """As it was published, with its run; a run without one says what to do."""
    told = client.get("/v1/forecast").json()
    assert told["forecast"] == FORECAST
    assert (told["intervals"], told["installed"], told["backtest"]) == (None, None, None)
    assert client.get("/v1/forecast/backtest").json()["detail"] == "this run has no forecast_backtest"
    assert client.get("/v1/forecast?months=3").status_code == 422
    workspace = make_workspace(tmp_path)
    with Store.open(workspace.store_url) as store:
        store.publish(literal_run())
    told = client_of(workspace).get("/v1/forecast")
    assert (told.status_code, told.json()["detail"]) == (404, "this run has no forecast")


@pytest.mark.parametrize("path", ["/v1/forecast", "/v1/kpis?by=industry"])
def test_long_answers_are_packed_and_known_again(client: TestClient, path: str) -> None:
    """Gzip for who takes it, the same content without; 304 for who holds it; nothing that a browser would store."""
    packed, plain = client.get(path), client.get(path, headers={"Accept-Encoding": "identity"})
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.headers["cache-control"] == "no-store"
    again = client.get(path, headers={"If-None-Match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_totals_facets_and_run(client: TestClient) -> None:
    """The sums, the filters' values and the current run agree."""
    totals = client.get("/v1/totals").json()
    assert [one["question"] for one in totals["questions"]] == ["churn", "upsell"]
    assert totals["questions"][0]["bands"]["high"]["accounts"] == 3
    facets = client.get("/v1/facets", params={"question": "churn"}).json()
    assert {"value": "high", "accounts": 3} in facets["band"]
    assert client.get("/v1/runs/current").json() == totals["run"]


def test_the_export_reads_back(client: TestClient) -> None:
    """The CSV holds the whole list with its figures; a name that looks like a formula is made harmless."""
    answer = client.get("/v1/export.csv", params={"question": "churn", "band": "high"})
    assert answer.headers["content-disposition"] == 'attachment; filename="revml-churn-2026-03-01.csv"'
    frame = pd.read_csv(StringIO(answer.content.decode("utf-8-sig")))
    assert frame["account_id"].tolist() == ["acme", "cogs", "dent"]
    assert frame["expected_money"].tolist() == [5040.0, 432.0, 0.0]
    assert frame["name"].tolist() == ["Acme", "'=Cogs & Sons", "Dentalis"]


def test_the_export_has_the_columns_of_revml_export(client: TestClient) -> None:
    """Both ways out of the store give the same table."""
    answer = client.get("/v1/export.csv", params={"question": "churn"})
    assert next(csv.reader(StringIO(answer.content.decode("utf-8-sig")))) == SCHEMA.names


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/v1/accounts", 422, "question"),
        ("/v1/accounts?question=growh", 422, "question"),
        ("/v1/accounts?question=churn&limit=0", 422, "limit"),
        ("/v1/accounts?question=churn&limit=1e9", 422, "limit"),
        ("/v1/accounts?question=churn&order=money", 422, "order"),
        ("/v1/accounts?question=churn&after=nonsense", 422, "after"),
        ("/v1/accounts?question=churn&serach=x", 422, "serach"),
        ("/v1/accounts?question=churn&question=upsell", 422, "question"),
        ("/v1/accounts?question=churn&search=%00", 422, "search"),
        ("/v1/accounts/acme?lang=de", 422, "lang"),
        ("/v1/accounts/nobody", 404, None),
        ("/v1/accounts/%00", 404, None),
        ("/v1/accounts?question=lapse", 404, None),
        ("/v1/nothing", 404, None),
        ("/docs.json", 404, None),
        ("/schema.json", 404, None),
    ],
)
def test_wrong_questions_are_answered_in_one_shape(
    client: TestClient, path: str, status: int, field: str | None
) -> None:
    """An error is a problem document that names what is wrong."""
    answer = client.get(path)
    told = answer.json()
    assert (answer.status_code, told["status"], told.get("field")) == (status, status, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["detail"]


def test_a_wrong_method_is_told(client: TestClient) -> None:
    """405 names the methods that are taken."""
    answer = client.post("/v1/totals")
    assert (answer.status_code, answer.json()["title"]) == (405, "method not allowed")
    assert "GET" in answer.headers["allow"]
    assert client.put("/session").headers["allow"] == "DELETE, GET, HEAD, POST"


def test_before_the_first_run_the_way_out_is_told(tmp_path: Path) -> None:
    """An empty store answers with `nothing-published` and says what to run."""
    client = client_of(make_workspace(tmp_path))
    for path in ("/v1/totals", "/v1/accounts?question=churn", "/v1/runs/current", "/v1/accounts/acme"):
        told = client.get(path).json()
        assert (told["type"], told["status"]) == ("urn:revml:problem:nothing-published", 404)
        assert "revml score" in told["do"]


def test_a_store_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """A broken database gives 503, readyz says so, and nothing of its path is shown."""
    workspace = make_workspace(tmp_path)
    workspace.work_dir.mkdir()
    (workspace.work_dir / "scores.db").write_bytes(b"no database" * 1000)
    client = client_of(workspace)
    answer = client.get("/v1/totals")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["store"]["ok"]) == (503, False)
