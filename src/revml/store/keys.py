"""API keys and the browsers' sessions that were opened with them, in the scores database.

A key reads `revml_ID_SECRET`; the secret is 256 random bits and is kept as its SHA-256 only. A random secret of that
length needs no slow hash: nobody can try enough of them. A session is the same for a browser, bound to its key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from revml.errors import ConfigError, NotFound
from revml.store.database import Database
from revml.store.schema import api_keys, sessions

PREFIX = "revml"
MAX_KEYS = 1000
MAX_SESSIONS = 100  # of one key: who opens more loses the oldest
USED_TO = timedelta(hours=1)


@dataclass(frozen=True)
class ApiKey:
    """A key without its secret. It opens from `created_at` until `expires_at` or until it is revoked."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    old_until: datetime | None = None
    secret_hash: str = field(default="", repr=False)
    old_hash: str | None = field(default=None, repr=False)

    def state(self, now: datetime) -> str:
        """`revoked`, `expired` or `valid`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"

    def opens(self, secret: str, now: datetime) -> bool:
        """Whether a secret is this key's, and the key valid; takes equally long however much of it is right."""
        found = sha256(secret)
        current = hmac.compare_digest(found, self.secret_hash)
        old = hmac.compare_digest(found, self.old_hash or "") and self.old_until is not None and now < self.old_until
        return (current or old) and self.state(now) == "valid"


@dataclass(frozen=True)
class Session:
    """A browser that was opened with a key."""

    token_hash: str
    key_id: str
    expires_at: datetime


def now_utc() -> datetime:
    """This instant as naive UTC, whole seconds."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def sha256(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parts(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text; None where it is none.

    >>> parts("revml_0a1b2c3d4e5f_s_e-cret"), parts("other_0a1b_x")
    (('0a1b2c3d4e5f', 's_e-cret'), None)
    """
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    return (key_id, secret) if prefix == PREFIX and key_id and secret else None


def create_key(
    database: Database, scopes: Sequence[str], *, expires_in: timedelta | None = None, name: str = ""
) -> tuple[ApiKey, str]:
    """Make a key; returns it and its text, which is not kept and cannot be told again.

    Raises:
        ConfigError: there are too many keys.
        StoreError: the database is away.
    """
    now, key_id, secret = now_utc(), secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey(
        id=key_id,
        name=name,
        scopes=tuple(sorted(set(scopes))),
        created_at=now,
        expires_at=None if expires_in is None else now + expires_in,
        used_at=None,
        revoked_at=None,
        secret_hash=sha256(secret),
    )
    with database.writing() as connection:
        if len(connection.execute(select(api_keys.c.id).limit(MAX_KEYS)).all()) == MAX_KEYS:
            raise ConfigError(f"there are {MAX_KEYS} keys already", where="revml keys", do="use fewer, wider keys")
        row = {column.name: getattr(key, column.name) for column in api_keys.columns if column.name != "scopes"}
        connection.execute(insert(api_keys).values(**row, scopes=" ".join(key.scopes)))
    return key, f"{PREFIX}_{key_id}_{secret}"


def all_keys(database: Database) -> tuple[ApiKey, ...]:
    """All keys, also expired and revoked ones, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)).all()
    return tuple(_key(row) for row in rows)


def rotate_key(database: Database, key_id: str, *, grace: timedelta) -> tuple[ApiKey, str]:
    """Give a key a new secret; the old one, and the sessions opened with it, last for `grace` more at most.

    Raises:
        NotFound: there is no such key.
        ConfigError: it is revoked or expired.
    """
    now, secret = now_utc(), secrets.token_urlsafe(32)
    with database.writing() as connection:
        key = _one(connection, key_id)
        if (state := key.state(now)) != "valid":
            raise ConfigError(
                "only a valid key can be rotated", where=f"key {key_id}", got=state, do="make a new one instead"
            )
        until = now + grace
        changed = replace(key, secret_hash=sha256(secret), old_hash=key.secret_hash, old_until=until)
        connection.execute(
            update(api_keys)
            .where(api_keys.c.id == key_id)
            .values(secret_hash=changed.secret_hash, old_hash=changed.old_hash, old_until=until)
        )
        connection.execute(
            update(sessions).where(sessions.c.key_id == key_id, sessions.c.expires_at > until).values(expires_at=until)
        )
    return changed, f"{PREFIX}_{key_id}_{secret}"


def revoke_key(database: Database, key_id: str) -> ApiKey:
    """Close a key and all sessions that were opened with it, for good; one that is revoked stays as it is.

    Raises:
        NotFound: there is no such key.
    """
    now = now_utc()
    with database.writing() as connection:
        key = _one(connection, key_id)
        connection.execute(delete(sessions).where(sessions.c.key_id == key_id))
        if key.revoked_at is None:
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=now))
            key = replace(key, revoked_at=now)
    return key


def mark_used(database: Database, key_ids: Sequence[str]) -> None:
    """Remember that keys were used; to the hour, so that it costs a write an hour and not one a request."""
    now = now_utc()
    with database.writing() as connection:
        connection.execute(
            update(api_keys)
            .where(
                api_keys.c.id.in_(list(key_ids)),
                or_(api_keys.c.used_at.is_(None), api_keys.c.used_at <= now - USED_TO),
            )
            .values(used_at=now)
        )


def open_session(
    database: Database, key: ApiKey, *, lasts: timedelta, until: datetime | None = None
) -> tuple[Session, str]:
    """Open a browser with a key; returns the session and its token. It never outlives its key, nor `until`."""
    now, token = now_utc(), secrets.token_urlsafe(32)
    ends = min(end for end in (now + lasts, key.expires_at, until) if end is not None)
    made = Session(sha256(token), key.id, ends)
    with database.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
        held = select(sessions.c.token_hash).where(sessions.c.key_id == key.id).order_by(sessions.c.created_at.desc())
        over = [row.token_hash for row in connection.execute(held).all()[MAX_SESSIONS - 1 :]]
        if over:
            connection.execute(delete(sessions).where(sessions.c.token_hash.in_(over)))
        connection.execute(
            insert(sessions).values(token_hash=made.token_hash, key_id=key.id, created_at=now, expires_at=ends)
        )
    return made, token


def find_session(database: Database, token_hash: str) -> Session | None:
    """The session of a token's hash, None where there is none."""
    with database.reading() as connection:
        row = connection.execute(select(sessions).where(sessions.c.token_hash == token_hash)).first()
    return None if row is None else Session(row.token_hash, row.key_id, row.expires_at)


def close_session(database: Database, token_hash: str) -> None:
    """End a session; one that is not there has ended."""
    with database.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def _one(connection: Connection, key_id: str) -> ApiKey:
    known = key_id.isalnum()  # PostgreSQL takes no NUL, not even to compare with
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first() if known else None
    if row is None:
        raise NotFound("there is no such key", where="revml keys", got=key_id[:80], do="`revml keys list` shows them")
    return _key(row)


def _key(row: Row[Any]) -> ApiKey:
    found = dict(row._mapping)
    return ApiKey(**found | {"scopes": tuple(found["scopes"].split())})
