"""What watches the service: life, readiness, metrics, and this document."""

from __future__ import annotations

from revml.service.openapi.building import TEXT, Schema, json_of, listed, object_of, operation

COUNTED = 'revml_scored_rows_total{question="churn",version="3"} 120.0\n'
TAG = {"name": "operation", "description": "For whoever runs the service."}


def schemas() -> Schema:
    """Life and readiness."""
    return {
        "Ready": object_of(
            {
                "ready": {"type": "boolean"},
                "degraded": listed(TEXT, "what does not work as it should, in fixed words; the rest works on"),
                "checks": {"type": "object"},
            }
        ),
        "Live": object_of({"live": {"const": True}}),
    }


def paths() -> Schema:
    """The operations."""
    ready = operation("ready", "Whether it can do its work", json_of("Ready"), tag="operation", open_to_all=True)
    ready["responses"]["503"] = {"description": "not ready, with the reasons", "content": json_of("Ready")}
    return {
        "/livez": {
            "get": operation("live", "Whether it lives", json_of("Live"), tag="operation", open_to_all=True),
        },
        "/readyz": {"get": ready},
        "/metrics": {
            "get": operation(
                "metrics", "Prometheus metrics", {"text/plain": {"schema": TEXT, "example": COUNTED}}, tag="operation"
            )
        },
        "/openapi.json": {
            "get": operation("document", "This document", json_of({"type": "object"}), tag="operation"),
        },
    }
