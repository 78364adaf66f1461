"""A published score asked about: what changed, what if, levers."""

from __future__ import annotations

from revml.service.asking import MOST_SET
from revml.service.openapi.building import (
    ACCOUNT_ID,
    CATEGORY_OR_NUMBER,
    INSTANT,
    INTEGER,
    LANGUAGE,
    NUMBER,
    QUESTION_NAME,
    TEXT,
    Schema,
    json_of,
    listed,
    object_of,
    operation,
    or_null,
    query,
    ref,
)
from revml.store.frames import BANDS, SIDES

TAG = {"name": "asking", "description": "A published score asked about: what changed, what if, and levers."}
BAND: Schema = {"enum": list(BANDS)}
PROBABILITY: Schema = {**NUMBER, "minimum": 0, "maximum": 1}
LOG_ODDS: Schema = {**NUMBER, "description": "before calibration"}
NAME: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}


def schemas() -> Schema:
    """Changes, answers to what-if, levers."""
    head: Schema = {
        "account_id": TEXT,
        "question": QUESTION_NAME,
        "item": {**TEXT, "description": "the product family of a cross-sell, else empty"},
        "run_id": INTEGER,
        "as_of": INSTANT,
        "currency": TEXT,
        "model_version": TEXT,
    }
    said = {"probability": PROBABILITY, "band": BAND, "log_odds": LOG_ODDS}
    scored = object_of({"as_of": INSTANT, **said, "model_version": TEXT})
    line = object_of(
        {
            "kind": {
                "enum": ["concept", "base", "model"],
                "description": "model: what another one makes of the same row",
            },
            "concept": NAME,
            "log_odds": NUMBER,
            "feature": {**NAME, "description": "the feature of the concept that moved most, where its rows were kept"},
            "before": CATEGORY_OR_NUMBER,
            "after": CATEGORY_OR_NUMBER,
            "text": TEXT,
        }
    )
    change = object_of(
        {
            "question": QUESTION_NAME,
            "item": TEXT,
            "before": scored,
            "after": scored,
            "probability": {**NUMBER, "description": "the difference"},
            "log_odds": {**NUMBER, "description": "the difference, to which the lines add up"},
            "same_model": FLAG,
            "model_told_apart": FLAG,
            "text": TEXT,
            "lines": listed(line),
        }
    )
    moved: Schema = {
        "feature": TEXT,
        "label": TEXT,
        "before": CATEGORY_OR_NUMBER,
        "after": CATEGORY_OR_NUMBER,
        "text": TEXT,
    }
    concept = {"concept": TEXT, "text": TEXT, "before": NUMBER, "after": NUMBER, "difference": NUMBER}
    reason = {"rank": INTEGER, "concept": TEXT, "side": {"enum": list(SIDES)}, "contribution": NUMBER}
    step = object_of(
        {
            **moved,
            "goal": {"enum": ["step", "peers", "bound"]},
            "goal_text": TEXT,
            "effort": {**NUMBER, "description": "share of the accounts that lie between before and after"},
            "reason": {**TEXT, "description": "why people can move it, out of the model sheet"},
        }
    )
    return {
        "Changes": object_of(
            {
                "account_id": TEXT,
                "since": {
                    **or_null(INSTANT),
                    "description": "when the run before looked from; null where there is none",
                },
                "changes": listed(change),
                "untold": listed(
                    object_of({"question": QUESTION_NAME, "item": TEXT}),
                    "scores of which the run before does not tell what they were made of",
                ),
                "askable": listed(QUESTION_NAME, "questions of which what-if and levers can be asked here"),
            }
        ),
        "WhatIfRequest": {
            "type": "object",
            "properties": {
                "question": {
                    **or_null(QUESTION_NAME),
                    "description": "default: the first that the account was scored for",
                },
                "item": {"type": ["string", "null"], "maxLength": 256},
                "set": {
                    "type": "object",
                    "additionalProperties": CATEGORY_OR_NUMBER,
                    "minProperties": 1,
                    "maxProperties": MOST_SET,
                    "description": "feature: value; null means not known",
                },
            },
            "required": ["set"],
            "additionalProperties": False,
        },
        "WhatIf": object_of(
            {
                **head,
                "before": object_of(said),
                "after": object_of(said),
                "base": {**NUMBER, "description": "log-odds of the average account; with the concepts they add up"},
                "concepts": listed(object_of(concept)),
                "set": listed(object_of(moved)),
                "recomputed": listed(object_of(moved), "features that are made of what was set, and moved along"),
                "left": listed(
                    object_of({"feature": TEXT, "label": TEXT}),
                    "features that hang together with what was set and stay as they were",
                ),
                "warnings": listed(TEXT),
                "reasons": listed(object_of({**reason, "feature": TEXT, "text": TEXT})),
                "text": TEXT,
                "caution": TEXT,
            }
        ),
        "Lever": object_of(
            {
                "steps": listed(step),
                **said,
                "enough": {**FLAG, "description": "whether the account would leave its band"},
                "recomputed": listed(object_of(moved)),
                "text": TEXT,
            }
        ),
        "Levers": object_of(
            {
                **head,
                **said,
                "wanted": {"enum": [*BANDS, None], "description": "the band aimed at; null in the best one"},
                "threshold": {**or_null(PROBABILITY), "description": "the probability to fall below, or to reach"},
                "best": {**or_null(ref("Lever")), "description": "the smallest change that is enough, else the best"},
                "singles": listed(ref("Lever"), "each feature alone, as far as it goes, strongest first"),
                "tried": listed(
                    object_of({"feature": TEXT, "label": TEXT, "kind": TEXT, "value": NUMBER, "text": TEXT})
                ),
                "text": TEXT,
                "caution": TEXT,
            }
        ),
    }


def paths() -> Schema:
    """The operations."""
    tag = TAG["name"]
    body = {
        "application/json": {
            "schema": ref("WhatIfRequest"),
            "example": {"question": "churn", "set": {"active_users_28d": 12}},
        }
    }
    question = query("question", QUESTION_NAME, "default: the first that the account was scored for", example="churn")
    item = query("item", {**TEXT, "maxLength": 256}, "of pairs (cross_sell): which product family")
    return {
        "/v1/accounts/{account_id}/changes": {
            "get": operation(
                "read_changes",
                "What changed of an account's scores since the run before, concept by concept",
                json_of("Changes"),
                tag=tag,
                parameters=[ACCOUNT_ID, LANGUAGE],
                fails=(404, 422),
                tagged=True,
            )
        },
        "/v1/accounts/{account_id}/levers": {
            "get": operation(
                "read_levers",
                "What people can move that would bring an account out of its band",
                json_of("Levers"),
                tag=tag,
                parameters=[ACCOUNT_ID, question, item, LANGUAGE],
                fails=(404, 422),
                tagged=True,
            )
        },
        "/v1/accounts/{account_id}/what-if": {
            "post": operation(
                "ask_what_if",
                "What the model would say of an account with some features set",
                json_of("WhatIf"),
                tag=tag,
                parameters=[ACCOUNT_ID, LANGUAGE],
                body=body,
                fails=(404, 413, 415, 422),
            )
        },
    }
