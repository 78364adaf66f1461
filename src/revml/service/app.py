"""The BentoML service: `bentoml serve revml.service.app:RevmlService`, or `revml serve`.

    REVML_WORKSPACE        the workspace file, read when the service starts (default: revml.yaml where it runs)
    BENTOML_DO_NOT_TRACK   set to True by `revml serve` and in images; the hook below sets it for `bentoml serve` too

Importing this file opens nothing. BentoML gives workers and packaging; every request is answered by the
application of `service.application`, behind `service.gate`.
"""

from __future__ import annotations

import os
from typing import Any, cast

import bentoml

from revml.service.application import make_application
from revml.service.gate import Gate
from revml.service.observing import Observed
from revml.service.serving import Serving

application = make_application()


@bentoml.service(
    name="revml",
    workers=1,
    traffic={"timeout": 30},
    logging={"access": {"enabled": False}},
    tracing={"sample_rate": 0.0},
    monitoring={"enabled": False},
    metrics={"enabled": False},
)
@bentoml.asgi_app(application, path="/")
class RevmlService:
    """Scores with reasons: of rows that a caller sends, and of the run that was published last."""

    def __init__(self) -> None:
        self.serving = Serving.from_environment()
        application.state.serving = self.serving
        self.serving.drain.install()

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def stay_silent() -> None:
        """Keep BentoML from reporting usage to its makers; runs once, before it would."""
        from bentoml._internal.utils.analytics import usage_stats

        os.environ["BENTOML_DO_NOT_TRACK"] = "True"
        usage_stats.do_not_track.cache_clear()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Close the store, and what runs beside the requests."""
        self.serving.close()


# The first is the outermost.
cast(Any, RevmlService).add_asgi_middleware(Observed, application=application)
cast(Any, RevmlService).add_asgi_middleware(Gate, application=application)
