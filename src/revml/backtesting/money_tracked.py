"""A back-test of money as MLflow is told of it: metrics with an origin a step, pictures, the page and the figures."""

from __future__ import annotations

import json
from collections.abc import Iterable

from revml.backtesting import money_pictures, money_sentences
from revml.backtesting.money import MoneyBacktest
from revml.backtesting.money_table import FIGURES, Row
from revml.backtesting.pictures import alone
from revml.config import Workspace
from revml.locales import words
from revml.tracking import log_backtest

NAME = "forecast"


def track(workspace: Workspace, told: MoneyBacktest, page: str) -> str:
    """Tell MLflow; empty, or why it could not be told. A back-test is whole without it."""
    speak = words(workspace.language)
    texts = {
        "backtest.html": page,
        "backtest.json": json.dumps(told.to_json(), indent=2, ensure_ascii=False),
    }
    for relation in told.relations:
        texts[f"pictures/totals_{relation}.svg"] = alone(money_pictures.totals(told, relation, speak))
        texts[f"pictures/bias_{relation}.svg"] = alone(money_pictures.biases(told, relation, speak))
    params = {
        "origins": len(told.origins),
        "first": told.origins[0].as_of.date(),
        "last": told.origins[-1].as_of.date(),
        "months": told.months,
        "scored": told.scored,
        "seed": workspace.seed,
        "data": told.fingerprint,
    }
    steps = [
        _values(row for row in told.rows if row.cut == "origin" and row.of == f"{one.as_of:%Y-%m-%d}")
        for one in told.origins
    ]
    said = (*money_sentences.headlines(told, speak), *money_sentences.held(told, speak))
    return log_backtest(
        workspace,
        NAME,
        name=f"backtest {told.origins[0].as_of:%Y-%m} to {told.origins[-1].as_of:%Y-%m}",
        description="\n\n".join((*said, *money_sentences.better(told, speak))),
        params=params,
        steps=steps,
        overall=_values(row for row in told.rows if row.cut == "all"),
        texts=texts,
    )


def _values(rows: Iterable[Row]) -> dict[str, float]:
    """Metrics by name: what stands before the slash is a section of its own on MLflow's page of metrics."""
    return {
        f"{row.relation}_{row.horizon_months}m_{figure}/{row.method}": value
        for row in rows
        for figure in (*FIGURES, "coverage")
        if (value := getattr(row, figure)) is not None
    }
