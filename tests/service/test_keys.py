"""Keys and sessions at the service: made, used, rotated, revoked, expired; and what is written of it."""

from __future__ import annotations

import logging
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest

from revml.config import Workspace, load_workspace
from revml.service.callers import STALE_SECONDS
from revml.service.scopes import ALL_SCOPES
from revml.store import Store
from revml.store.audit import deeds_since
from revml.store.keys import all_keys, create_key, revoke_key, rotate_key
from tests.service.conftest import client_of

SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def guarded(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the filled workspace, without keys."""
    return load_workspace(shutil.copytree(workspace.root, tmp_path / "w"))


def make(workspace: Workspace, *scopes: str, days: float | None = 1) -> str:
    """The text of a new key."""
    with Store.open(workspace.store_url) as store:
        lasts = None if days is None else timedelta(days=days)
        return create_key(store.database, scopes or ALL_SCOPES, expires_in=lasts)[1]


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def test_the_first_key_closes_the_door(guarded: Workspace) -> None:
    """A running service that asked nobody asks everybody within the seconds that it says."""
    client = client_of(guarded)
    assert client.get("/v1/totals").status_code == 200
    key = make(guarded)
    time.sleep(STALE_SECONDS)
    assert client.get("/v1/totals").status_code == 401
    assert client.get("/v1/totals", headers=bearer(key)).status_code == 200


def test_with_a_key_other_machines_are_answered(guarded: Workspace) -> None:
    """From the first key on the peer's address does not matter, the key does."""
    key = make(guarded)
    client = client_of(guarded, client=("192.0.2.7", 50000))
    assert client.get("/v1/totals", headers=bearer(key)).status_code == 200
    assert client.get("/v1/totals").status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_without_keys_nobody_comes_through_a_proxy(guarded: Workspace, header: str) -> None:
    """Behind a proxy on this machine the whole world would look like this machine."""
    assert client_of(guarded).get("/v1/totals", headers={header: "127.0.0.1"}).status_code == 403


def test_a_revoked_key_is_refused_within_seconds(guarded: Workspace) -> None:
    """Keys are held in memory for a moment only."""
    key = make(guarded)
    client = client_of(guarded)
    assert client.get("/v1/totals", headers=bearer(key)).status_code == 200
    with Store.open(guarded.store_url) as store:
        revoke_key(store.database, key.split("_")[1])
    time.sleep(STALE_SECONDS)
    assert client.get("/v1/totals", headers=bearer(key)).status_code == 401


def test_an_expired_key_opens_nothing_and_keeps_the_door_closed(guarded: Workspace) -> None:
    """The only key has expired: nobody is let in, not even this machine."""
    key = make(guarded, days=0)
    client = client_of(guarded)
    assert client.get("/v1/totals", headers=bearer(key)).status_code == 401
    assert client.get("/v1/totals").status_code == 401


def test_a_rotated_key_opens_with_both_secrets_for_a_while(guarded: Workspace) -> None:
    """Within the grace time the old secret opens, without one it does not."""
    key = make(guarded)
    with Store.open(guarded.store_url) as store:
        _, new = rotate_key(store.database, key.split("_")[1], grace=timedelta(hours=1))
    client = client_of(guarded)
    assert [client.get("/v1/totals", headers=bearer(k)).status_code for k in (key, new)] == [200, 200]
    with Store.open(guarded.store_url) as store:
        _, newest = rotate_key(store.database, key.split("_")[1], grace=timedelta(0))
    time.sleep(STALE_SECONDS)
    assert [client.get("/v1/totals", headers=bearer(k)).status_code for k in (key, new, newest)] == [401, 401, 200]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic cmV2bWw6eA==", "Bearer revml__", "Bearer revml_x_", "revml_x_y"],
)
def test_what_is_no_key_opens_nothing(guarded: Workspace, header: str) -> None:
    """Half keys, other schemes and the like are 401, never a defect."""
    make(guarded)
    assert client_of(guarded).get("/v1/totals", headers={"Authorization": header}).status_code == 401


def test_a_key_makes_keys_no_wider_than_itself(guarded: Workspace) -> None:
    """Who may make keys cannot give, rotate for itself, or gain scopes that it lacks."""
    wide, narrow = make(guarded), make(guarded, "keys:manage", "scores:read")
    client = client_of(guarded)
    made = client.post("/v1/keys", json={"scopes": ["scores:read"], "name": "CRM"}, headers=bearer(narrow))
    assert made.status_code == 201
    assert client.get("/v1/totals", headers=bearer(made.json()["secret"])).status_code == 200
    refused = client.post("/v1/keys", json={"scopes": ["export:read"]}, headers=bearer(narrow))
    assert (refused.status_code, refused.json()["got"]) == (403, "export:read")
    assert client.post(f"/v1/keys/{wide.split('_')[1]}/rotate", headers=bearer(narrow)).status_code == 403
    listed = client.get("/v1/keys", headers=bearer(narrow))
    assert len(listed.json()["keys"]) == 3
    assert "secret" not in listed.text


