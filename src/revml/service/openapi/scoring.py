"""Scoring of rows that a caller sends, and the models that serve."""

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
    ref,
)
from revml.service.scoring import MAX_ROWS
from revml.store.frames import BANDS, SIDES

TAG = {"name": "scoring", "description": "Rows that a caller sends, scored and explained by the champion."}
MODEL: Schema = {
    "version": TEXT,
    "bundle": TEXT,
    "rung": TEXT,
    "horizon_days": INTEGER,
    "base_rate": NUMBER,
}


def schemas() -> Schema:
    """Rows, answers, models."""
    row = {"type": "object", "additionalProperties": {"type": ["number", "string", "boolean", "null"]}}
    feature = object_of({"name": TEXT, "kind": {"enum": ["number", "category"]}, "categories": listed(TEXT)})
    told = object_of(
        {
            "rank": INTEGER,
            "concept": TEXT,
            "side": {"enum": list(SIDES)},
            "contribution": NUMBER,
            "feature": TEXT,
            "text": TEXT,
        }
    )
    return {
        "Models": object_of(
            {"models": listed(object_of({"question": QUESTION_NAME, **MODEL, "features": listed(feature)}))}
        ),
        "ScoreRequest": object_of(
            {
                "question": QUESTION_NAME,
                "rows": {**listed(row), "minItems": 1, "maxItems": MAX_ROWS},
            },
            "each row names every feature of the model (GET /v1/models), null where unknown",
        )
        | {"additionalProperties": False},
        "ScoreAnswer": object_of(
            {
                "question": QUESTION_NAME,
                "model": object_of(MODEL),
                "rows": listed(
                    object_of(
                        {
                            "probability": {**NUMBER, "minimum": 0, "maximum": 1},
                            "band": {"enum": list(BANDS)},
                            "horizons": listed(ref("Horizon")),
                            "reasons": listed(told),
                            "unseen_categories": listed(TEXT),
                        }
                    )
                ),
            },
            "in the texts, similar accounts are found among the rows sent",
        ),
    }


def paths() -> Schema:
    """The operations."""
    row = {"active_users_28d": 1, "seats": 5, "industry": "retail"}
    return {
        "/v1/score": {
            "post": operation(
                "score_rows",
                "Probability, band and reasons of rows",
                json_of("ScoreAnswer"),
                tag="scoring",
                parameters=[LANGUAGE],
                body={
                    "application/json": {
                        "schema": ref("ScoreRequest"),
                        "example": {"question": "churn", "rows": [row]},
                    }
                },
                fails=(400, 404, 413, 415, 422, 503),
            )
        },
        "/v1/models": {
            "get": operation(
                "list_models",
                "The models that serve, and the features that a row must name",
                json_of("Models"),
                tag="scoring",
                fails=(422,),
            )
        },
    }
