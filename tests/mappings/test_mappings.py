# ruff: noqa: DTZ001 - naive means UTC in revml
"""Each ready mapping gives the rows that one would write by hand from its sample, and features build from them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revml.contract.report import CheckReport
from revml.features.engine import build_features
from revml.sources.facts import Facts
from tests.mappings.make_samples import FOLDER, write_samples
from tests.mappings.workspaces import staged

STRANGER = {"account_id names nothing in accounts": 1}
# The shapes together, and what was planted to go aside.
TOGETHER: dict[tuple[str, ...], dict[str, dict[str, int]]] = {
    ("stripe",): {"subscriptions": STRANGER, "invoices": STRANGER},
    ("stripe_items",): {},
    ("billing_lines",): {},
    ("order_lines",): {"orders": {"account_id is missing": 1}},
    ("hubspot", "stripe", "segment"): {"subscriptions": STRANGER, "invoices": STRANGER},
    ("stripe", "posthog"): {"subscriptions": STRANGER, "invoices": STRANGER},
    ("salesforce", "billing_lines"): {},
}


class Checked:
    """The report of a check and its accepted rows."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self.report: CheckReport = staged(folder, *names)
        self.facts = Facts.open(folder / ".revml" / "staged")

    def rows(self, table: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Accepted rows; columns that end with _at as days."""
        told = ", ".join(f"CAST({c} AS DATE)::VARCHAR" if c.endswith("_at") else c for c in columns.split(", "))
        return self.facts.con.execute(f"SELECT {told} FROM {table} WHERE {where} ORDER BY ALL").fetchall()


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Checked]:
    """Every combination, checked once."""
    return {names: Checked(tmp_path_factory.mktemp("-".join(names)), names) for names in TOGETHER}


Everything = dict[tuple[str, ...], Checked]


def test_the_samples_are_what_the_script_writes(tmp_path: Path) -> None:
    """A sample is changed in the script, so that its oddities stay told."""
    write_samples(tmp_path)
    made = {str(f.relative_to(tmp_path)): f for f in tmp_path.rglob("*") if f.is_file()}
    kept = {str(f.relative_to(FOLDER)): f for f in FOLDER.rglob("*") if f.is_file()}
    assert made.keys() == kept.keys()
    for name in made:
        if name.endswith(".csv"):
            assert made[name].read_bytes() == kept[name].read_bytes(), name
        else:
            pd.testing.assert_frame_equal(pd.read_parquet(made[name]), pd.read_parquet(kept[name]))


@pytest.mark.parametrize("names", TOGETHER, ids="-".join)
def test_only_what_was_planted_goes_aside(checked: Everything, names: tuple[str, ...]) -> None:
    """Every table accepts rows, and the quarantine holds the planted faults and nothing else."""
    tables = checked[names].report.tables
    assert {t.table: t.quarantined for t in tables if t.quarantined} == TOGETHER[names]
    assert all(t.accepted for t in tables)
    assert [s for t in tables for s in t.suspects if s.used] == []


@pytest.mark.parametrize("names", TOGETHER, ids="-".join)
def test_features_build_from_it(checked: Everything, names: tuple[str, ...]) -> None:
    """At two instants, for every account; money and behaviour are there where their tables are."""
    facts = checked[names].facts
    accounts = [row[0] for row in facts.con.execute("SELECT account_id FROM accounts").fetchall()]
    pairs = [(a, at) for at in (datetime(2024, 7, 1), datetime(2025, 6, 1)) for a in accounts]
    made = build_features(facts, pd.DataFrame(pairs, columns=["account_id", "as_of"])).to_pandas()
    assert len(made) == len(pairs)
    wanted = {
        "subscriptions": "mrr", "orders": "orders_364d", "usage": "active_users_28d", "tickets": "tickets_364d",
        "opportunities": "deals_begun_364d", "touches": "touches_364d",
    }  # fmt: skip
    for table, feature in wanted.items():
        if checked[names].rows(table, "count(*)") != [(0,)]:
            assert made[feature].sum() > 0, feature


_TERMS = "quantity, mrr, started_at, ended_at, renews_at, billing_months, auto_renew"


@pytest.mark.parametrize(
    ("item", "terms"),
    [
        pytest.param("si_01", [(5, 100, "2024-01-15", None, None, 1, True)], id="unchanged months are one row"),
        pytest.param(
            "si_02",
            [(5, 100, "2024-02-01", "2024-05-11", None, 1, True), (8, 160, "2024-05-11", None, None, 1, True)],
            id="seats added in the middle of a month",
        ),
        pytest.param(
            "si_03",
            [
                (10, 180, "2024-03-01", "2024-11-20", "2025-03-01", 12, True),
                (10, 180, "2024-11-20", "2025-03-01", "2025-03-01", 12, False),
            ],
            id="a yearly contract from whose notice on auto_renew is false",
        ),
        pytest.param("si_04", [(2, 40, "2024-04-15", None, None, 1, True)], id="a trial is not yet paid"),
        pytest.param("si_05", [], id="a trial that came to nothing"),
        pytest.param(
            "si_06", [(4, 80, "2024-06-10", "2024-09-01", None, 1, True)], id="ended before its unpaid period"
        ),
        pytest.param(
            "si_07",
            [(6, 108, "2024-07-15", None, "2025-07-15", 12, True), (6, 120, "2024-04-05", "2024-07-15", None, 1, True)],
            id="from monthly to yearly",
        ),
        pytest.param("si_09a", [(1, 50, "2024-05-01", "2024-10-12", None, 1, True)], id="an add-on taken out"),
        pytest.param("si_10", [(7, 140, "2024-01-08", "2024-05-08", None, 1, True)], id="a customer deleted since"),
        pytest.param(
            "si_11",
            [
                (4, 72, "2024-11-03", "2025-02-03", "2025-02-03", 3, True),
                (4, 72, "2025-02-03", "2025-05-03", "2025-05-03", 3, True),
                (4, 72, "2025-05-03", None, "2025-08-03", 3, True),
            ],
            id="quarters know the renewal that was next then; void and draft invoices are no periods",
        ),
        pytest.param("si_01c", [], id="a metered price is no constant term"),
    ],
)
def test_stripe_invoice_lines_tell_the_terms_as_they_were(
    checked: Everything, item: str, terms: list[tuple[Any, ...]]
) -> None:
    """MRR by month from price and seats, ends where paid time ran out or was taken back."""
    assert checked[("stripe",)].rows("subscriptions", _TERMS, f"subscription_id = '{item}'") == terms


@pytest.mark.parametrize(
    ("day", "mrr"),
    [("2024-05-10", 100), ("2024-05-12", 160), ("2025-06-01", 160)],
)
def test_stripe_mrr_by_month_of_an_upgrade(checked: Everything, day: str, mrr: float) -> None:
    """The money of a customer on a day is that of the terms that ran then."""
    runs = f"account_id = 'cus_002' AND started_at <= '{day}' AND (ended_at IS NULL OR ended_at > '{day}')"
    assert checked[("stripe",)].rows("subscriptions", "sum(mrr)", runs) == [(mrr,)]


@pytest.mark.parametrize(
    ("item", "terms"),
    [
        pytest.param("si_02", [(8, 160, "2024-02-01", None, None, 1, True)], id="the seats of today from the start"),
        pytest.param(
            "si_03",
            [
                (10, 180, "2024-03-01", "2024-11-20", None, 12, True),
                (10, 180, "2024-11-20", "2025-03-01", None, 12, False),
            ],
            id="the notice has its own time",
        ),
        pytest.param("si_05", [], id="a trial that came to nothing"),
        pytest.param("si_09a", [], id="what was taken out is gone"),
        pytest.param(
            "si_12",
            [
                (6, 108, "2024-04-13", "2025-04-13", None, 12, True),
                (6, 108, "2025-04-13", None, "2026-04-13", 12, True),
            ],
            id="the renewal is that of the current period alone",
        ),
    ],
)
def test_stripe_items_tell_today_and_no_more(checked: Everything, item: str, terms: list[tuple[Any, ...]]) -> None:
    """Without invoice lines the past looks like today, save starts, ends and notices."""
    assert checked[("stripe_items",)].rows("subscriptions", _TERMS, f"subscription_id = '{item}'") == terms


def test_stripe_who_comes_back_has_a_gap(checked: Everything) -> None:
    """Two subscriptions of one customer; between them there is nothing, and notice was given weeks before the end."""
    assert checked[("stripe",)].rows(
        "subscriptions", "subscription_id, started_at, ended_at, auto_renew", "account_id = 'cus_008'"
    ) == [
        ("si_08", "2024-02-20", "2024-06-01", True),
        ("si_08", "2024-06-01", "2024-06-20", False),
        ("si_08b", "2024-09-01", None, True),
    ]


def test_stripe_a_notice_is_known_when_it_was_given(checked: Everything) -> None:
    """The row without auto_renew cannot be seen before the cancellation was asked for."""
    assert checked[("stripe",)].rows("subscriptions", "known_at", "subscription_id = 'si_03' AND NOT auto_renew") == [
        ("2024-11-20",)
    ]


def test_stripe_invoices_are_in_whole_currency_and_say_when_they_were_paid(checked: Everything) -> None:
    """Cents become dollars; the open invoice of the customer who did not pay stays open."""
    rows = checked[("stripe",)].rows("invoices", "amount, issued_at, paid_at", "account_id = 'cus_006'")
    assert rows == [
        (80.0, "2024-06-10", "2024-06-10"),
        (80.0, "2024-07-10", "2024-07-10"),
        (80.0, "2024-08-10", None),
    ]


@pytest.mark.parametrize(
    ("item", "terms"),
    [
        pytest.param(
            "rec-1/team",
            [(5, 100, "2024-02-01", "2024-04-01", None, 1, None), (8, 160, "2024-04-01", None, None, 1, None)],
            id="Recurly: the line's own period",
        ),
        pytest.param(
            "str-2/team",
            [(10, 90, "2024-03-10", "2025-03-10", "2025-03-10", 12, None)],
            id="Stripe: one year, not renewed, its line repeated by a second payment",
        ),
        pytest.param(
            "str-3/team",
            [(2, 100, "2024-05-05", None, None, 1, None)],
            id="Stripe: today's period in every line counts for the last one alone; a proration is no period",
        ),
        pytest.param(
            "zuo-4/team",
            [(4, 100, "2024-01-20", "2024-08-20", None, 1, None), (4, 100, "2024-11-20", None, None, 1, None)],
            id="Zuora: a year's term billed monthly, with a pause; tax is no money",
        ),
        pytest.param(
            "rec-5/team", [(3, 90, "2024-06-03", "2024-07-03", None, 1, None)], id="the void invoice is nothing"
        ),
    ],
)
def test_billing_lines_tell_periods_of_constant_terms(
    checked: Everything, item: str, terms: list[tuple[Any, ...]]
) -> None:
    """Whatever the biller writes into the period's columns."""
    assert checked[("billing_lines",)].rows("subscriptions", _TERMS, f"subscription_id = '{item}'") == terms


def test_billing_lines_without_a_subscription_are_orders(checked: Everything) -> None:
    """The web shop's lines, under the customers who also have contracts."""
    rows = checked[("billing_lines",)].rows(
        "orders", "order_id, product, quantity, amount, ordered_at", "account_id = 'b-08'"
    )
    assert rows == [("h-o8-0", "cable", 1.0, 35.0, "2024-09-09"), ("h-o8-1", "cable", 1.0, 36.0, "2024-10-19")]


CRM = ("hubspot", "stripe", "segment")
SALES = ("salesforce", "billing_lines")
_STAYS = "opportunity_id, stage, entered_at, left_at, amount"


@pytest.mark.parametrize(
    ("names", "account", "deal", "won"),
    [
        pytest.param(CRM, "900{}", "50{}", "Contract signed (won)", id="hubspot"),
        pytest.param(SALES, "00100000000000{}", "00650{}", "Closed Won", id="salesforce"),
    ],
)
def test_deals_stay_in_stages_with_the_amount_of_then(
    checked: Everything, names: tuple[str, ...], account: str, deal: str, won: str
) -> None:
    """A deal that comes back to a stage stays there a second time; the amount is that of the day it entered."""
    rows = [checked[names].rows("opportunities", _STAYS, f"account_id = '{account.format(n)}'") for n in (1, 2)]
    assert sorted(rows[0], key=lambda row: str(row[2])) == [
        (deal.format(1), "Proposal", "2024-09-01", "2024-09-11", 12000.0),
        (deal.format(1), "Negotiation", "2024-09-11", "2024-10-02", 12000.0),
        (deal.format(1), won, "2024-10-02", None, 9000.0),
    ]
    assert sorted(rows[1], key=lambda row: str(row[2])) == [
        (deal.format(2), "Proposal", "2024-09-01", "2024-09-06", 4000.0),
        (deal.format(2), "Negotiation", "2024-09-06", "2024-09-13", 4000.0),
        (deal.format(2), "Proposal (2)", "2024-09-13", "2024-10-01", 4000.0),
        (deal.format(2), "Negotiation (2)", "2024-10-01", None, 4000.0),
    ]


def test_hubspot_tickets_have_one_company_and_deleted_ones_are_left_out(checked: Everything) -> None:
    """Sixty tickets, one deleted, one of nobody; the one with two companies counts once."""
    table = checked[CRM].report.table("tickets")
    assert (table.rows_in, table.filtered, table.accepted) == (60, 2, 58)
    assert checked[CRM].rows("tickets", "account_id, opened_at, closed_at, priority", "ticket_id IN ('1', '2')") == [
        ("9001", "2024-03-08", "2024-03-10", "MEDIUM"),
        ("9002", "2024-03-15", None, "HIGH"),
    ]


def test_hubspot_attributes_are_told_as_they_were(checked: Everything) -> None:
    """Employees of the first company when it was created and after; other properties are no attributes."""
    assert checked[CRM].rows("account_history", "attribute, changed_at, value", "account_id = '9001'") == [
        ("employees", "2023-11-02", "5"),
        ("employees", "2024-02-10", "8"),
        ("employees", "2024-08-28", "10"),
    ]


def test_hubspot_touches_that_were_written_down_later_are_known_later(checked: Everything) -> None:
    """Every tenth one was entered three days after; a meeting that is only planned is no touch."""
    rows = checked[CRM].rows("touches", "occurred_at, known_at, channel", "known_at > occurred_at + INTERVAL 1 DAY")
    assert len(rows) == 8
    assert rows[0] == ("2024-04-01", "2024-04-04", "call")
    assert checked[CRM].rows("touches", "count(*)", "occurred_at > '2025-06-25'") == [(0,)]


def test_salesforce_to_dos_deleted_tasks_and_coming_events_are_no_touches(checked: Everything) -> None:
    """Sixty tasks, of which 20 are to-dos; of 15 meetings 14 took place."""
    rows = checked[SALES].rows("touches", "channel, count(*)", "true GROUP BY channel")
    assert rows == [("call", 19), ("email", 18), ("meeting", 14)]


def test_stripe_and_segment_stand_under_hubspots_companies(checked: Everything) -> None:
    """account_ids turns cus_002 and acct-02 into company 9002."""
    assert checked[CRM].rows("subscriptions", "mrr, started_at", "account_id = '9002'") == [
        (100.0, "2024-02-01"),
        (160.0, "2024-05-11"),
    ]
    assert checked[CRM].rows("users", "user_id", "account_id = '9002'") == [("u2-1",), ("u2-2",)]


def test_segment_events_belong_to_the_group_of_their_time(checked: Everything) -> None:
    """User u2-1 moved from the second to the ninth account in May; an event may bear a group of its own."""
    rows = checked[CRM].rows("usage", "account_id, occurred_at", "user_id = 'u2-1' AND occurred_at < '2024-06-01'")
    assert rows == [("9002", "2024-02-19"), ("9009", "2024-05-02"), ("9009", "2024-05-09")]
    assert checked[CRM].rows("usage", "account_id", "user_id = 'u1-1' AND occurred_at::DATE = '2024-07-01'") == [
        ("9008",)
    ]


def test_segment_deliveries_count_once_and_late_ones_are_known_late(checked: Everything) -> None:
    """A message that came twice is one event; one that came four days later was not known before."""
    table = checked[CRM].report.table("usage")
    assert (table.rows_in, table.filtered) == (189, 2)
    known = checked[CRM].rows("usage", "known_at", "account_id = '9001' AND occurred_at::DATE = '2024-02-10'")
    assert known == [("2024-02-10",), ("2024-02-14",)]


def test_posthog_events_are_use_by_group_save_its_own(checked: Everything) -> None:
    """Autocapture is left out, a page view stays; what came twice is one; an event without a group is nobody's."""
    both = checked[("stripe", "posthog")]
    rows = both.rows("usage", "event, known_at", "account_id = 'cus_001' AND occurred_at::DATE = '2024-04-01'")
    assert rows == [("$pageview", "2024-04-01"), ("Export Made", "2024-04-01"), ("Export Made", "2024-04-05")]
    table = both.report.table("usage")
    assert (table.rows_in, table.filtered, table.accepted, table.duplicates) == (214, 26, 187, 1)
    assert both.rows("users", "user_id", "account_id = 'cus_001'") == [("p1-1",), ("p1-2",)]


def test_order_lines_returns_are_negative_and_times_are_utc(checked: Everything) -> None:
    """Whatever sign the ERP gives a credit memo; half past three of a summer morning in Prague is half past one."""
    orders = checked[("order_lines",)]
    assert orders.rows("orders", "order_id, quantity, amount, cost", "quantity < 0") == [
        ("CM-01", -2.0, -100.0, -64.8),
        ("CM-02", -1.0, -75.0, -48.6),
    ]
    assert orders.rows("orders", "ordered_at::VARCHAR", "order_id = 'INV-DST'") == [("2024-03-31 01:30:00",)]
    assert orders.rows("accounts", "name, country, created_at", "account_id = 'C0001'") == [
        ("Kunde 01", "DE", "2024-01-08")
    ]
