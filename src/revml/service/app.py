"""The BentoML service: `bentoml serve revml.service.app:RevmlService`, or `revml serve`.

    REVML_WORKSPACE        the workspace file, read when the service starts (default: revml.yaml where it runs)
    BENTOML_DO_NOT_TRACK   set to True by `revml serve` and in images; the hook below sets it for `bentoml serve` too

Importing this file opens nothing, and loads nothing but BentoML: BentoML's own process, which only starts the workers,
needs no more. BentoML gives workers and packaging; every request is answered by the application of
`service.application`, behind `service.gate`.
"""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import bentoml

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send


@cache
def application() -> Starlette:
    """The application of this worker, made when the worker starts."""
    from revml.service.application import make_application

    return make_application()


async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """The application as BentoML mounts it."""
    await application()(scope, receive, send)


def behind_gate(app: ASGIApp) -> ASGIApp:
    """What BentoML made, behind the gate."""
    from revml.service.gate import Gate
    from revml.service.observing import Observed

    return Observed(Gate(app, application()), application())


@bentoml.service(
    name="revml",
    workers="cpu_count",
    # Timers live as long as the timeout. The gate refuses earlier, in the service's own words; this is the last wall.
    traffic={"timeout": 10, "max_concurrency": 4096},
    logging={"access": {"enabled": False}},
    tracing={"sample_rate": 0.0, "excluded_urls": [".*"]},  # a span that nobody samples costs as much as a score
    monitoring={"enabled": False},
    metrics={"enabled": False},
)
@bentoml.asgi_app(mounted, path="/")
class RevmlService:
    """Scores with reasons: of rows that a caller sends, and of the run that was published last."""

    def __init__(self) -> None:
        from revml.service.connections import TimedProtocol
        from revml.service.serving import Serving

        self.serving = Serving.from_environment()
        TimedProtocol.seconds = self.serving.workspace.service.body_seconds
        application().state.serving = self.serving
        self.serving.drain.install()
        # What is loaded stays; looking through it for garbage now and then held requests for a fifth of a second.
        gc.collect()
        gc.freeze()

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def stay_silent() -> None:
        """Keep BentoML from reporting usage to its makers; runs once, before it would."""
        from bentoml._internal.utils.analytics import usage_stats

        os.environ["BENTOML_DO_NOT_TRACK"] = "True"
        os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn would believe what this machine says; the gate judges it
        usage_stats.do_not_track.cache_clear()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Close the store, and what runs beside the requests."""
        self.serving.close()


cast(Any, RevmlService).add_asgi_middleware(behind_gate)
