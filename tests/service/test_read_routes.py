"""Scores by id and day, history, segments, runs, whole tables: the read API beyond lists."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from revml.exports import TABLES, export
from revml.store import Store
from tests.literal_runs import literal_run, made_run
from tests.service.conftest import client_of, make_workspace
from tests.service.examples import example_workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with runs of February and March."""
    return example_workspace(tmp_path_factory.mktemp("routes")).root


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    """Its service."""
    from revml.config import load_workspace

    return client_of(load_workspace(folder))


def test_a_day_finds_the_run_that_looked_from_it_or_before(client: TestClient) -> None:
    """The newest run of the day or of an earlier one; before the first there is none, and the nearest are named."""
    for day, probability in (("2026-02-01", 0.2), ("2026-02-28", 0.2), ("2026-03-01", 0.42), ("2031-01-01", 0.42)):
        told = client.get("/v1/accounts/acme", params={"as_of": day}).json()
        assert told["scores"][0]["probability"] == probability
    told = client.get("/v1/accounts/acme", params={"as_of": "2026-01-31"}).json()
    assert (told["status"], told["wanted"]) == (404, "2026-02-01, 2026-03-01 or later")
    for day in ("2026-02-30", "yesterday", "2026-1-1"):
        assert client.get("/v1/accounts/acme", params={"as_of": day}).json()["field"] == "as_of"


def test_scores_by_id_come_in_the_order_asked_for(client: TestClient) -> None:
    """Each once, with at most so many reasons; what the run does not know is named."""
    body = {"account_ids": ["skoda", "nobody", "acme", "skoda"], "question": "churn", "reasons": 2}
    told = client.post("/v1/scores", json=body).json()
    assert [row["account"]["account_id"] for row in told["accounts"]] == ["skoda", "acme"]
    assert [len(row["reasons"]) for row in told["accounts"]] == [2, 2]
    assert told["missing"] == ["nobody"]
    then = client.post("/v1/scores", json={"account_ids": ["acme"], "as_of": "2026-02-01", "reasons": 0}).json()
    assert (then["run"]["as_of"], then["accounts"][0]["reasons"]) == ("2026-02-01T00:00:00Z", [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"account_ids": []}, "account_ids"),
        ({"account_ids": ["a"] * 1001}, "account_ids"),
        ({"account_ids": "acme"}, "account_ids"),
        ({"account_ids": ["acme", ""]}, "account_ids[1]"),
        ({"account_ids": ["x" * 257]}, "account_ids[0]"),
        ({"account_ids": ["a\x00"]}, "account_ids[0]"),
        ({"account_ids": ["acme"], "reasons": True}, "reasons"),
        ({"account_ids": ["acme"], "as_of": 5}, "as_of"),
        ({"account_ids": ["acme"], "quesion": "churn"}, "quesion"),
    ],
)
def test_wrong_bodies_are_told_by_field(client: TestClient, body: dict[str, object], field: str) -> None:
    """422 names the place."""
    told = client.post("/v1/scores", json=body).json()
    assert (told["status"], told["field"]) == (422, field)


@pytest.mark.parametrize("account", ["a/b", "a/history", "š/š", "%2F", "a b&c?d#e", "x" * 256, "日本"])
def test_any_id_is_found_as_it_is_spelt(tmp_path: Path, account: str) -> None:
    """Slashes, percent signs and other scripts: the account, its history, and nothing else."""
    workspace = make_workspace(tmp_path)
    run = literal_run(churn={"acme": 0.4})
    for frame in (run.accounts, run.scores, run.reasons, run.clv, run.flows):
        frame["account_id"] = account  # type: ignore[call-overload]
    with Store.open(workspace.store_url) as store:
        store.publish(run)
    client = client_of(workspace)
    address = f"/v1/accounts/{quote(account, safe='')}"
    assert client.get(address).json()["account"]["account_id"] == account
    assert client.get(f"{address}/history").json()["account_id"] == account
    assert client.get(f"{address}x").status_code == 404


@pytest.mark.parametrize("account", ["%00", "%ED%A0%80", "x" * 257, "nobody", "nobody/history", "%0A"])
def test_ids_that_are_none_are_not_found(client: TestClient, account: str) -> None:
    """404 whatever the id."""
    assert client.get(f"/v1/accounts/{account}").status_code == 404


def test_segments_add_up_and_page(client: TestClient) -> None:
    """All pages together are the question's totals; a cursor holds for its own list only."""
    seen, after = [], None
    while True:
        page = client.get(
            "/v1/segments",
            params={"question": "churn", "by": "owner", "limit": 1} | ({"after": after} if after else {}),
        ).json()
        seen += page["segments"]
        if page["after"] is None:
            break
        after = page["after"]
    totals = client.get("/v1/totals").json()["questions"][0]
    assert [one["value"] for one in seen] == ["Jana Nová", "Petr Malý", None]
    for name in ("accounts", "money", "expected_money", "money_at_risk"):
        assert sum(one[name] for one in seen) == pytest.approx(totals[name])
    told = client.get("/v1/segments", params={"question": "churn", "by": "country", "after": after}).json()
    assert (told["field"], told["detail"]) == ("after", "the cursor belongs to another list")


