"""API keys over the API, and the sessions of browsers."""

from __future__ import annotations

from typing import Any

from revml.service.openapi.building import (
    INSTANT,
    INTEGER,
    TEXT,
    Schema,
    json_of,
    listed,
    object_of,
    operation,
    or_null,
    ref,
)
from revml.service.scopes import ALL_SCOPES

TAG = {"name": "keys", "description": "Who may ask for what. The first key is made with `revml keys create`."}
KEY: dict[str, Any] = {
    "id": "k3Yb9TqLw2Zd",
    "name": "CRM",
    "scopes": ["scores:read", "explain:read"],
    "state": "valid",
    "created_at": "2026-03-02T06:00:00Z",
    "expires_at": "2026-05-31T06:00:00Z",
    "used_at": None,
    "revoked_at": None,
    "old_until": None,
}
SECRET = {"secret": "revml_k3Yb9TqLw2Zd_…"}
KEY_ID: Schema = {
    "name": "key_id",
    "in": "path",
    "required": True,
    "schema": {**TEXT, "minLength": 1, "maxLength": 64},
    "description": "as `GET /v1/keys` lists it",
    "example": KEY["id"],
}


def schemas() -> Schema:
    """Keys without and with their secret, and who is signed in."""
    scopes = listed({"enum": list(ALL_SCOPES)})
    maybe = or_null(INSTANT)
    key = {
        "id": TEXT,
        "name": TEXT,
        "scopes": scopes,
        "state": {"enum": ["valid", "expired", "revoked"]},
        "created_at": INSTANT,
        "expires_at": {**maybe, "description": "null: never"},
        "used_at": {**maybe, "description": "the last time, to the hour; null: never"},
        "revoked_at": maybe,
        "old_until": {**maybe, "description": "until when the secret before the last rotation opens"},
    }
    named = object_of({"id": TEXT, "name": TEXT, "expires_at": maybe})
    return {
        "Key": object_of(key),
        "NewKey": object_of({**key, "secret": {**TEXT, "description": "the key itself, told in this answer only"}}),
        "Keys": object_of({"keys": listed(ref("Key"))}),
        "KeyRequest": {
            "type": "object",
            "properties": {
                "scopes": {**scopes, "minItems": 1},
                "expires_days": {"type": ["integer", "null"], "minimum": 1, "maximum": 3650, "default": 90},
                "name": {**TEXT, "maxLength": 100, "default": ""},
            },
            "required": ["scopes"],
            "additionalProperties": False,
        },
        "RotateRequest": {
            "type": "object",
            "properties": {"grace_hours": {**INTEGER, "minimum": 0, "maximum": 720, "default": 24}},
            "additionalProperties": False,
        },
        "SignIn": object_of({"key": TEXT}) | {"additionalProperties": False},
        "Session": object_of(
            {
                "key": {**or_null(named), "description": "null: this machine, as long as there are no keys"},
                "scopes": scopes,
                "signed_in": {"type": "boolean", "description": "whether a browser's session asks"},
            }
        ),
    }


def paths() -> Schema:
    """The operations."""
    session = {"key": {name: KEY[name] for name in ("id", "name", "expires_at")}, "scopes": KEY["scopes"]}
    asked = {"scopes": KEY["scopes"], "expires_days": 90, "name": "CRM"}
    out = operation("sign_out", "End the session of this browser", {}, tag="keys", status=204)
    del out["responses"]["204"]["content"]
    return {
        "/v1/keys": {
            "get": operation(
                "list_keys",
                "All keys, also those that no longer open",
                _shown("Keys", {"keys": [KEY]}),
                tag="keys",
                fails=(422, 503),
            ),
            "post": operation(
                "create_key",
                "Make a key with some of the scopes that the caller has",
                _shown("NewKey", KEY | SECRET),
                tag="keys",
                body=_shown("KeyRequest", asked),
                fails=(400, 413, 415, 422, 503),
                status=201,
            ),
        },
        "/v1/keys/{key_id}/rotate": {
            "post": operation(
                "rotate_key",
                "Give a key a new secret; the old one opens a while longer",
                _shown("NewKey", KEY | SECRET),
                tag="keys",
                parameters=[KEY_ID],
                body=_shown("RotateRequest", {"grace_hours": 24}),
                body_needed=False,
                fails=(400, 404, 413, 415, 422, 503),
            )
        },
        "/v1/keys/{key_id}": {
            "delete": operation(
                "revoke_key",
                "Close a key for good",
                _shown("Key", KEY | {"state": "revoked", "revoked_at": "2026-03-03T06:00:00Z"}),
                tag="keys",
                parameters=[KEY_ID],
                fails=(404, 422, 503),
            )
        },
        "/session": {
            "post": operation(
                "sign_in",
                "Open a session of a browser with a key",
                _shown("Session", session | {"signed_in": False}),
                tag="keys",
                description="The cookie that it sets ends with the key, and can be read by no script.",
                body=_shown("SignIn", {"key": "revml_ID_SECRET"}),
                fails=(400, 401, 403, 413, 415, 422, 429, 503),
                open_to_all=True,
            ),
            "get": operation(
                "read_session",
                "Whose key or session asks",
                _shown("Session", session | {"signed_in": True}),
                tag="keys",
            ),
            "delete": out,
        },
    }


def _shown(name: str, example: Any) -> Schema:
    content: Schema = json_of(name)
    content["application/json"]["example"] = example
    return content
