"""Keys, sessions and the audit in the database, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest

from revml.errors import ConfigError, NotFound
from revml.store import Store
from revml.store.audit import deed, deeds_since, record
from revml.store.keys import (
    all_keys,
    create_key,
    find_session,
    mark_used,
    now_utc,
    open_session,
    parts,
    revoke_key,
    rotate_key,
)

HOUR = timedelta(hours=1)


def test_a_key_is_kept_as_a_hash_and_opens_with_its_text(store: Store) -> None:
    """What is stored is not what opens."""
    key, text = create_key(store.database, ["scores:read"], expires_in=HOUR, name="CRM")
    (kept,) = all_keys(store.database)
    given = parts(text)
    assert kept == key
    assert given is not None
    assert kept.opens(given[1], now_utc())
    assert not kept.opens(kept.secret_hash, now_utc())
    assert not kept.opens(given[1], now_utc() + 2 * HOUR)


def test_a_revoked_key_takes_its_sessions_with_it(store: Store) -> None:
    """Neither key nor browser opens; the key cannot be rotated back to life."""
    key, _ = create_key(store.database, ["scores:read"])
    session, _ = open_session(store.database, key, lasts=HOUR)
    assert find_session(store.database, session.token_hash) == session
    assert revoke_key(store.database, key.id).state(now_utc()) == "revoked"
    assert find_session(store.database, session.token_hash) is None
    with pytest.raises(ConfigError, match="only a valid key"):
        rotate_key(store.database, key.id, grace=HOUR)


def test_a_session_outlives_neither_its_key_nor_the_old_secret(store: Store) -> None:
    """It ends with the key, and after a rotation with the grace time."""
    key, _ = create_key(store.database, ["scores:read"], expires_in=HOUR)
    session, _ = open_session(store.database, key, lasts=10 * HOUR)
    assert session.expires_at == key.expires_at
    rotated, _ = rotate_key(store.database, key.id, grace=timedelta(minutes=5))
    found = find_session(store.database, session.token_hash)
    assert found is not None
    assert found.expires_at == rotated.old_until


def test_use_is_remembered_to_the_hour(store: Store) -> None:
    """A second use within the hour changes nothing."""
    key, _ = create_key(store.database, ["scores:read"])
    mark_used(store.database, [key.id])
    (first,) = all_keys(store.database)
    mark_used(store.database, [key.id])
    assert first.used_at is not None
    assert all_keys(store.database) == (first,)


@pytest.mark.parametrize("key_id", ["x", "a\x00b", "\ufffd"])
def test_an_unknown_key_is_told(store: Store, key_id: str) -> None:
    """Rotating or revoking what is not there is an error, also with an id that PostgreSQL would not look up."""
    with pytest.raises(NotFound):
        revoke_key(store.database, key_id)
    with pytest.raises(NotFound):
        rotate_key(store.database, key_id, grace=HOUR)


def test_the_audit_tells_newest_first_and_since_when(store: Store) -> None:
    """Texts are cut and freed of what would break a line."""
    record(
        store.database,
        [deed("cli", "export", "a\nb" + "c" * 500, "done"), deed("nobody", "refused", "x", "401", times=7)],
    )
    newest, oldest = deeds_since(store.database)
    assert (newest.action, newest.times) == ("refused", 7)
    assert oldest.target.startswith("a�bc")
    assert len(oldest.target) == 300
    assert deeds_since(store.database, now_utc() + HOUR) == ()
