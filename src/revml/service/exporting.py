"""Whole tables out of the service: CSV and Parquet, streamed out of one run as they are read.

The bytes are those of `revml export`. What a caller asks for is read page by page; when a run is deleted meanwhile the
stream breaks off without its end, so that nobody takes half a table for a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from revml.exports import TABLES
from revml.exports.streams import Rows, csv_bytes, parquet_bytes
from revml.service.csv_lines import csv_lines
from revml.service.parameters import FILTERS, Parameters
from revml.service.problems import Problem
from revml.service.published import age_days, held, tag_of
from revml.service.serving import Serving
from revml.service.visible import check_may, hidden_from, visible_rows
from revml.store.scores import MAX_LIMIT
from revml.store.views import Page, RunInfo

LISTED = ("question", "order", "search", "lang", *FILTERS)
PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv; charset=utf-8"


def export_list(request: Request) -> Response:
    """A list as the page shows it, as CSV with a byte order mark."""
    asked = Parameters(request, LISTED)
    state: Serving = request.app.state.serving
    order, reverse = asked.order()
    question, search, filters = asked.question(), asked.text("search"), asked.filters()
    language = asked.language(state.workspace.language)

    def page(after: str | None) -> Page:
        return state.store.accounts(
            question, order=order, reverse=reverse, after=after, limit=MAX_LIMIT, search=search, **filters
        )

    first = page(None)  # before the answer begins, so that an error is an error and not half a file
    headers = _headers(first.run, f"revml-{question}", "csv")
    return StreamingResponse(csv_lines(first, page, language, hidden_from(request)), media_type=CSV, headers=headers)


def export_csv(request: Request) -> Response:
    """A whole table as CSV."""
    return _export(request, "csv")


def export_parquet(request: Request) -> Response:
    """A whole table as Parquet."""
    return _export(request, "parquet")


def _export(request: Request, form: str) -> Response:
    what = request.path_params["what"]
    if what not in TABLES:
        raise Problem(404, "not-found", "there is no such table", wanted=", ".join(TABLES), got=what[:80])
    table, state = TABLES[what], request.app.state.serving
    if what == "reasons":
        check_may(request, "explain:read", "the table holds reasons")
    asked = Parameters(request, ("question", "lang", *(("bom",) if form == "csv" else ())))
    question = asked.question() if asked.text("question") else None
    if question and not table.by_question:
        told = [name for name, one in TABLES.items() if one.by_question]
        raise Problem(404, "not-found", "this table is not told by question", wanted=" or ".join(told), got=what)
    language = asked.language(state.workspace.language)
    bom = form == "csv" and asked.choice("bom", ("true", "false"), "false") == "true"
    tag = tag_of(request)
    if held(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    run = state.store.published()
    pages = _begun(visible_rows(request, table.rows(state.store, run, question, language)))
    pieces = csv_bytes(table.schema, pages, bom=bom) if form == "csv" else parquet_bytes(table.schema, pages)
    name = f"revml-{what}-{question}" if question else f"revml-{what}"
    headers = _headers(run, name, form) | {"ETag": tag}
    return StreamingResponse(pieces, media_type=CSV if form == "csv" else PARQUET, headers=headers)


def _begun(pages: Iterator[Rows]) -> Iterator[Rows]:
    """The pages, the first of them read already: what can go wrong at the beginning is an error, not half a file."""
    first = next(pages, None)
    return iter(()) if first is None else chain([first], pages)


def _headers(run: RunInfo, name: str, form: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}-{run.as_of:%Y-%m-%d}.{form}"',
        "Revml-Run": str(run.id),
        "Revml-As-Of": f"{run.as_of.isoformat()}Z",
        "Revml-Published-At": f"{run.published_at.isoformat()}Z",
        "Revml-Age-Days": str(age_days(run)),
    }


routes = [
    Route("/v1/export.csv", export_list),
    Route("/v1/export/{what}.csv", export_csv),
    Route("/v1/export/{what}.parquet", export_parquet),
]
