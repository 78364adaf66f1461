"""MRR movements: they add up, and each has its kind."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revml.clv.kpis.movements import KINDS, month_bounds, mrr_movements
from tests.clv.companies import AS_OF, accounts_of, line
from tests.literal_facts import stage

START = datetime(2025, 1, 1)  # noqa: DTZ001
lines = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.floats(0, 5_000),
        st.integers(0, 365),
        st.one_of(st.none(), st.integers(0, 400)),
    ),
    min_size=1,
    max_size=8,
)


@given(lines)
@settings(max_examples=25, deadline=None)
def test_movements_add_up_exactly(drawn: list[tuple[str, float, int, int | None]]) -> None:
    """Over any subscriptions: start plus movements is the end, to the cent, and each end is the next start."""
    rows = [
        line(
            account,
            mrr,
            (START + timedelta(days=begin)).isoformat(),
            None if life is None else (START + timedelta(days=begin + life)).isoformat(),
            subscription_id=f"s{i}",
        )
        for i, (account, mrr, begin, life) in enumerate(drawn)
    ]
    with TemporaryDirectory() as folder:
        made = mrr_movements(stage(Path(folder), accounts=accounts_of(rows), subscriptions=rows), AS_OF, 12)
    assert (made["start"] + made[list(KINDS)].sum(axis=1) == made["end"]).all()
    assert (made["end"].to_numpy()[:-1] == made["start"].to_numpy()[1:]).all()
    active = {
        account: round(
            100
            * sum(
                mrr
                for who, mrr, begin, life in drawn
                if who == account
                and START + timedelta(days=begin) <= AS_OF
                and (life is None or START + timedelta(days=begin + life) > AS_OF)
            )
        )
        for account in {row[0] for row in drawn}
    }
    assert made["end"].iloc[-1] == pytest.approx(sum(active.values()), abs=len(active))


def test_every_kind_of_movement(tmp_path: Path) -> None:
    """A new account, one that grows, one that loses one of two lines, one that leaves, one that comes back."""
    rows = [
        line("new", 10, "2025-12-05"),
        line("up", 20, "2025-01-01", "2025-12-10"),
        line("up", 25, "2025-12-10"),
        line("down", 30, "2025-01-01", "2025-12-12", subscription_id="one"),
        line("down", 40, "2025-01-01", subscription_id="two"),
        line("gone", 50, "2025-01-01", "2025-12-20"),
        line("back", 60, "2025-01-01", "2025-06-01"),
        line("back", 65, "2025-12-24"),
    ]
    facts = stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows)
    month = mrr_movements(facts, AS_OF, 1).iloc[0]
    assert [int(month[kind]) for kind in KINDS] == [1000, 500, -3000, -5000, 6500]
    assert (month["customers"], month["lost"]) == (3, 1)


def test_free_accounts_are_no_customers(tmp_path: Path) -> None:
    """An account that turns from free to paying is new that month."""
    rows = [line("a", 0, "2025-01-01", "2025-12-10"), line("a", 9, "2025-12-10")]
    month = mrr_movements(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows), AS_OF, 1).iloc[0]
    assert (month["new"], month["reactivation"], month["customers"]) == (900, 0, 0)


def test_months_are_calendar_months_and_the_last_ends_now() -> None:
    """On the first of a month the last month is whole."""
    assert month_bounds(AS_OF, 1) == [datetime(2025, 12, 1), AS_OF]  # noqa: DTZ001
    assert len(month_bounds(datetime(2026, 1, 20), 24)) == 25  # noqa: DTZ001
