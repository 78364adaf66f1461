"""Scoring of rows that a caller sends, and the models that serve."""

from __future__ import annotations

from revml.service.openapi.building import (
    INTEGER,
    LANGUAGE,
    NUMBER,
    QUESTION,
    QUESTION_NAME,
    TEXT,
    Schema,
    json_of,
    listed,
    object_of,
    operation,
    query,
    ref,
)
from revml.service.prepared import MAX_ROWS
from revml.service.score_answers import ARROW
from revml.service.scoring import JSON, MOST_REASONS, PARQUET, TOP
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
    value: Schema = {"type": ["number", "string", "boolean", "null"]}
    row = {"type": "object", "additionalProperties": value}
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
        "ScoreRequest": {
            "type": "object",
            "properties": {
                "question": {**QUESTION_NAME, "description": "here or in the address"},
                "rows": {**listed(row, "each names every feature"), "minItems": 1, "maxItems": MAX_ROWS},
                "columns": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": value, "minItems": 1, "maxItems": MAX_ROWS},
                    "description": "every feature with its values, all of one length",
                },
            },
            "oneOf": [{"required": ["rows"]}, {"required": ["columns"]}],
            "additionalProperties": False,
            "description": "rows or columns that name every feature of the model (GET /v1/models), null where unknown",
        },
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
    binary: Schema = {"schema": {"type": "string", "format": "binary"}}
    return {
        "/v1/score": {
            "post": operation(
                "score_rows",
                "Probability, band and reasons of rows",
                json_of("ScoreAnswer") | {ARROW: binary},
                tag="scoring",
                description="Rows as JSON (rows or columns), as an Arrow stream or as a Parquet file; of the binary "
                "forms the question stands in the address. The answer is JSON, or an Arrow stream where `Accept` "
                "names its type: a row each with probability, band, a column a horizon, reasons, unseen categories.",
                parameters=[
                    LANGUAGE,
                    {**QUESTION, "required": False, "description": "the question, where the body does not name it"},
                    query(
                        "reasons",
                        {**INTEGER, "minimum": 0, "maximum": MOST_REASONS, "default": TOP},
                        "at most so many a row; 0: the score alone",
                    ),
                ],
                body={
                    JSON: {"schema": ref("ScoreRequest"), "example": {"question": "churn", "rows": [row]}},
                    ARROW: binary,
                    PARQUET: binary,
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
