"""Probabilities with rank, band and money.

Comes in: a bundle and rows with its features and their money. Goes out: `SCORE_COLUMNS`, one row of each account or
pair. Expected money is the probability of the event times what it moves; money that is not known stays unknown.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from revml.at_risk import AtRisk
from revml.config import UPSELL_KINDS, QuestionSpec
from revml.models.bundle import Bundle
from revml.models.curve import RENEWAL, TERM
from revml.snapshots import ITEM
from revml.store.runs import HORIZON_COLUMNS, SCORE_COLUMNS


def score(bundle: Bundle, frame: pd.DataFrame, spec: QuestionSpec) -> pd.DataFrame:
    """Probabilities with rank, band and money.

    Args:
        frame: `account_id`, `item` where there is one, `money` and the bundle's features.
        spec: the definition that the bundle was trained on.

    Returns:
        `SCORE_COLUMNS` and those of `HORIZON_COLUMNS`, sorted by account and item.
    """
    rows = AtRisk.of(frame)
    probability = bundle.predict(rows.own) if len(rows) else np.empty(0)
    return scores_of(bundle, rows, probability, spec)


def scores_of(bundle: Bundle, rows: AtRisk, probability: np.ndarray, spec: QuestionSpec) -> pd.DataFrame:
    """`score` of rows whose probabilities are known."""
    own, n = rows.own, len(rows)
    money = own["money"].to_numpy(dtype=float, na_value=np.nan)
    told = pd.DataFrame(
        {
            "account_id": own["account_id"].astype("str"),
            "question": pd.Series([bundle.question] * n, dtype="str"),
            "item": own[ITEM].astype("str") if ITEM in own else pd.Series([""] * n, dtype="str"),
            "probability": probability,
            "percentile": pd.Series(probability).rank(pct=True).to_numpy() * 100,
            "band": pd.Series(bundle.bands.of(probability), dtype="str"),
            "money": money,
            "expected_money": probability * share_at_stake(bundle.question, spec) * money,
            "model_version": pd.Series([bundle.version] * n, dtype="str"),
        }
    )[list(SCORE_COLUMNS)]
    return told.assign(**_other_horizons(bundle, rows, probability))


def _other_horizons(bundle: Bundle, rows: AtRisk, probability: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of `HORIZON_COLUMNS`; NaN where the question has one horizon."""
    if bundle.hazards is None:
        return {name: np.full(len(rows), np.nan) for name in HORIZON_COLUMNS.values()}
    known = [name for name in (RENEWAL, TERM) if name in bundle.features]
    curve = bundle.curve(pd.DataFrame({name: rows.column(name) for name in known}, index=rows.own.index), probability)
    assert curve is not None  # noqa: S101 - there are hazards
    at = bundle.hazards.horizons.index
    return {name: curve[:, at(days)] for days, name in HORIZON_COLUMNS.items()}


def average_scores(bundle: Bundle, rows: AtRisk, base: float) -> pd.DataFrame:
    """What each row's probabilities would be if its features were average: account_id, probability, other horizons.

    Args:
        base: log-odds of the average row. When a row's contract is renewed is its own: it shapes the curve.
    """
    probability = np.full(len(rows), bundle.calibration.apply(np.array([base]))[0])
    told = pd.DataFrame({"account_id": rows.own["account_id"].to_numpy(), "probability": probability})
    return told.assign(**_other_horizons(bundle, rows, probability))


def share_at_stake(question: str, spec: QuestionSpec) -> float:
    """The share of a relation's yearly money that the event loses or gains at least.

    >>> share_at_stake("churn", QuestionSpec()), share_at_stake("growth", QuestionSpec(growth_ratio=1.5))
    (1.0, 0.5)
    """
    if question in UPSELL_KINDS:
        return spec.uplift
    return {"upsell": spec.uplift, "contraction": spec.drop, "growth": spec.growth_ratio - 1.0}.get(question, 1.0)
