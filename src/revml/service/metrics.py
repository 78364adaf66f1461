"""Prometheus metrics of the service, labelled by route and never by address, so that their number stays bounded.

    revml_request_seconds       histogram  route, method, status
    revml_scored_rows           counter    question, version
    revml_scores                counter    question, from: scores by tenths of probability
    revml_joined_rows           histogram  rows of one call of a model, when requests are scored together
    revml_waiting_rows          gauge      rows that wait for a model
    revml_model_info            gauge      question, version, bundle: 1 for what serves
    revml_model_changes         counter    question: a champion took over
    revml_degraded              gauge      reason: 1 while it holds (see `service.degraded`)
    revml_scores_age_seconds    gauge      age of the current run's as_of
    revml_refused               counter    reason: key, scope, host, rate, ...

BentoML's own metrics are off, for they make a time series of every path that anybody ever asked for. Several workers
add up through the folder that BentoML names in PROMETHEUS_MULTIPROC_DIR, which is why the client is imported when the
service starts and not before. Looking labels up costs more than counting: what was looked up once is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.service.environment import SHARED

BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
JOINED = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
TENTHS = tuple(f"{tenth / 10:.1f}" for tenth in range(10))


class Metrics:
    """Counters of one worker. Everything is cheap enough for every request."""

    def __init__(self) -> None:
        import prometheus_client

        self._client: Any = prometheus_client
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = self._histogram("request_seconds", "Time to answer a request.", "route method status", BUCKETS)
        self._rows = self._counter("scored_rows", "Rows scored for callers.", "question version")
        self._scores = self._counter("scores", "Scores given, by tenths of probability.", "question from")
        self._refused = self._counter("refused", "Requests refused before they reached a route.", "reason")
        self._changes = self._counter("model_changes", "Champions that took over.", "question")
        self._models = self._gauge("model_info", "What serves.", "question version bundle", "livemax")
        self._degraded = self._gauge("degraded", "What does not work as it should.", "reason", "livemax")
        self._joined = self._histogram("joined_rows", "Rows scored in one call of a model.", "", JOINED)
        self._waiting = self._gauge("waiting_rows", "Rows that wait for a model.", "", "livesum")
        self._age = self._gauge("scores_age_seconds", "Age of the as_of of the current run.", "", "livemax")
        self._of_request: dict[tuple[str, str, int], Any] = {}
        self._of_rows: dict[tuple[str, str], Any] = {}
        self._of_scores: dict[str, tuple[Any, ...]] = {}
        self._held: frozenset[str] = frozenset()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (route, method, status)
        child = self._of_request.get(key)
        if child is None:
            child = self._of_request[key] = self._requests.labels(route, method, str(status))
        child.observe(seconds)

    def scored(self, question: str, version: str, rows: int, probabilities: Sequence[float] | None = None) -> None:
        """Count rows scored, and where their probabilities lie."""
        key = (question, version)
        child = self._of_rows.get(key)
        if child is None:
            child = self._of_rows[key] = self._rows.labels(question, version)
        child.inc(rows)
        if probabilities is None:
            return
        tenths = self._of_scores.get(question)
        if tenths is None:
            tenths = self._of_scores[question] = tuple(self._scores.labels(question, of) for of in TENTHS)
        if len(probabilities) == 1:
            tenths[min(int(probabilities[0] * 10), 9)].inc()
            return
        import numpy as np

        where = np.minimum((np.asarray(probabilities, dtype=float) * 10).astype(int), 9)
        for tenth, count in enumerate(np.bincount(where, minlength=10).tolist()):
            if count:
                tenths[tenth].inc(count)

    def joined(self, rows: int) -> None:
        """Count a call of a model for the rows of one or several requests."""
        self._joined.observe(rows)

    def waiting(self, rows: int) -> None:
        """Tell how many rows wait for a model."""
        self._waiting.set(rows)

    def refused(self, reason: str) -> None:
        """Count a request that was refused: `reason` is one of a few words, never a caller's."""
        self._refused.labels(reason).inc()

    def serves(self, question: str, version: str, bundle: str, before: tuple[str, str] | None = None) -> None:
        """Tell which model serves a question, and which one no longer does (its version and bundle)."""
        if before is not None:
            self._models.labels(question, *before).set(0)
            self._changes.labels(question).inc()
        self._models.labels(question, version, bundle).set(1)

    def degraded(self, reasons: Iterable[str]) -> None:
        """Tell what does not work as it should; what is no longer among them does."""
        now = frozenset(reasons)
        for reason in now ^ self._held:
            self._degraded.labels(reason).set(int(reason in now))
        self._held = now

    def age(self, seconds: float) -> None:
        """Tell how old the scores are."""
        self._age.set(seconds)

    def text(self) -> bytes:
        """All workers' metrics in Prometheus' text format."""
        registry = self._registry
        if os.environ.get(SHARED):
            from prometheus_client import multiprocess

            registry = self._client.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return bytes(self._client.generate_latest(registry))

    def close(self) -> None:
        """Take this worker's gauges out; its counts stay."""
        if os.environ.get(SHARED):
            from prometheus_client import multiprocess

            multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]

    def _counter(self, name: str, told: str, labels: str) -> Any:
        return self._client.Counter(f"revml_{name}", told, labels.split(), registry=self._registry)

    def _gauge(self, name: str, told: str, labels: str, of_workers: str) -> Any:
        return self._client.Gauge(
            f"revml_{name}", told, labels.split(), registry=self._registry, multiprocess_mode=of_workers
        )

    def _histogram(self, name: str, told: str, labels: str, buckets: Sequence[float]) -> Any:
        return self._client.Histogram(f"revml_{name}", told, labels.split(), registry=self._registry, buckets=buckets)


def metrics(request: Request) -> Response:
    """The metrics."""
    return Response(request.app.state.serving.metrics.text(), media_type="text/plain; version=0.0.4")


routes = [Route("/metrics", metrics)]
