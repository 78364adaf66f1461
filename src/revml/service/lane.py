"""A way past the router for what is asked thousands of times a second; the answers are the router's to the byte.

The gate has found the route already, and has the body at hand. What is left out, middlewares of the application and
the router's second search, costs as much as reading a row does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from revml.errors import RevmlError
from revml.service.problems import Passing, Problem, on_defect, translate
from revml.service.serving import Serving

Answer = Callable[[Serving, Scope, bytes], Awaitable[Response]]


class Lane:
    """Answers one route.

    Args:
        route: as it stands in the application.
        answer: what its endpoint does, of a body that was read.
    """

    def __init__(self, route: Route, answer: Answer) -> None:
        self._route, self._answer = route, answer

    async def __call__(self, application: Starlette, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Answer a request that passed the gate; errors leave in the application's own words."""
        scope["route"] = self._route
        try:
            response = await self._answer(application.state.serving, scope, body)
        except Problem as problem:
            response = problem.response()
        except RevmlError as error:
            response = translate(error).response()
        except Passing:
            raise
        except Exception as error:
            response = await on_defect(Request(scope), error)
        await response(scope, receive, send)
