"""The company's documents of a run: forecast and its back-test, key figures, scenarios."""

from __future__ import annotations

from revml.service import kpis, scenarios
from revml.service.openapi.building import BY, LANGUAGE, Schema, json_of, object_of, operation, ref

TAG = {"name": "company", "description": "Forecast, key figures and scenarios, as they were published with the run."}
READS = (404, 422, 503)


def schemas() -> Schema:
    """The documents."""
    return {
        "Forecast": object_of(
            {
                "run": ref("RunInfo"),
                "forecast": {"type": "object", "description": "totals by month with bands, segments, reconciliation"},
                "intervals": {
                    "type": ["object", "null"],
                    "description": "how often the ranges of accounts held at earlier origins; null where not known",
                },
                "installed": {
                    "type": ["object", "null"],
                    "description": "machines in service; null where there are none",
                },
                "backtest": {
                    "type": ["object", "null"],
                    "description": "in how many of how many comparisons each simple method was beaten; null before "
                    "`revml forecast --backtest`",
                },
            }
        ),
        "ForecastBacktest": object_of({"run": ref("RunInfo"), "forecast_backtest": {"type": "object"}}),
        **kpis.schemas(),
        **scenarios.schemas(),
    }


def paths() -> Schema:
    """The operations."""
    return {
        "/v1/forecast": {
            "get": operation(
                "read_forecast",
                "The company's forecast",
                json_of("Forecast"),
                tag="company",
                fails=READS,
                tagged=True,
            )
        },
        "/v1/forecast/backtest": {
            "get": operation(
                "read_forecast_backtest",
                "How the forecast would have done",
                json_of("ForecastBacktest"),
                tag="company",
                fails=READS,
                tagged=True,
            )
        },
        "/v1/kpis": {
            "get": operation(
                "read_kpis",
                "Key figures with definitions, movements, cohorts, segments",
                json_of("Kpis"),
                tag="company",
                parameters=[{**BY, "example": "industry"}, LANGUAGE],
                fails=READS,
                tagged=True,
            )
        },
        "/v1/scenarios": {
            "get": operation(
                "read_scenarios",
                "What retention, price and saved accounts would change",
                json_of("Scenarios"),
                tag="company",
                parameters=[LANGUAGE],
                fails=READS,
                tagged=True,
            )
        },
    }
