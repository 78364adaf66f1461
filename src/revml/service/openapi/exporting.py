"""Whole tables of a run as files, streamed."""

from __future__ import annotations

from revml.exports.tables import TABLES
from revml.service.openapi.building import (
    FILTERED,
    LANGUAGE,
    QUESTION,
    TEXT,
    Schema,
    operation,
    query,
)

TAG = {"name": "export", "description": "Whole tables of the current run, streamed: any number of accounts."}
READS = (404, 422, 503)
CSV: Schema = {"text/csv": {"schema": TEXT}}
PARQUET: Schema = {"application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}}}
WHAT: Schema = {
    "name": "what",
    "in": "path",
    "required": True,
    "schema": {"enum": list(TABLES)},
    "description": "; ".join(f"{name}: {table.about}" for name, table in TABLES.items()),
    "example": "scores",
}
ONE_QUESTION = {**QUESTION, "required": False, "description": "of scores and reasons: only this question"}
BOM = query("bom", {"enum": ["true", "false"], "default": "false"}, "begin with the byte order mark that Excel needs")
NAMED: Schema = {"Content-Disposition": {"schema": TEXT, "description": "the name of the file"}}


def schemas() -> Schema:
    """None of its own."""
    return {}


def paths() -> Schema:
    """The operations."""
    return {
        "/v1/export.csv": {
            "get": operation(
                "export_list",
                "A list as the page shows it, as CSV",
                CSV | {},
                tag="export",
                description="With the filters, search and order of the list, and a byte order mark.",
                parameters=FILTERED,
                fails=READS,
                headers=NAMED,
            )
        },
        "/v1/export/{what}.csv": {
            "get": operation(
                "export_csv",
                "A whole table as CSV",
                {"text/csv": {"schema": TEXT}},
                tag="export",
                description="The bytes that `revml export` writes.",
                parameters=[WHAT, ONE_QUESTION, LANGUAGE, BOM],
                fails=READS,
                headers=NAMED,
                tagged=True,
            )
        },
        "/v1/export/{what}.parquet": {
            "get": operation(
                "export_parquet",
                "A whole table as Parquet",
                PARQUET,
                tag="export",
                description="The bytes that `revml export` writes.",
                parameters=[WHAT, ONE_QUESTION, LANGUAGE],
                fails=READS,
                headers=NAMED,
                tagged=True,
            )
        },
    }
