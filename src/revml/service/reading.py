"""The read API: lists, accounts, totals, segments, runs. Nothing here changes anything."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.errors import NotFound
from revml.service import answers
from revml.service.account_path import account_id_of, ends_in
from revml.service.long_answers import long_answer
from revml.service.parameters import FILTERS, Parameters
from revml.service.published import run_of, tagged
from revml.service.segments import segment_page
from revml.service.serving import Serving
from revml.store.scores import MAX_LIMIT
from revml.store.segments import SEGMENTED_BY

LISTED = ("question", "order", "search", "lang", *FILTERS)


def serving(request: Request) -> Serving:
    """The state of the service that got the request."""
    found: Serving = request.app.state.serving
    return found


def list_accounts(request: Request) -> Response:
    """A page of the accounts scored for a question."""
    asked = Parameters(request, (*LISTED, "limit", "after"))
    order, reverse = asked.order()
    state, question, filters = serving(request), asked.question(), asked.filters()
    limit, language = asked.integer("limit", 1, MAX_LIMIT, 50), asked.language(state.workspace.language)

    def read() -> Any:
        page = state.store.accounts(
            question,
            order=order,
            reverse=reverse,
            after=asked.text("after"),
            limit=limit,
            search=asked.text("search"),
            **filters,
        )
        return answers.page(page, run_of(state, page.run), language)

    return tagged(request, read)


def one_account(request: Request) -> Response:
    """All that the current run, or that of a day, says about one account."""
    asked = Parameters(request, ("lang", "as_of"))
    state, account_id = serving(request), account_id_of(request)
    language, day = asked.language(state.workspace.language), asked.day("as_of")

    def read() -> Any:
        found = state.store.account(account_id, as_of=day)
        return answers.detail(found, run_of(state, found.run), language)

    return tagged(request, read)


def history(request: Request) -> Response:
    """The account's probabilities over the runs."""
    if not ends_in(request, "history"):
        return one_account(request)  # its id ends in /history
    asked = Parameters(request, ("question",))
    state, account_id = serving(request), account_id_of(request, "history")
    question = asked.question() if asked.text("question") else None

    def read() -> Any:
        run = state.store.published()
        found = [past for past in state.store.history(account_id) if question in (None, past.question)]
        if not found:
            state.store.account(account_id)  # an account without scores is one; what is none raises
        return {"run": run_of(state, run), "account_id": account_id, "history": [answers.record(p) for p in found]}

    return tagged(request, read)


def totals(request: Request) -> Response:
    """Sums by question and band."""
    Parameters(request, ())
    state = serving(request)

    def read() -> Any:
        found = state.of_current_run("totals", state.store.totals)
        return answers.record(found) | {"run": run_of(state, found.run)}

    return tagged(request, read)


def segments(request: Request) -> Response:
    """A page of a question's sums by segment."""
    asked = Parameters(request, ("question", "by", "limit", "after"))
    state, question, by = serving(request), asked.question(), asked.choice("by", SEGMENTED_BY)
    limit, after = asked.integer("limit", 1, MAX_LIMIT, 50), asked.text("after")

    def read() -> Any:
        run, found = state.of_current_run(f"segments of {question} by {by}", lambda: state.store.segments(question, by))
        told = segment_page(run, found, question=question, by=by, limit=limit, after=after)
        return told | {"run": run_of(state, run)}

    return tagged(request, read)


def facets(request: Request) -> Response:
    """What a question's list can be filtered by."""
    asked = Parameters(request, ("question",))
    state, question = serving(request), asked.question()

    def read() -> Any:
        found = state.of_current_run(f"facets of {question}", lambda: state.store.facets(question))
        return {name: [{"value": v, "accounts": n} for v, n in getattr(found, name)] for name in FILTERS}

    return tagged(request, read)


def forecast(request: Request) -> Response:
    """The company's forecast as it was published, and what stands beside it: intervals, installed base, back-test."""
    Parameters(request, ())
    state = serving(request)
    store = state.store

    def beside(name: str) -> dict[str, Any] | None:
        try:
            return store.report(name).body
        except NotFound:
            return None

    def read() -> dict[str, Any]:
        found = store.report("forecast")
        told = answers.report(found, run_of(state, found.run))
        tried = beside("forecast_backtest")
        beaten = None if tried is None else {"origins": len(tried["origins"]), "beaten": tried["beaten"]}
        return told | {"intervals": beside("intervals"), "installed": beside("installed"), "backtest": beaten}

    return long_answer(request, "forecast", read)


def forecast_backtest(request: Request) -> Response:
    """The document of the last back-test of the forecast, as the run was published with it."""
    Parameters(request, ())
    state = serving(request)

    def read() -> dict[str, Any]:
        found = state.store.report("forecast_backtest")
        return answers.report(found, run_of(state, found.run))

    return long_answer(request, "forecast_backtest", read)


def current_run(request: Request) -> Response:
    """The run that readers see."""
    Parameters(request, ())
    state = serving(request)
    return tagged(request, lambda: run_of(state, state.store.published()))


def runs(request: Request) -> Response:
    """All runs that are kept."""
    Parameters(request, ())
    state = serving(request)

    def read() -> Any:
        current, kept = state.store.published(), state.store.runs()
        return {"current": current.id, "runs": [run_of(state, run) for run in kept]}

    return tagged(request, read)


routes = [
    Route("/v1/accounts", list_accounts),
    Route("/v1/accounts/{account_id:path}/history", history),
    Route("/v1/accounts/{account_id:path}", one_account),
    Route("/v1/totals", totals),
    Route("/v1/segments", segments),
    Route("/v1/facets", facets),
    Route("/v1/forecast", forecast),
    Route("/v1/forecast/backtest", forecast_backtest),
    Route("/v1/runs", runs),
    Route("/v1/runs/current", current_run),
]
