"""Changing which model serves."""

from __future__ import annotations

from typing import Any

from revml.service.openapi.building import (
    INSTANT,
    QUESTION_NAME,
    TEXT,
    Schema,
    json_of,
    listed,
    object_of,
    operation,
    or_null,
    ref,
)

TAG = {"name": "promotion", "description": "Which model serves: promote what the gate lets through, or go back."}
QUESTION: Schema = {
    "name": "question",
    "in": "path",
    "required": True,
    "schema": QUESTION_NAME,
    "description": "the question whose model it is",
    "example": "churn",
}
RULE = {
    "name": "bundle sound",
    "wanted": "every file as training wrote it",
    "got": "3fa9c2d41b07, verified",
    "ok": True,
}
HASH = "3fa9c2d41b07" + "0" * 52
CHANGE: dict[str, Any] = {
    "id": "6f1d2c3b4a59000001",
    "question": "churn",
    "action": "promote",
    "state": "done",
    "started_at": "2026-03-02T06:00:00Z",
    "ended_at": "2026-03-02T06:00:09Z",
    "bundle": HASH,
    "before": "91ab02cd34ef",
    "forced": False,
    "note": "",
    "gate": [RULE],
}
BACK = {"question": "churn", "action": "rollback", "state": "done", "bundle": HASH, "before": "91ab02cd34ef"}


def schemas() -> Schema:
    """What is asked, and what came of it."""
    row = object_of({"name": TEXT, "wanted": TEXT, "got": TEXT, "ok": {"type": "boolean"}}, "a line of the gate")
    of_change = {
        "id": {**TEXT, "description": "the X-Request-ID of whoever asked"},
        "question": QUESTION_NAME,
        "action": {"const": "promote"},
        "state": {"enum": ["running", "done", "refused", "interrupted"]},
    }
    later = {
        "started_at": INSTANT,
        "ended_at": or_null(INSTANT),
        "bundle": TEXT,
        "before": {**or_null(TEXT), "description": "first digits of the bundle that served until then"},
        "forced": {"type": "boolean"},
        "note": {**TEXT, "description": "what could not be told to MLflow, and why"},
        "gate": listed(ref("GateRow")),
        "status": {"type": "integer", "description": "of a refusal: what the promotion would have been answered with"},
        "what": TEXT,
        "wanted": TEXT,
        "got": TEXT,
        "do": TEXT,
    }
    change = object_of(of_change, "the last promotion that was asked for")
    change["properties"] = of_change | later
    back = {"question": QUESTION_NAME, "action": {"const": "rollback"}, "state": {"const": "done"}}
    return {
        "GateRow": row,
        "Change": change,
        "WentBack": object_of({**back, "bundle": TEXT, "before": TEXT}),
        "PromoteRequest": _request(
            {
                "bundle": {**TEXT, "pattern": "^[0-9a-f]{4,64}$", "description": "default: the challenger"},
                "force": {"type": "boolean", "default": False, "description": "whatever the gate says; with a reason"},
                "reason": _REASON,
            }
        ),
        "RollbackRequest": _request({"reason": _REASON}),
    }


_REASON: Schema = {**TEXT, "maxLength": 500, "description": "kept in the history and in MLflow"}


def _request(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def paths() -> Schema:
    """The operations."""
    promote = operation(
        "promote_model",
        "Make the challenger, or another bundle, champion where the gate lets it through",
        _shown("Change", CHANGE),
        tag="promotion",
        description="Takes seconds to minutes: what is not done after three seconds is answered with 202, and its end"
        " is told by `GET /v1/models/{question}/change`. Every worker serves the new model within some seconds.",
        parameters=[QUESTION],
        body=_shown("PromoteRequest", {"reason": "spring retrain"}),
        body_needed=False,
        fails=(404, 409, 413, 415, 422),
    )
    under_way = {name: CHANGE[name] for name in ("id", "question", "action")} | {"state": "running"}
    promote["responses"]["202"] = {"description": "under way", "content": _shown("Change", under_way)}
    return {
        "/v1/models/{question}/promote": {"post": promote},
        "/v1/models/{question}/rollback": {
            "post": operation(
                "roll_back_model",
                "Let the champion before serve again, at once",
                _shown("WentBack", BACK),
                tag="promotion",
                parameters=[QUESTION],
                body=_shown("RollbackRequest", {"reason": "calls went to the wrong accounts"}),
                body_needed=False,
                fails=(404, 413, 415, 422),
            )
        },
        "/v1/models/{question}/change": {
            "get": operation(
                "read_change",
                "What came of the last promotion that was asked for here",
                _shown("Change", CHANGE),
                tag="promotion",
                parameters=[QUESTION],
                fails=(404, 422),
            )
        },
    }


def _shown(name: str, example: Any) -> Schema:
    content: Schema = json_of(name)
    content["application/json"]["example"] = example
    return content
