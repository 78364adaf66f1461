"""Who is similar to whom, and what is usual among them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from revml.at_risk import AtRisk
from revml.explanations.peers import MIN_KNOWN, MIN_PEERS, Peers, peer_values


def _frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns)


def _median(frame: pd.DataFrame) -> list[float]:
    return [float(v) for v in peer_values(frame, ["x"], [], [])["x"]]


def test_peers_share_the_industry_where_enough_do() -> None:
    """Twenty retailers are compared with retailers; three clinics with everybody."""
    industry = ["retail"] * 20 + ["health"] * 3
    frame = _frame(industry=industry, x=[1.0] * 20 + [9.0] * 3)
    assert _median(frame) == [1.0] * 23
    frame = _frame(industry=industry[::-1], x=[5.0] * 3 + list(range(20)))
    assert _median(frame)[:3] == [float(np.median(frame["x"]))] * 3
    assert _median(frame)[3:] == [9.5] * 20


def test_industry_and_size_come_before_industry_alone() -> None:
    """Small retailers are compared with small retailers where there are twenty of them."""
    frame = _frame(
        industry=["retail"] * 43, employees=[5.0] * 20 + [5000.0] * 20 + [100.0] * 3, x=[1.0] * 20 + [7.0] * 23
    )
    assert _median(frame) == [1.0] * 20 + [7.0] * 20 + [7.0] * 3


def test_size_stands_in_where_the_industry_is_rare_or_unknown() -> None:
    """Accounts without an industry are compared with accounts of their size."""
    frame = _frame(
        industry=pd.Series([None] * 20 + ["rare"] + [None] * 20, dtype="str"),
        employees=[5.0] * 21 + [5000.0] * 20,
        x=[1.0] * 21 + [7.0] * 20,
    )
    assert _median(frame) == [1.0] * 21 + [7.0] * 20


def test_without_employees_size_is_money() -> None:
    """A quarter of the accounts by yearly money is a size band."""
    money = np.arange(100.0)
    frame = _frame(money=money, x=money)
    assert _median(frame)[0] == 12.0
    assert _median(frame)[-1] == 87.0


def test_missing_values_are_no_peers() -> None:
    """The median is over the accounts whose value is known."""
    frame = _frame(x=[1.0] * 6 + [None] * 20)
    assert _median(frame) == [1.0] * 26


def test_too_few_known_values_are_no_comparison() -> None:
    """Below five known values there is nothing to compare with."""
    frame = _frame(x=[1.0] * (MIN_KNOWN - 1) + [None] * MIN_PEERS)
    assert np.isnan(_median(frame)).all()


def test_flags_give_the_share_of_yes_and_categories_the_share_of_the_same() -> None:
    """Three of four say yes; the same plan is counted among all accounts that have one."""
    frame = _frame(flag=[1, 1, 1, 0] * 5, plan=pd.Series(["a", "a", "b", None] * 5, dtype="str"))
    usual = peer_values(frame, [], ["flag"], ["plan"])
    assert set(usual["flag"]) == {0.75}
    assert usual["plan"].head(3).round(4).tolist() == [0.6667, 0.6667, 0.3333]
    assert np.isnan(usual["plan"].iloc[3])


def test_the_order_of_rows_does_not_matter() -> None:
    """Each account gets the same peers wherever it stands in the frame."""
    rng = np.random.default_rng(0)
    frame = _frame(industry=rng.choice(["a", "b", "c"], 200), employees=rng.integers(1, 2000, 200), x=rng.random(200))
    mixed = frame.sample(frac=1, random_state=1)
    again = peer_values(mixed, ["x"], [], []).set_axis(mixed.index).sort_index()
    pd.testing.assert_frame_equal(again, peer_values(frame, ["x"], [], []))


def test_an_industry_is_compared_with_all_accounts() -> None:
    """Peers share the industry by definition, which would say nothing."""
    frame = _frame(industry=pd.Series(["steel"] * 30 + ["food"] * 70, dtype="str"))
    assert set(peer_values(frame, [], [], ["industry"])["industry"].round(2)) == {0.3, 0.7}


def test_what_was_usual_is_of_the_same_peers_before() -> None:
    """Retailers of today by their values then; who was not there then does not count."""
    industry = ["retail"] * 30 + ["health"] * 30
    accounts = [f"a{i:02}" for i in range(60)]
    now = AtRisk(pd.DataFrame({"account_id": accounts, "industry": industry, "x": np.arange(60.0)}))
    before = pd.DataFrame({"account_id": accounts[10:], "x": [3.0] * 20 + [8.0] * 30})
    peers = Peers(now, ["x"], [], [], past=AtRisk(now.own[["account_id"]], before), moving=["x"])
    assert peers.of_past("x", 0, 60).tolist() == [3.0] * 30 + [8.0] * 30
    assert peers.of("x", 0, 60).tolist() == [14.5] * 30 + [44.5] * 30
    assert np.isnan(Peers(now, ["x"], [], []).of_past("x", 0, 60)).all()
