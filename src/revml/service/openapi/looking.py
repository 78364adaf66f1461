"""What weighs in the models that serve."""

from __future__ import annotations

from revml.service.openapi.building import (
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

TAG = {"name": "models", "description": "What the models that serve look at."}


def schemas() -> Schema:
    """The views, as training measured them."""
    maybe: Schema = {"type": ["number", "null"]}
    log_odds: Schema = {**NUMBER, "description": "log-odds"}
    band = {"n": INTEGER, "median": log_odds, "p10": log_odds, "p90": log_odds}
    spanned = object_of({"low": NUMBER, "high": NUMBER, **band}, "values from low to high, both included")
    segment = {"column": TEXT, "value": TEXT, "low": maybe, "high": maybe, "rows": INTEGER, "accounts": INTEGER}
    share: Schema = {**NUMBER, "description": "of what moves the log-odds, 0 to 1"}
    return {
        "Importance": object_of(
            {
                "question": QUESTION_NAME,
                "version": TEXT,
                "bundle": {**TEXT, "description": "the bundle's hash"},
                "rung": TEXT,
                "rows": {**INTEGER, "description": "rows of the test window that were looked at"},
                "accounts": INTEGER,
                "concepts": listed(
                    object_of(
                        {
                            "concept": TEXT,
                            "size": {**NUMBER, "description": "mean absolute contribution, log-odds"},
                            "share": share,
                            "mean": {**NUMBER, "description": "mean contribution with its sign, log-odds"},
                            "raises": {**NUMBER, "description": "share of the rows whose probability it raises"},
                            "text": TEXT,
                        }
                    ),
                    "heaviest first",
                ),
                "features": listed(
                    object_of(
                        {
                            "feature": TEXT,
                            "concept": TEXT,
                            "size": log_odds,
                            "share": share,
                            "slope": {
                                **maybe,
                                "description": "rank correlation of value and contribution; null of texts",
                            },
                            "text": TEXT,
                        }
                    ),
                    "heaviest first, and at least three of each concept",
                ),
                "dependence": listed(
                    object_of(
                        {
                            "feature": TEXT,
                            "kind": {"enum": ["number", "category"]},
                            "bins": listed({"anyOf": [spanned, object_of({"value": TEXT, **band})]}),
                            "unknown": or_null(object_of(band, "rows whose value is not known")),
                            "text": TEXT,
                        }
                    ),
                    "median contribution by value, and where 8 of 10 rows lie",
                ),
                "segments": listed(
                    object_of(
                        {
                            **segment,
                            "mean": {**NUMBER, "description": "mean of all contributions, log-odds"},
                            "concepts": {"type": "object", "additionalProperties": share},
                            "text": TEXT,
                        }
                    )
                ),
                "small": listed(object_of({**segment, "text": TEXT}), "left out: fewer than 30 accounts"),
                "stability": or_null(ref("ReasonStability")),
            },
            "what the model uses, not what causes the event",
        ),
        "ReasonStability": object_of(
            {
                "seeds": {**INTEGER, "description": "other seeds that the same settings were fitted with"},
                "shared": {**NUMBER, "description": "of an account's three strongest reasons, how many stay"},
                "low": {**NUMBER, "description": "the same at the tenth of the accounts that agree least"},
                "jaccard": NUMBER,
                "ranked": {**NUMBER, "description": "rank-biased overlap, cut at three"},
                "accounts": NUMBER,
            }
        ),
    }


def paths() -> Schema:
    """The operation."""
    question: Schema = {
        "name": "question",
        "in": "path",
        "required": True,
        "schema": QUESTION_NAME,
        "description": "the question asked",
        "example": "churn",
    }
    by = query("by", {**TEXT, "maxLength": 256}, "segments of this column only, such as industry; default: all")
    return {
        "/v1/models/{question}/importance": {
            "get": operation(
                "read_importance",
                "What weighs in the model that serves, how its strongest features act, and for which segments",
                json_of("Importance"),
                tag="models",
                parameters=[question, by, LANGUAGE],
                fails=(404, 422, 503),
            )
        }
    }
