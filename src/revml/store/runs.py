"""What one scoring run is, before it is published: plain frames with fixed columns.

Probabilities are shares of one; money is in `currency`; `month` counts from 1. Frames carry no index of meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from revml.store.kept import KeptRows
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
# And `attention`: whether a play was done in the horizon before `as_of`, one was held back, or neither; missing where
# nothing is known of plays. The groups are not alike: their difference is no effect of a play.
ATTENTION = "attention"
ATTENTIONS = ("treated", "held_out", "neither")
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
CONTRIBUTION_COLUMNS = (
    "account_id",
    "question",
    "item",
    "parts",  # JSON: what each concept of the question (`ScoreRun.concepts`, in its order) adds to the log-odds
)
CLV_COLUMNS = (
    "account_id",
    "relation",  # contract, orders, durable
    "horizon_months",  # a run may have several; the longest is the main one
    "clv",  # discounted expected margin over the horizon
    "clv_p10",  # quantiles of it, missing where it was not simulated
    "clv_p50",
    "clv_p90",
    "base",  # base + expansion - contraction + referral = clv, to the cent
    "expansion",
    "contraction",
    "referral",
    "expected_revenue",  # undiscounted expected revenue over the horizon
    "p_alive",  # survival (contract) or P(order in the last year of the horizon) at the end
    "extrapolated_share",  # of clv that lies beyond the longest observed span
    "warning",  # empty, or why the figure needs care
)
FLOW_COLUMNS = (
    "account_id",
    "relation",
    "month",
    "survival",
    "expected_revenue",
    "discounted_margin",
    "revenue_p10",  # quantiles of the month's revenue, missing where it was not simulated
    "revenue_p50",
    "revenue_p90",
)
VALUE_COLUMNS = (
    "account_id",
    "horizon_months",
    "clv",  # over all relations
    "clv_p10",
    "clv_p50",
    "clv_p90",
    "with_children",  # own clv and that of all accounts below
    "acquisition_cost",
    "ltv_cac",  # missing, like the payback, where the cost is not known
    "payback_months",
    "referral_value",  # an allocation of others' clv: never added to this one
)
DRIVER_COLUMNS = (
    "account_id",
    "concept",  # "peer" is what a similar account is worth; the others add up to clv - peer
    "money",  # what the concept adds to the clv of the main horizon, or costs it
)
# What is ahead of an account that orders, a row an account.
COMING_COLUMNS = (
    "account_id",
    "next_order",  # the instant by which an order is as likely as not; missing where none ever is
    "p_order_3m",  # P(at least one order within three months); missing, like the next three, beyond the forecast
    "p_order_12m",
    "orders_12m",  # expected orders within twelve months
    "revenue_12m",  # undiscounted
    "families",  # by product family [orders, revenue] of the twelve months, most first; missing where not told
)
# Columns that a frame may lack, or hold nothing in.
OPTIONAL_COLUMNS: dict[str, tuple[str, ...]] = {
    "clv": ("clv_p10", "clv_p50", "clv_p90", "base", "expansion", "contraction", "referral"),
    "flows": ("revenue_p10", "revenue_p50", "revenue_p90"),
    "values": ("clv_p10", "clv_p50", "clv_p90", *VALUE_COLUMNS[6:]),
    "coming": COMING_COLUMNS[1:],
}


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
class Concepts:
    """What the lists of contributions of a question are of; `base` and a row's parts add up to its log-odds."""

    base: float
    names: tuple[str, ...]


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
    values: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(VALUE_COLUMNS)))
    drivers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DRIVER_COLUMNS)))
    coming: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COMING_COLUMNS)))
    reports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # whole documents: forecast, kpis ...
    contributions: LongFrame = field(default_factory=lambda: pd.DataFrame(columns=list(CONTRIBUTION_COLUMNS)))
    concepts: Mapping[str, Concepts] = field(default_factory=dict)  # by question
    kept: KeptRows | None = None  # the feature rows that were scored; they stay beside the run, not in the database
    discount_rate: float | None = None  # a year's, of every discounted figure; None where it is not told

    @property
    def main_horizon(self) -> int:
        """The longest horizon in months, at which an account has one value; 0 where nothing was forecast."""
        longest = [int(frame["horizon_months"].max()) for frame in (self.clv, self.values) if len(frame)]
        return max(longest, default=0)
