"""The ASGI application: all routes of the service. Its state is given when the service starts, not when it is made."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from revml.errors import RevmlError
from revml.service import (
    api_page,
    appointing,
    asking,
    exporting,
    health,
    importance,
    keys,
    kpis,
    metrics,
    openapi,
    pages,
    problems,
    reading,
    scenarios,
    scores_by_id,
    scoring,
    sessions,
)
from revml.service.serving import Serving


def make_application(serving: Serving | None = None) -> Starlette:
    """The application; `application.state.serving` must be set before the first request."""
    application = Starlette(
        routes=[
            *scoring.routes,  # the busiest first: the router goes through them in order
            *health.routes,
            *metrics.routes,
            *asking.routes,
            *reading.routes,
            *scores_by_id.routes,
            *exporting.routes,
            *kpis.routes,
            *scenarios.routes,
            *importance.routes,
            *appointing.routes,
            *openapi.routes,
            *api_page.routes,
            *keys.routes,
            *sessions.routes,
            *pages.routes,
        ],
        exception_handlers={
            problems.Problem: problems.on_problem,
            RevmlError: problems.on_revml_error,
            HTTPException: problems.on_http_error,
            Exception: problems.on_defect,
        },
    )
    application.router.redirect_slashes = False
    if serving is not None:
        application.state.serving = serving
    return application
