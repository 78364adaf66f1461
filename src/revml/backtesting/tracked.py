"""A back-test as MLflow is told of it: metrics with an origin a step, pictures, the page and the figures as JSON."""

from __future__ import annotations

import json

from revml.backtesting import pictures
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
    steps = [_values(figures) for figures in told.quality.each]
    for step, one, expected in zip(steps, told.origins, told.quality.expected, strict=True):
        step |= {
            "expected": expected.predicted,
            "observed": float(expected.observed),
            "at_risk": float(len(one.scores)),
        }
        step |= {f"reached_{name}": reach.events for name, reach in one.lists.items()}
        step |= {f"reached_money_{name}": reach.money for name, reach in one.lists.items()}
    overall = {f"overall_{name}": value for name, value in _values(told.quality.overall).items()}
    overall |= {f"trend_{name}": value for name, value in _values(told.quality.trend).items()}
    name = f"backtest {told.question} {told.origins[0].as_of:%Y-%m} to {told.origins[-1].as_of:%Y-%m}"
    return log_backtest(workspace, told.question, name=name, params=params, steps=steps, overall=overall, texts=texts)


def _values(figures: dict[str, Figure]) -> dict[str, float]:
    told = {}
    for name, figure in figures.items():
        for suffix, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high)):
            if value is not None:
                told[f"{name}{suffix}"] = value
    return told
