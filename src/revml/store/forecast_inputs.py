"""What a run's forecast was made of and what it came to: scores of some questions, CLV by horizon."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, func, select

from revml.store.runs import HORIZON_COLUMNS
from revml.store.schema import clv, scores
from revml.store.views import RunInfo

COLUMNS = ("question", "account_id", "probability", *HORIZON_COLUMNS.values())


@dataclass(frozen=True)
class ForecastInputs:
    """Scores (`COLUMNS`, sorted) of a run, and its CLV of all accounts by horizon in months."""

    run: RunInfo
    scores: pd.DataFrame
    clv: dict[int, float]


def forecast_inputs(connection: Connection, run: RunInfo, questions: Collection[str]) -> ForecastInputs:
    """Read what the forecast of a run took from its models."""
    asked = select(*(scores.c[name] for name in COLUMNS)).where(
        scores.c.run_id == run.id, scores.c.item == "", scores.c.question.in_(sorted(questions))
    )
    rows = connection.execute(asked.order_by(scores.c.question, scores.c.account_id)).all()
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in COLUMNS[2:]:
        frame[name] = frame[name].astype("float64")
    sums = (
        select(clv.c.horizon_months, func.sum(clv.c.clv)).where(clv.c.run_id == run.id).group_by(clv.c.horizon_months)
    )
    totals = {int(months): round(float(total), 2) for months, total in connection.execute(sums)}
    return ForecastInputs(run, frame, dict(sorted(totals.items())))
