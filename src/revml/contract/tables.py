"""The tables of the contract as data: columns, types, keys, ranges, references.

Nothing here reads anything. Checks, sample companies, feature declarations and the docs are all driven from `TABLES`.
`known_at` (when the company knew the row) may come with every table and is filled with the time of happening where it
is absent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["id", "text", "time", "integer", "number", "money", "flag"]

SQL_TYPES: dict[ColumnType, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "DOUBLE",
    "flag": "BOOLEAN",
}
MAX_ID_LENGTH = 256


@dataclass(frozen=True)
class Column:
    """A column of a contract table.

    Args:
        name: as the contract spells it.
        type: what a value is; times are UTC instants, money is in the account's currency.
        required: whether the table is unusable without it. A required column may not be empty in any row.
        minimum, maximum: inclusive range of a number.
        references: the table whose key of the same meaning must hold this id.
        without: what revml cannot tell when the column is missing, in words, for the check report.
    """

    name: str
    type: ColumnType
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    references: str | None = None
    without: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the contract; `happened_at` is None only where rows have no time (products)."""

    name: str
    one_row_is: str
    key: tuple[str, ...]
    happened_at: str | None
    columns: tuple[Column, ...]
    without: str = field(default="")

    @property
    def by_name(self) -> dict[str, Column]:
        """Columns by name, `known_at` included."""
        return {c.name: c for c in (*self.columns, Column("known_at", "time"))}


def _id(name: str, *, required: bool = True, references: str | None = None, without: str = "") -> Column:
    return Column(name, "id", required, references=references, without=without)


def _time(name: str, *, required: bool = False, without: str = "") -> Column:
    return Column(name, "time", required, without=without)


def _text(name: str, *, required: bool = False, without: str = "") -> Column:
    return Column(name, "text", required, without=without)


ACCOUNT = _id("account_id", references="accounts")