def test_a_key_is_revoked_over_the_api(guarded: Workspace) -> None:
    """The worker that revokes refuses at once."""
    wide, other = make(guarded), make(guarded, "scores:read")
    client = client_of(guarded)
    assert client.get("/v1/totals", headers=bearer(other)).status_code == 200
    assert client.delete(f"/v1/keys/{other.split('_')[1]}", headers=bearer(wide)).json()["state"] == "revoked"
    assert client.get("/v1/totals", headers=bearer(other)).status_code == 401
    again = client.post(f"/v1/keys/{other.split('_')[1]}/rotate", headers=bearer(wide))
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["all"]}, "scopes"),
        ({"scopes": [["scores:read"]]}, "scopes"),
        ({"scopes": ["scores:read"], "expires_days": 0}, "expires_days"),
        ({"scopes": ["scores:read"], "expires_days": True}, "expires_days"),
        ({"scopes": ["scores:read"], "name": "a\nb"}, "name"),
        ({"scopes": ["scores:read"], "owner": "x"}, "owner"),
        ([], "body"),
    ],
)
def test_a_wrong_wish_for_a_key_names_the_field(guarded: Workspace, body: object, field: str) -> None:
    """422 and no key."""
    key = make(guarded)
    answer = client_of(guarded).post("/v1/keys", json=body, headers=bearer(key))
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_reader_signs_in_and_out(guarded: Workspace) -> None:
    """The cookie is no script's, of this site only, and opens what the key opens until the reader leaves."""
    client = client_of(guarded)
    key = make(guarded, "scores:read")
    answer = client.post("/session", json={"key": key}, headers=SAME)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age="))
    assert key not in cookie
    assert client.get("/v1/totals").status_code == 200
    assert client.get("/v1/export.csv?question=churn").status_code == 403
    assert client.get("/session").json()["signed_in"] is True
    token = client.cookies["revml_session"]
    assert client.delete("/session", headers=SAME).status_code == 204
    assert client.get("/v1/totals", headers={"Cookie": f"revml_session={token}"}).status_code == 401


def test_over_https_the_cookie_is_secure(guarded: Workspace) -> None:
    """So that it never travels in the open."""
    file = guarded.root / "revml.yaml"
    file.write_text(file.read_text().replace("service: {", "service: {https: true, "), encoding="utf-8")
    client = client_of(load_workspace(guarded.root))
    answer = client.post("/session", json={"key": make(guarded)}, headers=SAME)
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_session_ends_with_its_key(guarded: Workspace) -> None:
    """A revoked key closes the browsers that it opened."""
    client = client_of(guarded)
    key = make(guarded)
    client.post("/session", json={"key": key}, headers=SAME)
    assert client.get("/v1/totals").status_code == 200
    with Store.open(guarded.store_url) as store:
        revoke_key(store.database, key.split("_")[1])
    time.sleep(STALE_SECONDS)
    assert client.get("/v1/totals").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
    ],
)
def test_another_page_cannot_act_for_who_is_signed_in(guarded: Workspace, headers: dict[str, str], status: int) -> None:
    """What changes something by cookie must come from the service's own page."""
    client = client_of(guarded)
    client.post("/session", json={"key": make(guarded)}, headers=SAME)
    assert client.post("/v1/keys", json={"scopes": ["scores:read"]}, headers=headers).status_code == status


