"""What is degraded is said by readyz, in every answer, and in the metrics; the rest works on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from revml.config import Workspace
from revml.service.life.board import Board
from tests.service.conftest import client_and_serving, make_workspace

ROW = {"active_users_28d": 0, "seats": 5, "industry": "retail"}
SCORE = {"question": "churn", "rows": [ROW]}


def with_service(workspace: Workspace, **settings: object) -> Workspace:
    """The workspace with other settings of its service."""
    service = workspace.service.model_copy(update=settings)
    return workspace.model_copy(update={"service": service})


def test_all_well(own_workspace: Workspace) -> None:
    """Nothing is degraded, and no header says otherwise."""
    client, serving = client_and_serving(own_workspace)
    told = client.get("/readyz").json()
    assert (told["ready"], told["degraded"]) == (True, [])
    assert "x-revml-degraded" not in client.get("/v1/totals").headers
    assert serving.degraded == ()


def test_old_scores_are_called_stale(own_workspace: Workspace) -> None:
    """They are served all the same, with a header that says so."""
    client, _ = client_and_serving(with_service(own_workspace, stale_days=1))
    told = client.get("/readyz")
    assert (told.status_code, told.json()["degraded"]) == (200, ["scores-stale"])
    answer = client.get("/v1/totals")
    assert (answer.status_code, answer.headers["x-revml-degraded"]) == (200, "scores-stale")
    assert 'revml_degraded{reason="scores-stale"} 1.0' in client.get("/metrics").text


def test_without_its_store_it_still_scores(own_workspace: Workspace) -> None:
    """A database that is away costs what was published, not the models."""
    client, serving = client_and_serving(own_workspace)
    serving.close()
    (own_workspace.work_dir / "scores.db").write_bytes(b"no database" * 1000)
    told = client.get("/readyz")
    assert (told.status_code, told.json()["degraded"]) == (200, ["store-away"])
    assert serving.degraded == ("store-away",)


def test_with_neither_it_is_not_ready(tmp_path: Path) -> None:
    """Nothing can be read and nothing scored: 503."""
    client, _ = client_and_serving(make_workspace(tmp_path))
    told = client.get("/readyz")
    assert (told.status_code, told.json()["degraded"]) == (503, ["nothing-published", "no-champion"])


def test_a_worker_that_is_leaving_says_so_first(own_workspace: Workspace) -> None:
    """503 for the balancer, answers with `Connection: close` for who still asks."""
    client, serving = client_and_serving(own_workspace)
    serving.drain.draining = True
    told = client.get("/readyz")
    assert (told.status_code, told.json()["degraded"]) == (503, ["draining"])
    answer = client.post("/v1/score", json=SCORE)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_workers_see_each_other(own_workspace: Workspace, tmp_path: Path) -> None:
    """A missing one, and one that serves another model, are told; a note of a dead process counts for nobody."""
    client, serving = client_and_serving(own_workspace)
    serving.board = Board(tmp_path / "board", expected=2)
    serving.board.tell(serving=[["churn", "aaaa"]])
    (tmp_path / "board" / f"{2**22 + 1}.json").write_text("{}", encoding="utf-8")
    assert client.get("/readyz").json()["degraded"] == ["workers-missing"]
    (tmp_path / "board" / "1.json").write_text('{"serving": [["churn", "bbbb"]]}', encoding="utf-8")
    assert client.get("/readyz").json()["degraded"] == ["workers-differ"]
    assert serving.board.last_to_leave() is False
    (tmp_path / "board" / "1.json").write_text('{"draining": true}', encoding="utf-8")
    assert serving.board.last_to_leave() is True


def test_age_is_told(own_workspace: Workspace) -> None:
    """readyz and the metrics tell how old the scores are."""
    client, _ = client_and_serving(own_workspace)
    days = client.get("/readyz").json()["checks"]["store"]["age_days"]
    told = next(x for x in client.get("/metrics").text.splitlines() if x.startswith("revml_scores_age_seconds "))
    assert abs(timedelta(seconds=float(told.split()[1])) - timedelta(days=days)) < timedelta(hours=2)
