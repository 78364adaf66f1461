"""Who is active, and the months at risk, as they were known."""

from pathlib import Path

import pytest

from revml.clv.contracts import subscriptions
from revml.clv.contracts.subscriptions import account_months, active_contracts
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, line
from tests.literal_facts import stage


def made(folder: Path, *rows: dict[str, object], **tables: object) -> Facts:
    """Facts of a few subscription rows."""
    return stage(folder, accounts=accounts_of(list(rows)), subscriptions=list(rows), **tables)


def test_an_end_after_as_of_is_not_known_yet(tmp_path: Path) -> None:
    """A row that ends next month is active now, and so is one that never ends; one that ended is not."""
    rows = (
        line("a", 10, "2025-01-01", "2026-02-01"),
        line("b", 20, "2025-01-01"),
        line("c", 30, "2025-01-01", "2026-01-01"),
    )
    facts = made(tmp_path, *rows)
    active = active_contracts(facts, AS_OF, margin=0.7)
    assert active[["account_id", "mrr"]].values.tolist() == [["a", 10.0], ["b", 20.0]]


def test_what_was_not_known_is_not_there(tmp_path: Path) -> None:
    """A row known later, or starting later, does not count."""
    late = line("a", 10, "2025-01-01", known_at="2026-01-02")
    assert active_contracts(made(tmp_path, late, line("b", 5, "2026-01-02")), AS_OF, margin=0.7).empty


def test_margin_is_that_of_the_products_weighted_by_mrr(tmp_path: Path) -> None:
    """MRR 100 at 0.9 and 300 at the company's 0.5 make 0.6."""
    rows = line("a", 100, "2025-01-01", product="x"), line("a", 300, "2025-02-01", product="y", subscription_id="t")
    facts = made(tmp_path, *rows, products=[{"product": "x", "margin_rate": 0.9}, {"product": "y"}])
    assert active_contracts(facts, AS_OF, margin=0.5)["margin"].tolist() == pytest.approx([0.6])


def test_a_change_of_terms_is_no_loss(tmp_path: Path) -> None:
    """Rows that follow one another within the grace period are one life; tenure counts from its start."""
    rows = line("a", 10, "2025-01-01", "2025-06-01"), line("a", 12, "2025-06-20")
    facts = made(tmp_path, *rows)
    months = account_months(facts, AS_OF)
    assert not months["lost"].any()
    assert active_contracts(facts, AS_OF, margin=0.7)["tenure_days"].tolist() == [365.0]


def test_coming_back_after_the_grace_period_is_a_loss_and_a_new_life(tmp_path: Path) -> None:
    """A gap of 60 days: one loss, and tenure starts again."""
    rows = (
        line("x", 1, "2024-01-01", "2024-02-01"),
        line("a", 10, "2024-01-01", "2025-06-01"),
        line("a", 12, "2025-07-31", subscription_id="t"),
    )
    facts = made(tmp_path, *rows)
    months = account_months(facts, AS_OF)
    assert months.loc[months["account_id"] == "a", "lost"].sum() == 1
    assert active_contracts(facts, AS_OF, margin=0.7)["tenure_days"].tolist() == [154.0]


def test_an_end_within_the_grace_period_is_not_a_loss_yet(tmp_path: Path) -> None:
    """An account that ended ten days ago may still come back: its months are censored before that."""
    rows = line("x", 1, "2024-01-01", "2024-02-01"), line("a", 10, "2024-01-01", "2025-12-22")
    assert not account_months(made(tmp_path, *rows), AS_OF)["lost"].any()


def test_months_before_the_first_recorded_end_are_left_out(tmp_path: Path) -> None:
    """A table that begins with survivors has no month at risk before its first recorded end."""
    rows = (
        line("old", 10, "2010-01-01"),
        line("x", 1, "2025-01-01", "2025-07-01"),
        line("y", 1, "2025-01-01", "2025-10-01"),
    )
    months = account_months(made(tmp_path, *rows), AS_OF)
    assert months["back"].max() == 5
    assert months.loc[months["lost"], "account_id"].tolist() == ["y"]


def test_every_loss_after_the_start_is_counted_once(tmp_path: Path) -> None:
    """Each account of a row of staggered ends is lost exactly once."""
    rows = [line(f"a{i}", 1, "2024-01-01", f"2025-{i + 1:02}-05") for i in range(10)]
    months = account_months(made(tmp_path, *rows), AS_OF)
    assert months.loc[months["lost"], "account_id"].tolist() == [f"a{i}" for i in range(1, 10)]


def test_days_to_renewal_are_those_of_the_largest_line(tmp_path: Path) -> None:
    """The calendar of an account is that of the line with most MRR; its term is taken to the nearest usual one."""
    rows = (
        line("a", 10, "2025-03-01", renews_at="2025-09-01"),
        line("a", 90, "2025-02-01", renews_at="2026-02-01", subscription_id="big"),
    )
    active = active_contracts(made(tmp_path, *rows), AS_OF, margin=0.7)
    assert active[["days_to_renewal", "term_days"]].values.tolist() == [[31.0, 365.25]]


def test_of_too_many_months_those_of_some_accounts_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """About as many as are enough, each account with all its months or with none, and the same ones every time."""
    rows = [line(f"a{n}", 10, "2024-01-01", subscription_id=f"s{n}") for n in range(60)]
    facts = made(tmp_path, *rows)
    every = account_months(facts, AS_OF)
    monkeypatch.setattr(subscriptions, "MOST_MONTHS", len(every) // 3)
    some = account_months(facts, AS_OF)
    assert 0.15 * len(every) < len(some) < 0.6 * len(every)
    kept = every[every["account_id"].isin(some["account_id"])].reset_index(drop=True)
    assert some.equals(kept)
    assert some.equals(account_months(facts, AS_OF))