def test_a_cursor_of_a_run_that_is_gone_is_told(tmp_path: Path) -> None:
    """Lists stay in their run as long as it is kept; segments are of the current run only."""
    workspace = make_workspace(tmp_path)
    with Store.open(workspace.store_url, keep=1) as store:
        store.publish(literal_run("2026-02-01"))
        client = client_of(workspace)
        accounts = client.get("/v1/accounts?question=churn&limit=1").json()["after"]
        segments = client.get("/v1/segments?question=churn&by=industry&limit=1").json()["after"]
        store.publish(literal_run("2026-03-01"))
    told = client.get("/v1/accounts", params={"question": "churn", "limit": 1, "after": accounts}).json()
    assert (told["status"], told["detail"]) == (422, "the run of this list is gone")
    told = client.get("/v1/segments", params={"question": "churn", "by": "industry", "after": segments}).json()
    assert (told["status"], told["detail"]) == (422, "the cursor belongs to another run")


@pytest.mark.parametrize(
    "path", ["/v1/accounts?question=churn", "/v1/accounts/acme", "/v1/totals", "/v1/export/scores.csv"]
)
def test_a_tag_holds_until_something_is_published(tmp_path: Path, path: str) -> None:
    """304 without a body for who holds the answer; a new run or a rollback is told at once."""
    workspace = make_workspace(tmp_path)
    with Store.open(workspace.store_url) as store:
        store.publish(literal_run("2026-02-01"))
        client = client_of(workspace)
        tag = client.get(path).headers["etag"]
        again = client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        store.publish(literal_run("2026-03-01"))
        newer = client.get(path, headers={"If-None-Match": tag})
        assert newer.status_code == 200
        store.rollback()
        assert client.get(path, headers={"If-None-Match": newer.headers["etag"]}).status_code == 200


@pytest.mark.parametrize("what", TABLES)
def test_exports_are_the_bytes_of_revml_export(client: TestClient, folder: Path, tmp_path: Path, what: str) -> None:
    """CSV and Parquet of each table, with a file name and the run in the headers."""
    from revml.config import load_workspace

    with Store.open(load_workspace(folder).store_url) as store:
        for form in ("csv", "parquet"):
            answer = client.get(f"/v1/export/{what}.{form}")
            assert export(store, what, tmp_path / f"own.{form}") > 0
            assert answer.content == (tmp_path / f"own.{form}").read_bytes()
            assert answer.headers["content-disposition"] == f'attachment; filename="revml-{what}-2026-03-01.{form}"'
            assert answer.headers["revml-run"] == "3"


def test_a_table_of_several_row_groups_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of the store and row groups of the file cut where they like: no row is lost or told twice."""
    monkeypatch.setattr("revml.store.streaming.PAGE", 7)
    monkeypatch.setattr("revml.exports.streams.GROUP_ROWS", 20)
    workspace = make_workspace(tmp_path)
    with Store.open(workspace.store_url) as store:
        store.publish(made_run("2026-03-01", 100, shift=0.25))  # all alike: ties everywhere
    client = client_of(workspace)
    scores = pq.ParquetFile(BytesIO(client.get("/v1/export/scores.parquet").content))
    assert scores.num_row_groups == 5
    assert sorted(scores.read()["account_id"].to_pylist()) == [f"a{i:06d}" for i in range(100)]
    reasons = pq.read_table(BytesIO(client.get("/v1/export/reasons.parquet").content))
    assert reasons.num_rows == 300


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/export/nothing.csv", 404),
        ("/v1/export/flows.csv?question=churn", 404),
        ("/v1/export/scores.csv?question=lapse", 404),
        ("/v1/export/scores.csv?bom=1", 422),
        ("/v1/export/scores.parquet?bom=true", 422),
    ],
)
def test_an_export_that_cannot_be_is_an_error_and_not_half_a_file(client: TestClient, path: str, status: int) -> None:
    """Problems come before the first byte."""
    assert client.get(path).json()["status"] == status


def test_the_page_of_the_api_shows_every_operation(client: TestClient) -> None:
    """In both languages, without a script and without another host."""
    from revml.service.openapi import document

    for language, title in (("en", "The API of the service"), ("cs", "Rozhraní API služby")):
        text = client.get("/api", params={"lang": language}).text
        assert f"<h1>{title}</h1>" in text
        assert "<script" not in text
        for methods in document()["paths"].values():
            for operation in methods.values():
                assert f'id="{operation["operationId"]}"' in text
