"""The tables of the scores database, as SQLAlchemy Core tables.

Everything of a run carries its `run_id`, so that a run is written, deleted and read as a whole; the one row of
`current` names the run that readers see. Probabilities are shares of one, money is in the run's currency, times are
naive UTC. The migrations in `store/migrations` make exactly these tables; a test holds the two against each other.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "fk": "fk_%(table_name)s_%(referred_table_name)s"}
)

ID = String(256)
NAME = String(64)


def _run_id() -> Column[int]:
    return Column("run_id", ForeignKey("runs.id"), primary_key=True, autoincrement=False)


def _account() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"])


runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("as_of", DateTime, nullable=False),
    Column("published_at", DateTime, nullable=False),
    Column("company", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("scores", Integer, nullable=False),
    Column("withdrawn", Boolean, nullable=False, default=False),  # rolled back: no part of history or trend
    Column("discount_rate", Float),  # a year's; NULL where it was not told
    sqlite_autoincrement=True,  # the number of a deleted run is never given again
)

current = Table(
    "current",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
)

models = Table(
    "models",
    metadata,
    _run_id(),
    Column("question", NAME, primary_key=True),
    Column("version", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("rung", NAME, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    Column("base_rate", Float, nullable=False),
    Column("figures", JSON, nullable=False),
    # horizons beyond the history, NULL where there is one horizon
    Column("extrapolated_days", JSON(none_as_null=True)),
)

accounts = Table(
    "accounts",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("name", Text),
    Column("owner", Text),
    Column("industry", Text),
    Column("country", Text),
    Column("region", Text),
    Column("parent_account_id", ID),
    Column("customer_since", DateTime),
    Column("mrr", Float, nullable=False),
    Column("order_revenue_12m", Float, nullable=False),
    Column("clv", Float),  # over all relations at the longest horizon, NULL where none was forecast
    Column("clv_key", Float, nullable=False),  # clv for sorting: unknown comes last
    Column("name_key", Text, nullable=False),  # name without case and accents, for sorting
    Column("search_key", Text, nullable=False),  # name and id without case and accents
    Index(None, "run_id", "clv_key", "account_id"),
    Index(None, "run_id", "name_key", "account_id"),
)

scores = Table(
    "scores",
    metadata,
    _run_id(),
    Column("question", NAME, primary_key=True),
    Column("account_id", ID, primary_key=True),
    Column("item", Text, primary_key=True),  # what the question is about beside the account: a family; else empty
    Column("probability", Float, nullable=False),
    Column("previous_probability", Float),  # in the run before, NULL where the account was not scored then
    Column("change", Float, nullable=False),  # probability - previous_probability, 0 where there is none
    Column("percentile", Float, nullable=False),
    Column("band", NAME, nullable=False),
    Column("money", Float),  # NULL where it is not known
    Column("expected_money", Float, nullable=False),  # for sorting and sums: 0 where the money is not known
    Column("model_version", Text, nullable=False),
    Column("probability_30d", Float),  # NULL, like the next three, where the question has one horizon
    Column("probability_90d", Float),
    Column("probability_180d", Float),
    Column("probability_365d", Float),
    Column("attention", NAME),  # treated, held_out, neither lately; NULL where nothing is known of plays
    _account(),
    Index(None, "run_id", "question", "expected_money", "account_id"),
    Index(None, "run_id", "question", "probability", "account_id"),
    Index(None, "run_id", "question", "change", "account_id"),
    Index(None, "account_id", "run_id", "question"),
)

reasons = Table(
    "reasons",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("question", NAME, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("concept", Text, nullable=False),
    Column("side", NAME, nullable=False),
    Column("contribution", Float, nullable=False),
    Column("feature", Text),
    Column("value", Text),  # JSON of a number, a text or null: features are numbers or categories
    Column("past", Text),
    Column("peers", Text),
    Column("text_en", Text, nullable=False),
    Column("text_cs", Text, nullable=False),
    _account(),
)

# What the lists of `contributions` are of: the concepts of a question in order, and the log-odds of the average row.
concepts = Table(
    "concepts",
    metadata,
    _run_id(),
    Column("question", NAME, primary_key=True),
    Column("base", Float, nullable=False),
    Column("names", JSON, nullable=False),
)

# What each concept adds to the log-odds of a score; with the base they add up to it.
contributions = Table(
    "contributions",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("question", NAME, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("parts", JSON, nullable=False),  # a list, in the order of the question's concepts
    _account(),
)

clv = Table(
    "clv",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("relation", NAME, primary_key=True),
    Column("horizon_months", Integer, primary_key=True, autoincrement=False),
    Column("clv", Float, nullable=False),
    Column("clv_p10", Float),  # NULL, like the next two, where it was not simulated
    Column("clv_p50", Float),
    Column("clv_p90", Float),
    Column("base", Float),  # base + expansion - contraction + referral = clv; NULL in runs of an older revml
    Column("expansion", Float),
    Column("contraction", Float),
    Column("referral", Float),
    Column("expected_revenue", Float),
    Column("p_alive", Float),
    Column("extrapolated_share", Float),
    Column("warning", Text, nullable=False),
    _account(),
)

# `values` is a word of SQL's own, so the table has a longer name.
values = Table(
    "account_values",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("horizon_months", Integer, primary_key=True, autoincrement=False),
    Column("clv", Float, nullable=False),
    Column("clv_p10", Float),
    Column("clv_p50", Float),
    Column("clv_p90", Float),
    Column("with_children", Float),
    Column("acquisition_cost", Float),
    Column("ltv_cac", Float),
    Column("payback_months", Float),
    Column("referral_value", Float),
    _account(),
)

drivers = Table(
    "drivers",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("money", JSON, nullable=False),  # by concept, with what a similar account is worth under "peer"
    _account(),
)

# What is ahead of an account that orders.
coming = Table(
    "coming_orders",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("next_order", DateTime),  # an order by then is as likely as not; NULL where none ever is
    Column("p_order_3m", Float),
    Column("p_order_12m", Float),
    Column("orders_12m", Float),
    Column("revenue_12m", Float),
    Column("families", JSON(none_as_null=True)),  # by product family [orders, revenue] of the twelve months
    _account(),
)

# Whole documents of a run, such as the company's forecast.
reports = Table(
    "reports",
    metadata,
    _run_id(),
    Column("name", NAME, primary_key=True),
    Column("body", JSON, nullable=False),
)

# One row an account and relation, its months as JSON lists from month 1: a run of many accounts and a long horizon
# stays a small table, and a curve is always read whole.
flows = Table(
    "flows",
    metadata,
    _run_id(),
    Column("account_id", ID, primary_key=True),
    Column("relation", NAME, primary_key=True),
    Column("survival", JSON, nullable=False),
    Column("expected_revenue", JSON, nullable=False),
    Column("discounted_margin", JSON, nullable=False),
    Column("revenue_p10", JSON(none_as_null=True)),  # NULL, like the next two, where it was not simulated
    Column("revenue_p50", JSON(none_as_null=True)),
    Column("revenue_p90", JSON(none_as_null=True)),
    _account(),
)

# A key is kept as the SHA-256 of its secret; after a rotation the old secret opens until `old_until`.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # with spaces between
    Column("secret_hash", String(64), nullable=False),
    Column("old_hash", String(64)),
    Column("old_until", DateTime),
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime),
    Column("used_at", DateTime),  # to the hour
    Column("revoked_at", DateTime),
)

# Browsers that were opened with a key: the SHA-256 of what their cookie holds.
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("key_id", ForeignKey("api_keys.id"), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime, nullable=False),
    Index(None, "key_id"),
)

# Who did what; refusals of one kind are counted in one row.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", NAME, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("request_id", NAME),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

OF_A_RUN = (
    reports,
    coming,
    drivers,
    values,
    flows,
    clv,
    contributions,
    concepts,
    reasons,
    scores,
    accounts,
    models,
)
"""Tables that belong to a run, in the order in which they can be emptied."""
