"""A sample company behaves like a company: rates, forewarning by cause, noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.sources.samples import sample

MONTHS = pd.date_range("2023-10-01", "2026-06-01", freq="MS")


def _mrr_by_month() -> pd.DataFrame:
    rows = sample("saas").table("subscriptions")
    ends = rows["ended_at"].fillna(pd.Timestamp.max)
    columns = {m: rows[(rows["started_at"] <= m) & (ends > m)].groupby("account_id")["mrr"].sum() for m in MONTHS}
    return pd.DataFrame(columns)


def test_rates_are_those_of_a_real_company():
    """About 1 to 2.5 % of the accounts leave a month, 2 to 5 % grow by a tenth, some shrink."""
    mrr = _mrr_by_month()
    now, then = mrr.iloc[:, :-1].to_numpy(), mrr.iloc[:, 1:].to_numpy()
    there = now > 0
    assert 0.01 < (there & ~(then > 0)).sum() / there.sum() < 0.025
    assert 0.02 < (there & (then >= 1.1 * now)).sum() / there.sum() < 0.05
    assert 0.004 < (there & (then > 0) & (then < 0.999 * now)).sum() / there.sum() < 0.02


def test_expansions_by_customers_are_a_few_percent_a_month():
    """Seats, plans and modules grow at 1.5 to 4 % of the accounts a month, price rises apart."""
    events = sample("saas").table("events")
    grown = events["kind"].isin(["expansion", "upgrade", "new module"]).sum()
    account_months = sample("saas").table("account_months")["alive"].sum()
    assert 0.012 < grown / account_months < 0.04


def _usage_before(causes: list[str]) -> float:
    """Use in the last 60 days of those who left for some causes, over use half a year earlier (the same length)."""
    made = sample("saas")
    events = made.table("events")
    gone = events[(events["kind"] == "churn") & events["cause"].isin(causes)][["account_id", "time"]]
    rows = made.table("usage").merge(gone, on="account_id")
    ago = (rows["time"] - rows["occurred_at"]).dt.days
    late = rows.loc[ago.between(0, 59), "quantity"].sum()
    early = rows.loc[ago.between(180, 239), "quantity"].sum()
    return float(late / early)


def test_sliding_out_of_use_shows_months_ahead_and_sudden_ends_do_not():
    """Use falls by a quarter and more before churn by adoption; before causes that nothing foretells it stays level."""
    slid, sudden = _usage_before(["adoption"]), _usage_before(["acquired", "insolvent", "other"])
    assert slid < 0.75
    assert sudden > max(0.75, slid + 0.1)


def test_support_shows_in_tickets_only():
    """Before churn by support there are more tickets than at other accounts, and use does not fall much."""
    made = sample("saas")
    events, tickets, months = made.table("events"), made.table("tickets"), made.table("account_months")
    gone = events[(events["kind"] == "churn") & (events["cause"] == "support")][["account_id", "time"]]
    rows = tickets.merge(gone, on="account_id")
    near = ((rows["time"] - rows["opened_at"]).dt.days.between(0, 59)).sum() / (2 * len(gone))
    usual = len(tickets) / months["alive"].sum()
    assert near > 1.5 * usual
    assert _usage_before(["support"]) > 0.7


def test_many_accounts_look_bad_and_stay():
    """Most accounts deep in a slide are still customers three months later."""
    months = sample("saas").table("account_months").dropna(subset=["p_churn_90d"])
    bad = months[months["depth"] > 0.6]
    assert len(bad) > 100
    assert 0.05 < bad["p_churn_90d"].mean() < 0.5


def test_money_short_is_paid_late():
    """Invoices of accounts whose money is short are paid later than those of others."""
    made = sample("manufacturing")
    months = made.table("account_months")[["account_id", "as_of", "budget"]]
    bills = made.table("invoices").dropna(subset=["paid_at"])
    bills = bills.assign(as_of=bills["issued_at"].dt.to_period("M").dt.to_timestamp()).merge(
        months, on=["account_id", "as_of"]
    )
    late = (bills["paid_at"] - bills["due_at"]).dt.days
    assert late[bills["budget"]].median() > late[~bills["budget"]].median() + 3


def test_accounts_differ_widely():
    """Spend and use are heavy-tailed: the largest tenth of the accounts has most of the order money."""
    spend = sample("manufacturing").table("orders").groupby("account_id")["amount"].sum().sort_values()
    assert spend.tail(len(spend) // 10).sum() > 0.4 * spend.sum()


def test_czech_customers_write_czech():
    """Comments come in Czech from Czech and Slovak accounts mostly, in English from all others."""
    made = sample("saas")
    country = made.table("accounts").set_index("account_id")["country"]
    said = made.table("feedback").dropna(subset=["comment"])
    czech = said["comment"].str.contains("[ěščřžýáíéůúťď]")
    home = said["account_id"].map(country).isin(["CZ", "SK"])
    assert czech[home].mean() > 0.7
    assert not czech[~home].any()


def test_holdouts_are_never_done():
    """A hold-out has no date of being done and no outcome; most other plays have both."""
    actions = sample("saas").table("actions")
    assert actions.loc[actions["holdout"], ["done_at", "outcome"]].isna().all(axis=None)
    assert actions.loc[~actions["holdout"], "done_at"].notna().mean() > 0.7
    assert 0.05 < actions["holdout"].mean() < 0.5


def test_about_as_much_usage_as_asked_for():
    """The number of usage rows is the one asked for, give or take a tenth."""
    assert len(sample("saas").table("usage")) == pytest.approx(120_000, rel=0.1)


def test_usage_counts_are_one_row_a_person_day_and_event():
    """No two rows count the same user, day and event."""
    usage = sample("saas").table("usage")
    key = usage.assign(day=usage["occurred_at"].dt.normalize())[["user_id", "day", "event"]]
    assert not key.duplicated().any()
    assert np.issubdtype(usage["quantity"].dtype, np.floating)
