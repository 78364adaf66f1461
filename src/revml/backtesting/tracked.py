"""A back-test as MLflow is told of it: metrics with an origin a step, pictures, the page and the figures as JSON."""

from __future__ import annotations

import json

from revml.backtesting import pictures, sentences
from revml.backtesting.replay import Backtest
from revml.config import Workspace
from revml.evaluation.figures import Figure
from revml.locales import words
from revml.tracking import log_backtest


def track(workspace: Workspace, told: Backtest, page: str) -> str:
    """Tell MLflow; empty, or why it could not be told. A back-test is whole without it."""
    speak = words(workspace.language)
    texts = {
        "backtest.html": page,
        "backtest.json": json.dumps(told.to_json(), indent=2, ensure_ascii=False),
        "pictures/quality.svg": pictures.alone(pictures.quality(told, speak)),
        "pictures/money.svg": pictures.alone(pictures.reach(told, speak)),
        "pictures/reliability.svg": pictures.alone(pictures.reliability(told, speak)),
    }
    params = {
        "origins": len(told.origins),
        "every": told.every,
        "first": told.origins[0].as_of.date(),
        "last": told.origins[-1].as_of.date(),
        "capacity": told.capacity,
        "seed": workspace.seed,
        "data": told.fingerprint,
        **{f"definition.{name}": value for name, value in told.spec.model_dump().items()},
    }
    steps = [_values("by_origin", figures) for figures in told.quality.each]
    for step, one, expected in zip(steps, told.origins, told.quality.expected, strict=True):
        step |= {
            "by_origin/expected": expected.predicted,
            "by_origin/observed": float(expected.observed),
            "by_origin/at_risk": float(len(one.scores)),
        }
        step |= {f"reached/{name}": reach.events for name, reach in one.lists.items()}
        step |= {f"reached_money/{name}": reach.money for name, reach in one.lists.items()}
    overall = _values("overall", told.quality.overall) | _values("trend", told.quality.trend)
    name = f"backtest {told.origins[0].as_of:%Y-%m} to {told.origins[-1].as_of:%Y-%m}"
    said = (sentences.headline(told, speak), sentences.others(told, speak), *sentences.drift(told, speak))
    return log_backtest(
        workspace,
        told.question,
        name=name,
        description="\n\n".join(said),
        params=params,
        steps=steps,
        overall=overall,
        texts=texts,
    )


def _values(section: str, figures: dict[str, Figure]) -> dict[str, float]:
    """Metrics by name; what stands before the slash is a section of its own on MLflow's page of metrics."""
    told: dict[str, float] = {}
    for name, figure in figures.items():
        ends = {"low": figure.low, "high": figure.high}
        values = {f"{section}/{name}": figure.value}
        values |= {f"{section}_interval/{name}_{end}": value for end, value in ends.items()}
        told |= {called: value for called, value in values.items() if value is not None}
    return told
