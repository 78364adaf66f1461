"""Prometheus metrics of the service, labelled by route and never by address, so that their number stays bounded.

BentoML's own metrics are off for that reason: they make a time series of every path that anybody ever asked for.
Several workers add up through the folder that BentoML names in PROMETHEUS_MULTIPROC_DIR, which is why the client is
imported when the service starts and not before.
"""

from __future__ import annotations

import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """Counters of one worker."""

    def __init__(self) -> None:
        import prometheus_client

        self._client: Any = prometheus_client
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Histogram(
            "revml_request_seconds",
            "Time to answer a request.",
            ("route", "method", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._rows = prometheus_client.Counter(
            "revml_scored_rows", "Rows scored for callers.", ("question", "version"), registry=self._registry
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, method, str(status)).observe(seconds)

    def scored(self, question: str, version: str, rows: int) -> None:
        """Count rows scored."""
        self._rows.labels(question, version).inc(rows)

    def text(self) -> bytes:
        """All workers' metrics in Prometheus' text format."""
        registry = self._registry
        if MULTIPROCESS in os.environ:
            from prometheus_client import multiprocess

            registry = self._client.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return bytes(self._client.generate_latest(registry))


def metrics(request: Request) -> Response:
    """The metrics."""
    return Response(request.app.state.serving.metrics.text(), media_type="text/plain; version=0.0.4")


routes = [Route("/metrics", metrics)]
