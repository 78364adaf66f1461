"""The published run: lists of accounts, one account, scores by id, history, totals, segments, runs."""

from __future__ import annotations

from pydantic import TypeAdapter

from revml.config import QUESTIONS
from revml.service.openapi.building import (
    ACCOUNT_ID,
    AFTER,
    AS_OF,
    CATEGORY_OR_NUMBER,
    COUNTED,
    DAY,
    FILTERED,
    INTEGER,
    LANGUAGE,
    LIMIT,
    NUMBER,
    QUESTION,
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
from revml.service.parameters import FILTERS, MAX_TEXT
from revml.service.plain_text import PATTERN
from revml.store.by_id import MAX_IDS
from revml.store.frames import BANDS, SIDES
from revml.store.runs import ATTENTIONS
from revml.store.segments import SEGMENTED_BY
from revml.store.views import (
    Account,
    Clv,
    ComingOrders,
    Driver,
    Flows,
    PastScore,
    RunInfo,
    Score,
    SegmentTotal,
    Totals,
    Value,
)

TAG = {"name": "scores", "description": "The run that was published last, or an earlier one that is kept."}
READS = (404, 422, 503)
RECORDS = (RunInfo, Account, Score, Clv, Value, ComingOrders, Driver, Flows, PastScore, SegmentTotal, Totals)


def schemas() -> Schema:
    """Records as the store has them, and the answers made of them."""
    found: Schema = {}
    for record in RECORDS:
        schema = TypeAdapter(record).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        found |= schema.pop("$defs", {})
        found[record.__name__] = schema
    for total in ("QuestionTotal", "BandTotal", "SegmentTotal"):
        found[total]["properties"]["accounts"]["description"] = COUNTED
    found["RunInfo"]["properties"] |= {
        "age_days": {**INTEGER, "description": "whole days since `as_of`: how old is what the scores know"},
        "stale": {"type": "boolean", "description": "whether that is too old by the rule of the workspace"},
    }
    found["RunInfo"]["required"] += ["age_days", "stale"]
    found["Score"]["properties"]["change"] = or_null(NUMBER)
    found["Score"]["properties"]["band"] = {"enum": list(BANDS)}
    found["Score"]["properties"]["attention"] = {
        "enum": [*ATTENTIONS, None],
        "description": "whether a play was done in the horizon before the run, one was held back, or neither; null "
        "where nothing is known of plays. The groups are not alike: their difference is no effect of a play",
    }
    found["Driver"]["properties"]["text"] = {**TEXT, "description": "the concept in words"}
    found["Driver"]["required"].append("text")
    found["Reason"] = object_of(
        {
            "question": QUESTION_NAME,
            "item": {**TEXT, "description": "the product family of a cross-sell, else empty"},
            "rank": INTEGER,
            "concept": TEXT,
            "side": {"enum": list(SIDES)},
            "contribution": {**NUMBER, "description": "log-odds"},
            "feature": {"type": ["string", "null"]},
            "value": CATEGORY_OR_NUMBER,
            "past": CATEGORY_OR_NUMBER,
            "peers": CATEGORY_OR_NUMBER,
            "text": TEXT,
        }
    )
    found["ListedAccount"] = object_of(
        {"account": ref("Account"), "score": ref("Score"), "reason": or_null(ref("Reason"))}
    )
    found["Page"] = object_of(
        {
            "run": ref("RunInfo"),
            "total": {**INTEGER, "description": COUNTED},
            "after": {"type": ["string", "null"], "description": "cursor of the next page"},
            "accounts": listed(ref("ListedAccount"), "of a cross-sell an account and item a row"),
        }
    )
    found["AccountDetail"] = object_of(
        {
            "run": ref("RunInfo"),
            "account": ref("Account"),
            "scores": listed(ref("Score")),
            "reasons": listed(ref("Reason")),
            "clv": listed(
                ref("Clv"), "one row a relation at the run's longest horizon; their clv add up to the account's"
            ),
            "clv_shorter": listed(ref("Clv"), "the same at shorter horizons; never add the two"),
            "values": listed(ref("Value"), "all relations together, one row a horizon"),
            "drivers": listed(
                ref("Driver"),
                "at the longest horizon: what a similar account is worth (concept peer), and what each "
                "concept adds to it or takes from it; they add up to the clv",
            ),
            "coming": {
                **or_null(ref("ComingOrders")),
                "description": "what is ahead of an account that orders; null of others",
            },
            "flows": listed(ref("Flows")),
            "history": listed(ref("PastScore")),
        }
    )
    found["History"] = object_of(
        {"run": ref("RunInfo"), "account_id": TEXT, "history": listed(ref("PastScore"), "oldest first")}
    )
    found["ScoresRequest"] = {
        "type": "object",
        "properties": {
            "account_ids": {
                "type": "array",
                "items": {**TEXT, "minLength": 1, "maxLength": MAX_TEXT, "pattern": PATTERN},
                "minItems": 1,
                "maxItems": MAX_IDS,
            },
            "question": {**QUESTION_NAME, "description": "only this question; default: all that were scored"},
            "as_of": {**DAY, "description": AS_OF["description"]},
            "reasons": {**INTEGER, "minimum": 0, "maximum": 10, "default": 3, "description": "at most so many a score"},
        },
        "required": ["account_ids"],
        "additionalProperties": False,
    }
    found["ScoredAccount"] = object_of(
        {"account": ref("Account"), "scores": listed(ref("Score")), "reasons": listed(ref("Reason"))}
    )
    found["Scores"] = object_of(
        {
            "run": ref("RunInfo"),
            "accounts": listed(ref("ScoredAccount"), "in the order in which they were asked for"),
            "missing": listed(TEXT, "ids that the run does not know"),
        }
    )
    found["Segments"] = object_of(
        {
            "run": ref("RunInfo"),
            "question": {"enum": list(QUESTIONS)},
            "by": {"enum": list(SEGMENTED_BY)},
            "total": {**INTEGER, "description": "segments on all pages"},
            "after": {"type": ["string", "null"], "description": "cursor of the next page"},
            "segments": listed(ref("SegmentTotal"), "the most expected money first; they add up to the question's"),
        }
    )
    facet = listed(object_of({"value": TEXT, "accounts": {**INTEGER, "description": COUNTED}}))
    found["Facets"] = object_of(dict.fromkeys(FILTERS, facet))
    found["Runs"] = object_of(
        {
            "current": {**INTEGER, "description": "the run that readers see"},
            "runs": listed(ref("RunInfo"), "those that are kept, newest first"),
        }
    )
    return found


def paths() -> Schema:
    """The operations."""
    question = {**QUESTION, "required": False, "description": "only this question; default: all that were scored"}
    asked = {"account_ids": ["acme", "skoda", "nobody"], "question": "churn", "reasons": 1}
    return {
        "/v1/accounts": {
            "get": operation(
                "list_accounts",
                "Accounts scored for a question, a page at a time",
                json_of("Page"),
                tag="scores",
                parameters=[*FILTERED, LIMIT, AFTER],
                fails=READS,
                tagged=True,
            )
        },
        "/v1/accounts/{account_id}": {
            "get": operation(
                "read_account",
                "All about one account: scores, reasons, lifetime value, flows, history",
                json_of("AccountDetail"),
                tag="scores",
                parameters=[ACCOUNT_ID, AS_OF, LANGUAGE],
                fails=READS,
                tagged=True,
            )
        },
        "/v1/accounts/{account_id}/history": {
            "get": operation(
                "read_history",
                "The account's probabilities over the runs",
                json_of("History"),
                tag="scores",
                parameters=[ACCOUNT_ID, question],
                fails=READS,
                tagged=True,
            )
        },
        "/v1/scores": {
            "post": operation(
                "read_scores",
                "Published scores of up to 1,000 accounts by id",
                json_of("Scores"),
                tag="scores",
                description="Ids that the run does not know come back under `missing`.",
                parameters=[LANGUAGE],
                body={"application/json": {"schema": ref("ScoresRequest"), "example": asked}},
                fails=(400, 404, 413, 415, 422, 503),
            )
        },
        "/v1/totals": {
            "get": operation(
                "read_totals",
                "Sums by question and band",
                json_of("Totals"),
                tag="scores",
                fails=READS,
                tagged=True,
            )
        },
        "/v1/segments": {
            "get": operation(
                "list_segments",
                "Sums of a question by segment, a page at a time",
                json_of("Segments"),
                tag="scores",
                parameters=[
                    QUESTION,
                    query("by", {"enum": list(SEGMENTED_BY)}, "what to group by", required=True, example="industry"),
                    LIMIT,
                    AFTER,
                ],
                fails=READS,
                tagged=True,
            )
        },
        "/v1/facets": {
            "get": operation(
                "read_facets",
                "What a question's list can be filtered by",
                json_of("Facets"),
                tag="scores",
                parameters=[QUESTION],
                fails=READS,
                tagged=True,
            )
        },
        "/v1/runs": {
            "get": operation(
                "list_runs", "The runs that are kept", json_of("Runs"), tag="scores", fails=READS, tagged=True
            )
        },
        "/v1/runs/current": {
            "get": operation(
                "read_current_run",
                "The run that readers see",
                json_of("RunInfo"),
                tag="scores",
                fails=READS,
                tagged=True,
            )
        },
    }
