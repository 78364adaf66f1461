"""What readers get from the scores database: small frozen records, already joined the way people ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Order = Literal["expected_money", "probability", "change", "clv", "name"]
ORDERS: tuple[Order, ...] = ("expected_money", "probability", "change", "clv", "name")


@dataclass(frozen=True)
class ModelInfo:
    """The model behind a question's scores in a run."""

    question: str
    version: str
    bundle: str
    rung: str
    horizon_days: int
    base_rate: float
    figures: dict[str, Any]
    extrapolated_days: tuple[int, ...] | None = None


@dataclass(frozen=True)
class RunInfo:
    """A published run. `withdrawn` runs were rolled back and count neither in history nor in trends.

    `discount_rate` is a year's, of every discounted figure; None in runs of an older revml.
    """

    id: int
    as_of: datetime
    published_at: datetime
    company: str
    currency: str
    accounts: int
    scores: int
    withdrawn: bool
    discount_rate: float | None = None
    models: tuple[ModelInfo, ...] = ()


@dataclass(frozen=True)
class Reason:
    """One reason in words, with the figures it was made of."""

    question: str
    item: str
    rank: int
    concept: str
    side: str
    contribution: float
    feature: str | None
    value: float | str | bool | None
    past: float | str | bool | None
    peers: float | str | bool | None
    text_en: str
    text_cs: str

    def text(self, language: str) -> str:
        """The reason in a language."""
        return self.text_cs if language == "cs" else self.text_en


@dataclass(frozen=True)
class Horizon:
    """A probability at one horizon; `extrapolated` where no history reaches that far."""

    days: int
    probability: float
    extrapolated: bool


@dataclass(frozen=True)
class Score:
    """The answer to one question about one account; `change` is against the run before, None where there was none.

    `item` is what the question is about beside the account, such as a product family; empty for most questions.
    `money` and `expected_money` are None where nothing is known of the money.
    `horizons` is one curve, through `probability` at the model's own horizon; empty where the question has no other.
    `attention` is whether a play was done within the horizon before the run, or one was held back: treated, held_out,
    neither; None where nothing is known of plays. The groups are not alike: their difference is no effect of a play.
    """

    question: str
    item: str
    probability: float
    previous_probability: float | None
    percentile: float
    band: str
    money: float | None
    expected_money: float | None
    model_version: str
    horizons: tuple[Horizon, ...] = ()
    attention: str | None = None

    @property
    def change(self) -> float | None:
        """How far the probability moved since the run before."""
        return None if self.previous_probability is None else self.probability - self.previous_probability


@dataclass(frozen=True)
class Account:
    """An account as of the run; money in the run's currency."""

    account_id: str
    name: str | None
    owner: str | None
    industry: str | None
    country: str | None
    region: str | None
    parent_account_id: str | None
    customer_since: datetime | None
    mrr: float
    order_revenue_12m: float
    clv: float | None


@dataclass(frozen=True)
class ListedAccount:
    """A row of a list: the account, its score, and the strongest reason that raises it (else the strongest one)."""

    account: Account
    score: Score
    reason: Reason | None


