"""The read API: lists, accounts, totals, the current run, and a CSV of a list. Nothing here changes anything."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from revml.errors import NotFound
from revml.service import answers
from revml.service.answers import JsonAnswer
from revml.service.csv_lines import csv_lines
from revml.service.long_answers import long_answer
from revml.service.parameters import FILTERS, Parameters
from revml.service.problems import Problem
from revml.service.serving import Serving
from revml.store.scores import MAX_LIMIT
from revml.store.views import Page

LISTED = ("question", "order", "search", "lang", *FILTERS)


def serving(request: Request) -> Serving:
    """The state of the service that got the request."""
    found: Serving = request.app.state.serving
    return found


def list_accounts(request: Request) -> Response:
    """A page of the accounts scored for a question."""
    asked = Parameters(request, (*LISTED, "limit", "after"))
    order, reverse = asked.order()
    page = serving(request).store.accounts(
        asked.question(),
        order=order,
        reverse=reverse,
        after=asked.text("after"),
        limit=asked.integer("limit", 1, MAX_LIMIT, 50),
        search=asked.text("search"),
        **asked.filters(),
    )
    return JsonAnswer(answers.page(page, asked.language(serving(request).workspace.language)))


def one_account(request: Request) -> Response:
    """All that the current run says about one account."""
    asked = Parameters(request, ("lang",))
    account_id = request.path_params["account_id"]
    if not account_id.isprintable():
        raise Problem(404, "not-found", "no account has such an id", got=repr(account_id)[:80])
    found = serving(request).store.account(account_id)
    return JsonAnswer(answers.detail(found, asked.language(serving(request).workspace.language)))


def totals(request: Request) -> Response:
    """Sums by question and band."""
    Parameters(request, ())
    state = serving(request)
    return JsonAnswer(state.of_current_run("totals", lambda: answers.record(state.store.totals())))


def facets(request: Request) -> Response:
    """What a question's list can be filtered by."""
    asked = Parameters(request, ("question",))
    state, question = serving(request), asked.question()
    found = state.of_current_run(f"facets of {question}", lambda: state.store.facets(question))
    return JsonAnswer(
        {name: [{"value": v, "accounts": n} for v, n in getattr(found, name)] for name in FILTERS},
    )


def forecast(request: Request) -> Response:
    """The company's forecast as it was published, and what stands beside it: intervals, installed base, back-test."""
    Parameters(request, ())
    store = serving(request).store

    def beside(name: str) -> dict[str, Any] | None:
        try:
            return store.report(name).body
        except NotFound:
            return None

    def read() -> dict[str, Any]:
        told = answers.report(store.report("forecast"))
        tried = beside("forecast_backtest")
        beaten = None if tried is None else {"origins": len(tried["origins"]), "beaten": tried["beaten"]}
        return told | {"intervals": beside("intervals"), "installed": beside("installed"), "backtest": beaten}

    return long_answer(request, "forecast", read)


def forecast_backtest(request: Request) -> Response:
    """The document of the last back-test of the forecast, as the run was published with it."""
    Parameters(request, ())
    store = serving(request).store
    return long_answer(request, "forecast_backtest", lambda: answers.report(store.report("forecast_backtest")))


def current_run(request: Request) -> Response:
    """The run that readers see."""
    Parameters(request, ())
    run = serving(request).store.current()
    if run is None:
        raise Problem(404, "nothing-published", "nothing was scored yet", do="run `revml score`")
    return JsonAnswer(answers.record(run))


def export_csv(request: Request) -> Response:
    """A whole list as CSV, streamed page by page out of one run."""
    asked = Parameters(request, LISTED)
    order, reverse = asked.order()
    question, search, filters = asked.question(), asked.text("search"), asked.filters()
    language = asked.language(serving(request).workspace.language)
    store = serving(request).store

    def page(after: str | None) -> Page:
        return store.accounts(
            question, order=order, reverse=reverse, after=after, limit=MAX_LIMIT, search=search, **filters
        )

    first = page(None)  # before the answer begins, so that an error is an error and not half a file
    name = f"revml-{question}-{first.run.as_of:%Y-%m-%d}.csv"
    return StreamingResponse(
        csv_lines(first, page, language),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


routes = [
    Route("/v1/accounts", list_accounts),
    Route("/v1/accounts/{account_id:path}", one_account),
    Route("/v1/totals", totals),
    Route("/v1/facets", facets),
    Route("/v1/forecast", forecast),
    Route("/v1/forecast/backtest", forecast_backtest),
    Route("/v1/runs/current", current_run),
    Route("/v1/export.csv", export_csv),
]
