"""What one scoring run is, before it is published: plain frames with fixed columns.

Probabilities are shares of one; money is in `currency`; `month` counts from 1. Frames carry no index of meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from revml.store.long import LongFrame

# name of the frame: its columns, in order
ACCOUNT_COLUMNS = (
    "account_id",
    "name",
    "owner",
    "industry",
    "country",
    "region",
    "parent_account_id",
    "customer_since",
    "mrr",  # active contract MRR at as_of, 0 where none
    "order_revenue_12m",  # net order amount of the 365 days before as_of
)
SCORE_COLUMNS = (
    "account_id",
    "question",  # config.QuestionName: churn, upsell ...
    "item",  # the product family of a cross-sell; empty where the question is about the account alone
    "probability",
    "percentile",  # 0 to 100 among the rows scored for this question; 100 is the most likely
    "band",  # high, medium, low
    "money",  # yearly money of the relation: 12 * MRR, or order revenue of the last 365 days; missing where not known
    "expected_money",  # probability * money lost (config.LOSSES) or gained a year; missing where money is
    "model_version",
)
# What `scores` may have besides: probabilities at other horizons, in days. The curve passes through `probability` at
# the model's own horizon and never turns back; missing where the question has one horizon.
HORIZON_COLUMNS = {
    30: "probability_30d",
    90: "probability_90d",
    180: "probability_180d",
    365: "probability_365d",
}
REASON_COLUMNS = (
    "account_id",
    "question",
    "item",
    "rank",  # 1 is the strongest
    "concept",
    "side",  # raises, lowers: what the reason does to the probability
    "contribution",  # log-odds of the whole concept
    "feature",  # the feature that tells the concept's story
    "value",
    "past",  # its own value 12 weeks before, NULL where unknown
    "peers",  # the median of similar accounts
    "text_en",
    "text_cs",
)
CLV_COLUMNS = (
    "account_id",
    "relation",  # contract, orders
    "horizon_months",
    "clv",  # discounted expected margin over the horizon
    "expected_revenue",  # undiscounted expected revenue over the horizon
    "p_alive",  # survival (contract) or P(order in the last year of the horizon) at the end
    "extrapolated_share",  # of clv that lies beyond the longest observed span
    "warning",  # empty, or why the figure needs care
)
FLOW_COLUMNS = ("account_id", "relation", "month", "survival", "expected_revenue", "discounted_margin")


@dataclass(frozen=True)
class ModelRef:
    """The model behind the scores of a question."""

    question: str
    version: str  # the MLflow version where there is one, else the short bundle hash
    bundle: str  # bundle hash
    rung: str  # constant, rule, logistic, lightgbm
    horizon_days: int
    base_rate: float
    figures: dict[str, Any] = field(default_factory=dict)
    extrapolated_days: tuple[int, ...] | None = None  # horizons beyond the history; None where there is one horizon


@dataclass(frozen=True)
class ScoreRun:
    """Everything a publish writes, in one transaction; reasons and flows of many accounts in parts."""

    as_of: datetime
    company: str
    currency: str
    models: tuple[ModelRef, ...]
    accounts: pd.DataFrame
    scores: pd.DataFrame
    reasons: LongFrame
    clv: pd.DataFrame
    flows: LongFrame
    notes: tuple[str, ...] = ()  # what a reader of the forecast must know; printed, not published
    score_notes: tuple[str, ...] = ()  # the same for the scores
    # question, account_id, group (treated, held_out) of those attended to in the horizon before as_of; None where the
    # company tells nothing of plays
    attended: pd.DataFrame | None = None