@dataclass(frozen=True)
class ScoredAccount:
    """An account with its scores and their reasons, without what is read for one account only."""

    account: Account
    scores: tuple[Score, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Page:
    """A page of a list; `after` is the cursor of the next page, None at the end. `total` counts all pages."""

    run: RunInfo
    rows: tuple[ListedAccount, ...]
    total: int
    after: str | None


@dataclass(frozen=True)
class Clv:
    """Lifetime value of one relation over a horizon; `base + expansion - contraction + referral` is `clv`.

    Quantiles are None where the value was not simulated, components in runs of an older revml.
    """

    relation: str
    horizon_months: int
    clv: float
    clv_p10: float | None
    clv_p50: float | None
    clv_p90: float | None
    base: float | None
    expansion: float | None
    contraction: float | None
    referral: float | None
    expected_revenue: float | None
    p_alive: float | None
    extrapolated_share: float | None
    warning: str


@dataclass(frozen=True)
class Value:
    """What an account is worth over a horizon, all relations together.

    `with_children` adds all accounts below. `ltv_cac` and `payback_months` are None where the acquisition cost is not
    known. `referral_value` is an allocation of what others are worth, never part of `clv`.
    """

    horizon_months: int
    clv: float
    clv_p10: float | None = None
    clv_p50: float | None = None
    clv_p90: float | None = None
    with_children: float | None = None
    acquisition_cost: float | None = None
    ltv_cac: float | None = None
    payback_months: float | None = None
    referral_value: float | None = None


@dataclass(frozen=True)
class FamilyOrders:
    """A product family's part of an account's expected orders and revenue of twelve months."""

    family: str
    orders: float
    revenue: float


@dataclass(frozen=True)
class ComingOrders:
    """What is ahead of an account that orders.

    `next_order` is the instant by which an order is as likely as not, None where none ever is. The figures are None
    where the forecast does not reach so far; orders and revenue of the families add up to those of the account.
    """

    next_order: datetime | None
    p_order_3m: float | None
    p_order_12m: float | None
    orders_12m: float | None
    revenue_12m: float | None
    families: tuple[FamilyOrders, ...] = ()


@dataclass(frozen=True)
class Driver:
    """How much CLV a concept adds or costs; `peer` is what a similar account is worth, the rest is the difference."""

    concept: str
    money: float


@dataclass(frozen=True)
class Flows:
    """Expected monthly flows of one relation, from month 1; quantiles of revenue are None where not simulated."""

    relation: str
    survival: tuple[float | None, ...]
    expected_revenue: tuple[float | None, ...]
    discounted_margin: tuple[float | None, ...]
    revenue_p10: tuple[float | None, ...] | None
    revenue_p50: tuple[float | None, ...] | None
    revenue_p90: tuple[float | None, ...] | None


@dataclass(frozen=True)
class Report:
    """A whole document of a run, such as the company's forecast."""

    run: RunInfo
    name: str
    body: dict[str, Any]


@dataclass(frozen=True)
class PastScore:
    """A probability of an earlier run, or of this one."""

    question: str
    item: str
    run_id: int
    as_of: datetime
    probability: float
    band: str
    model_version: str


@dataclass(frozen=True)
class AccountDetail:
    """All that a run says about one account.

    `clv` is at the run's main horizon, one row a relation, so that it can be summed; `clv_shorter` are the same at the
    shorter horizons. `values` has one row a horizon, the main one last.
    """

    run: RunInfo
    account: Account
    scores: tuple[Score, ...]
    reasons: tuple[Reason, ...]
    clv: tuple[Clv, ...]
    flows: tuple[Flows, ...]
    history: tuple[PastScore, ...]
    clv_shorter: tuple[Clv, ...] = ()
    values: tuple[Value, ...] = ()
    drivers: tuple[Driver, ...] = ()
    coming: ComingOrders | None = None


@dataclass(frozen=True)
class BandTotal:
    """The accounts of one band."""

    accounts: int
    money: float
    expected_money: float


@dataclass(frozen=True)
class QuestionTotal:
    """Sums over all accounts scored for a question.

    `money` is the yearly money of the relations; `money_at_risk` the part of it in the high band; `expected_money` the
    probability-weighted loss (churn, contraction, lapse) or gain (the others) a year. `unknown_money` of the accounts
    have no known money and add nothing to the sums.
    """

    question: str
    accounts: int
    unknown_money: int
    money: float
    money_at_risk: float
    expected_money: float
    previous_expected_money: float | None
    bands: dict[str, BandTotal]


@dataclass(frozen=True)
class SegmentTotal:
    """Sums over the accounts of a segment that were scored for a question; `value` is None where it is not known.

    `high` counts those in the high band; the other figures are as in `QuestionTotal`.
    """

    value: str | None
    accounts: int
    high: int
    unknown_money: int
    money: float
    money_at_risk: float
    expected_money: float
    mean_probability: float


@dataclass(frozen=True)
class Totals:
    """The head of the page: one line a question, and the CLV of all accounts (None where none was forecast).

    `clv` is over the longest horizon of the run.
    """

    run: RunInfo
    accounts: int
    clv: float | None
    questions: tuple[QuestionTotal, ...]


@dataclass(frozen=True)
class Facets:
    """What a list can be filtered by: value and number of accounts, most frequent first."""

    band: tuple[tuple[str, int], ...]
    owner: tuple[tuple[str, int], ...]
    industry: tuple[tuple[str, int], ...]
    country: tuple[tuple[str, int], ...]
    item: tuple[tuple[str, int], ...]
    attention: tuple[tuple[str, int], ...]