_TABLES = (
    Table(
        "accounts",
        "a customer company",
        ("account_id",),
        "created_at",
        (
            _id("account_id"),
            _time("created_at", required=True),
            _text("name", without="accounts are shown by their id"),
            _id("parent_account_id", required=False, references="accounts", without="features of parent and siblings"),
            _text("owner", without="lists by account manager"),
            _text("industry", without="peers by industry"),
            _text("country", without="segments by country"),
            _text("region", without="segments by region"),
            Column("employees", "integer", minimum=0, without="peers by size; usage per employee"),
            _text("acquisition_channel", without="CAC by channel"),
            Column("acquisition_cost", "money", minimum=0, without="CAC, LTV/CAC and payback"),
            _id("referred_by", required=False, references="accounts", without="referral value"),
            _text("currency", without="all money is taken to be in the company's currency"),
        ),
    ),
    Table(
        "account_history",
        "a change of an account's attribute",
        ("account_id", "attribute", "changed_at"),
        "changed_at",
        (ACCOUNT, _text("attribute", required=True), _time("changed_at", required=True), _text("value")),
        without="attributes as they were in the past",
    ),
    Table(
        "users",
        "a person at the account, pseudonymous",
        ("user_id",),
        "created_at",
        (
            _id("user_id"),
            _time("created_at", required=True),
            ACCOUNT,
            _text("role", without="champion and administrator features"),
            _time("deactivated_at", without="users who left, a champion among them"),
        ),
        without="seats in use, champions who left",
    ),
    Table(
        "products",
        "something sold",
        ("product",),
        None,
        (
            _id("product"),
            _text("family", without="category breadth and family lapse"),
            Column("tier", "integer", minimum=0, without="moves between tiers"),
            Column("price", "money", minimum=0),
            Column("margin_rate", "number", minimum=-1, maximum=1, without="margin by product; one rate is used"),
            Column("life_months", "integer", minimum=1, without="asset life left"),
            _text("complements"),
        ),
        without="families, tiers and margins by product",
    ),
    Table(
        "subscriptions",
        "a period of constant terms of a contract line",
        ("subscription_id", "started_at"),
        "started_at",
        (
            _id("subscription_id"),
            _time("started_at", required=True),
            ACCOUNT,
            _id("product", references="products"),
            _text("plan"),
            Column("quantity", "number", required=True, minimum=0),
            Column("mrr", "money", required=True, minimum=0),
            _time("ended_at", without="churn cannot be told: every subscription looks alive"),
            _time("renews_at", without="time to renewal, the strongest calendar of churn"),
            Column("notice_days", "integer", minimum=0),
            Column("billing_months", "integer", minimum=1),
            Column("auto_renew", "flag"),
            _text("end_reason"),
        ),
        without="churn, contraction, upsell and contract CLV",
    ),
    Table(
        "orders",
        "a line of an order; a return has negative quantity and amount",
        ("order_id", "line"),
        "ordered_at",
        (
            _id("order_id"),
            Column("line", "integer", required=True),
            _time("ordered_at", required=True),
            ACCOUNT,
            _id("product", references="products"),
            Column("quantity", "number", required=True),
            Column("amount", "money", required=True),
            Column("cost", "money", without="margin by order; one rate is used"),
        ),
        without="lapse, growth and order CLV",
    ),
    Table(
        "assets",
        "a machine or other durable at the account",
        ("asset_id",),
        "installed_at",
        (
            _id("asset_id"),
            _time("installed_at", required=True),
            ACCOUNT,
            _id("product", references="products"),
            _time("retired_at"),
            _id("replaced_by", required=False, references="assets"),
        ),
        without="age of the installed base, attach and replacement",
    ),
    Table(
        "invoices",
        "an invoice",
        ("invoice_id",),
        "issued_at",
        (
            _id("invoice_id"),
            _time("issued_at", required=True),
            ACCOUNT,
            Column("amount", "money", required=True),
            _time("due_at", without="days overdue"),
            _time("paid_at", without="payment behaviour"),
        ),
        without="payment behaviour",
    ),
    Table(
        "usage",
        "a use of the product, or a count of uses",
        (),
        "occurred_at",
        (
            ACCOUNT,
            _time("occurred_at", required=True),
            _text("event", required=True),
            _id("user_id", required=False, references="users", without="active users"),
            Column("quantity", "number", minimum=0, without="each row counts as one use"),
        ),
        without="adoption and its decline",
    ),
    Table(
        "tickets",
        "a support case",
        ("ticket_id",),
        "opened_at",
        (
            _id("ticket_id"),
            _time("opened_at", required=True),
            ACCOUNT,
            _time("closed_at", without="time to resolution, open cases"),
            _text("priority", without="severe cases"),
            _text("category"),
            Column("satisfaction", "number", minimum=1, maximum=5, without="satisfaction with support"),
        ),
        without="support pain",
    ),
    Table(
        "feedback",
        "an answer to a survey",
        (),
        "given_at",
        (
            ACCOUNT,
            _time("given_at", required=True),
            _text("kind", required=True),
            Column("score", "number", required=True),
            _id("user_id", required=False, references="users"),
            _text("comment"),
        ),
        without="what customers say",
    ),
    Table(
        "touches",
        "a contact by sales, marketing or customer success",
        (),
        "occurred_at",
        (
            ACCOUNT,
            _time("occurred_at", required=True),
            _text("channel", required=True),
            _text("kind"),
            _text("direction"),
            _text("owner"),
        ),
        without="contact by sales and customer success",
    ),
    Table(
        "opportunities",
        "a deal's stay in a stage",
        ("opportunity_id", "stage"),
        "entered_at",
        (
            _id("opportunity_id"),
            _text("stage", required=True),
            _time("entered_at", required=True),
            ACCOUNT,
            _id("product", required=False, references="products"),
            _time("left_at"),
            Column("amount", "money", minimum=0),
            _text("owner"),
        ),
        without="deals in progress",
    ),
    Table(
        "actions",
        "a play or campaign aimed at an account, and what came of it",
        ("action_id",),
        "assigned_at",
        (
            _id("action_id"),
            _time("assigned_at", required=True),
            ACCOUNT,
            _text("play", required=True),
            Column("holdout", "flag"),
            _time("done_at"),
            _text("outcome"),
        ),
        without="what was done about accounts, and hold-outs",
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
REQUIRED = ("accounts",)
ONE_OF = ("subscriptions", "orders")

# Columns that exist in a row but tell something that happened after it: visible only once their own time has come.
# {table: {column: the column that says when it became true}}; a time column tells its own time.
LATER_COLUMNS: dict[str, dict[str, str]] = {
    "users": {"deactivated_at": "deactivated_at"},
    "subscriptions": {"ended_at": "ended_at", "end_reason": "ended_at"},
    "assets": {"retired_at": "retired_at", "replaced_by": "retired_at"},
    "invoices": {"paid_at": "paid_at"},
    "tickets": {"closed_at": "closed_at", "satisfaction": "closed_at"},
    "opportunities": {"left_at": "left_at"},
    "actions": {"done_at": "done_at", "outcome": "done_at"},
}