def test_without_keys_another_page_cannot_act_either(guarded: Workspace) -> None:
    """A page on the internet makes a browser on this machine ask: refused by what the browser says of it."""
    answer = client_of(guarded).post("/v1/keys", json={"scopes": []}, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:revml:problem:foreign-origin")


def test_what_was_done_is_in_the_audit(guarded: Workspace) -> None:
    """Exports, keys and sessions with who and what; refusals counted in one row; reading leaves no row."""
    key = make(guarded)
    client = client_of(guarded)
    client.get("/v1/totals", headers=bearer(key))
    client.get("/v1/export.csv?question=churn", headers=bearer(key))
    client.post("/v1/keys", json={"scopes": ["scores:read"]}, headers=bearer(key))
    for _ in range(5):
        client.get("/v1/totals")
    client.app.app._opened.refusals.write()  # type: ignore[attr-defined]
    with Store.open(guarded.store_url) as store:
        found = {(d.who, d.action, d.outcome, d.times) for d in deeds_since(store.database)}
        targets = [d.target for d in deeds_since(store.database) if d.action == "export"]
    who = key.split("_")[1]
    assert found == {
        (who, "export", "200", 1),
        (who, "key created", "201", 1),
        ("nobody", "refused", "401", 5),
    }
    assert targets == ["/v1/export.csv?question=churn"]


def test_knocking_in_many_ways_fills_no_disk(guarded: Workspace) -> None:
    """However many addresses are tried, a few rows are written."""
    make(guarded)
    client = client_of(guarded)
    for i in range(50):
        client.get(f"/v1/accounts/a{i}")
    client.app.app._opened.refusals.write()  # type: ignore[attr-defined]
    with Store.open(guarded.store_url) as store:
        refused = [d for d in deeds_since(store.database) if d.action == "refused"]
    assert len(refused) <= 10
    assert sum(d.times for d in refused) == 50


def test_what_cannot_be_audited_is_not_exported(guarded: Workspace) -> None:
    """Without its table of deeds the service gives no list away, and says nothing of why."""
    key = make(guarded)
    client = client_of(guarded, raise_server_exceptions=False)
    assert client.get("/v1/totals", headers=bearer(key)).status_code == 200
    with Store.open(guarded.store_url) as store, store.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO elsewhere")
    answer = client.get("/v1/export.csv?question=churn", headers=bearer(key))
    assert (answer.status_code, "acme" in answer.text) == (503, False)


def test_a_key_that_asks_too_often_waits(guarded: Workspace) -> None:
    """429 with Retry-After beyond the workspace's rate; another key is not affected."""
    file = guarded.root / "revml.yaml"
    file.write_text(file.read_text().replace("service: {", "service: {requests_per_second: 3, "), encoding="utf-8")
    client = client_of(load_workspace(guarded.root))
    hasty, calm = make(guarded), make(guarded)
    answers = [client.get("/session", headers=bearer(hasty)) for _ in range(6)]
    assert [a.status_code for a in answers[:3]] == [200] * 3
    refused = next(a for a in answers if a.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert client.get("/session", headers=bearer(calm)).status_code == 200


def test_no_secret_is_logged_or_answered(
    guarded: Workspace, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Errors of every kind, and neither key, token, hash nor a place on this machine in logs and answers."""
    caplog.set_level(logging.DEBUG)
    key = make(guarded)
    client = client_of(guarded, raise_server_exceptions=False)
    client.post("/session", json={"key": key}, headers=SAME)
    token = client.cookies["revml_session"]
    wrong = key[:-3] + "zzz"
    told = [
        client.get("/v1/totals", headers=bearer(wrong)),
        client.post("/session", json={"key": wrong}, headers=SAME),
        client.post(
            "/session", content=f'{{"key": "{key}", "key": 1}}', headers=SAME | {"Content-Type": "application/json"}
        ),
        client.post("/v1/keys", json={"scopes": [key]}, headers=bearer(key)),
        client.get("/v1/accounts/nobody", headers=bearer(key)),
    ]
    (guarded.work_dir / "scores.db").write_bytes(b"no database")
    time.sleep(STALE_SECONDS)
    told += [
        client.get(path, headers=bearer(key)) for path in ("/v1/totals", "/readyz", "/v1/export.csv?question=churn")
    ]
    said = caplog.text + "".join(capfd.readouterr())
    said += "".join(a.text + str(a.headers) for a in told)
    with_hash = [key.split("_", 2)[2], wrong.split("_", 2)[2], token]
    assert not [secret for secret in with_hash if secret in said]
    assert str(guarded.root) not in "".join(a.text for a in told)


def test_secrets_are_kept_as_hashes(guarded: Workspace) -> None:
    """No file of the workspace holds a key or a session's token."""
    key = make(guarded)
    client = client_of(guarded)
    client.post("/session", json={"key": key}, headers=SAME)
    kept = b"".join(file.read_bytes() for file in guarded.work_dir.rglob("*") if file.is_file())
    assert key.split("_", 2)[2].encode() not in kept
    assert client.cookies["revml_session"].encode() not in kept
    with Store.open(guarded.store_url) as store:
        assert "secret" not in repr(all_keys(store.database)[0])


def test_a_key_in_an_address_is_not_written_down(guarded: Workspace) -> None:
    """Who puts a key where it does not belong finds it in no row of the audit."""
    key = make(guarded)
    client = client_of(guarded)
    client.get(f"/v1/{key}")
    client.get(f"/v1/export.csv?question=churn&search={key}", headers=bearer(key))
    client.app.app._opened.refusals.write()  # type: ignore[attr-defined]
    with Store.open(guarded.store_url) as store:
        targets = [d.target for d in deeds_since(store.database)]
    assert len(targets) == 2
    assert not [target for target in targets if key[-20:] in target]
