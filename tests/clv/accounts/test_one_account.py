"""One account: relations summed, children, acquisition cost, referrals; and no money twice."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.clv.accounts.one_account import AccountValues, account_ties, no_money_twice, one_account
from revml.clv.accounts.referrals import referrals, share_referrals
from revml.clv.flows import VALUE_COLUMNS, RelationFlows
from revml.clv.relations import Relation
from revml.errors import ConfigError
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF
from tests.literal_facts import stage

MONTHS = 24


def flows(relation: Relation, monthly: dict[str, float], margin_rate: float = 0.5) -> RelationFlows:
    """The same revenue every month, without discount."""
    n = len(monthly)
    revenue = np.repeat(np.array(list(monthly.values()))[:, None], MONTHS, axis=1)
    nothing = np.zeros((n, MONTHS))
    return RelationFlows(
        relation=relation,
        account_id=np.array(list(monthly), dtype=object),
        survival=np.ones((n, MONTHS)),
        revenue=revenue,
        margin=revenue * margin_rate,
        base=revenue * margin_rate,
        expansion=nothing,
        contraction=nothing,
        referral=nothing,
        margin_rate=np.full(n, margin_rate),
        seen_months=np.full(n, 99.0),
        alive={12: np.ones(n), 24: np.ones(n)},
    )


def accounts(folder: Path, **values: dict[str, Any]) -> Facts:
    """Accounts with the given columns; one order, so that there is a company."""
    rows = [{"account_id": a, "created_at": "2020-01-01", **more} for a, more in values.items()]
    order = {"order_id": "o", "line": 1, "ordered_at": "2020-01-01", "account_id": rows[0]["account_id"]}
    return stage(folder, accounts=rows, orders=[{**order, "product": "p", "quantity": 1, "amount": 1.0}])


def of(made: AccountValues, account: str, horizon: int = 24) -> Any:
    """One row of the values."""
    rows = made.values
    return rows[(rows["account_id"] == account) & (rows["horizon_months"] == horizon)].iloc[0]


CONTRACT = flows(Relation.CONTRACT, {"a": 100.0, "b": 10.0})
DURABLE = flows(Relation.DURABLE, {"a": 20.0, "c": 40.0})


def test_relations_add_up_to_accounts_and_children_to_parents(tmp_path: Path) -> None:
    """Worked on paper: 24 months of half of 120, 10 and 40; the group holds all of them."""
    facts = accounts(
        tmp_path,
        a={"parent_account_id": "group"},
        b={"parent_account_id": "a"},
        c={"parent_account_id": "group"},
        group={},
        stranger={},
    )
    made = one_account([CONTRACT, DURABLE], account_ties(facts, AS_OF), (12, 24))
    assert tuple(made.values.columns) == VALUE_COLUMNS
    assert made.values["account_id"].tolist() == ["a", "b", "c", "group"] * 2
    main = made.values[made.values["horizon_months"] == 24].set_index("account_id")
    assert main["clv"].to_dict() == {"a": 1440.0, "b": 120.0, "c": 480.0, "group": 0.0}
    assert main["with_children"].to_dict() == {"a": 1560.0, "b": 120.0, "c": 480.0, "group": 2040.0}
    assert of(made, "a", 12)["clv"] == 720.0


def test_acquisition_cost_against_value(tmp_path: Path) -> None:
    """A cost of 720 beside a CLV of 1440 and a margin of 60 a month: twice, and paid by twelve months' margin."""
    facts = accounts(tmp_path, a={"acquisition_cost": 720.0}, b={"acquisition_cost": 0.0}, c={})
    made = one_account([CONTRACT, DURABLE], account_ties(facts, AS_OF), (24,))
    assert of(made, "a")[["ltv_cac", "payback_months"]].tolist() == [2.0, 12.0]
    for account in ("b", "c"):
        assert of(made, account)[["ltv_cac", "payback_months"]].isna().all()


def test_no_margin_pays_nothing_back(tmp_path: Path) -> None:
    """With a negative margin there is no payback, and LTV/CAC is negative."""
    facts = accounts(tmp_path, a={"acquisition_cost": 100.0}, b={}, c={})
    made = one_account([flows(Relation.CONTRACT, {"a": 10.0}, -0.5)], account_ties(facts, AS_OF), (24,))
    assert np.isnan(of(made, "a")["payback_months"])
    assert of(made, "a")["ltv_cac"] == pytest.approx(-1.2)


def test_who_has_left_is_shown_with_nothing(tmp_path: Path) -> None:
    """An account that left, and its parent, have rows with a CLV of zero; others without a relation have none."""
    facts = accounts(tmp_path, a={}, gone={"parent_account_id": "group"}, group={}, prospect={})
    made = one_account([flows(Relation.CONTRACT, {"a": 1.0})], account_ties(facts, AS_OF), (24,), left=["gone"])
    assert made.values.set_index("account_id")["clv"].to_dict() == {"a": 12.0, "gone": 0.0, "group": 0.0}


def test_without_any_cost_it_is_said(tmp_path: Path) -> None:
    """Unknown costs are no zeros: nothing is told of them, but a note."""
    made = one_account([CONTRACT], account_ties(accounts(tmp_path, a={}, b={}), AS_OF), (24,))
    assert made.values["acquisition_cost"].isna().all()
    assert made.notes == ("no acquisition costs: LTV/CAC and payback cannot be told",)


def test_referral_value_stands_beside(tmp_path: Path) -> None:
    """What `b` and `c` are worth is told of `a`, who brought them, and its own CLV stays."""
    facts = accounts(tmp_path, a={}, b={"referred_by": "a"}, c={"referred_by": "a"}, d={"referred_by": "nobody"})
    made = one_account([CONTRACT, DURABLE], account_ties(facts, AS_OF), (24,))
    assert of(made, "a")[["clv", "referral_value"]].tolist() == [1440.0, 600.0]
    assert made.values["clv"].sum() == 2040.0
    assert any("d" in note and "referred" in note for note in made.notes)


def test_a_referral_share_moves_money_and_makes_none() -> None:
    """A tenth of `b` and `c` moves to `a`, in the same relation; every month adds up to what it was, to the cent."""
    pairs = referrals({"a": None, "b": "a", "c": "a"})
    (contract, durable), giving = share_referrals([CONTRACT, DURABLE], pairs, 0.1)
    assert giving == 2
    assert contract.referral[:, 0].tolist() == [0.5, -0.5]
    assert durable.referral[:, 0].tolist() == [2.0, -2.0]
    for before, after in ((CONTRACT, contract), (DURABLE, durable)):
        assert after.margin.sum(axis=0) == pytest.approx(before.margin.sum(axis=0), abs=1e-9)
        assert after.base + after.expansion - after.contraction + after.referral == pytest.approx(after.margin)
        frame = after.clv([24])
        parts = frame["base"] + frame["expansion"] - frame["contraction"] + frame["referral"]
        assert (np.rint(100 * parts) == np.rint(100 * frame["clv"])).all()


def test_a_referrer_elsewhere_gets_it_where_it_is() -> None:
    """`c` has no contract, so that its share of the contract of `b` comes with its machines; the total stays."""
    (contract, durable), _ = share_referrals([CONTRACT, DURABLE], referrals({"a": None, "b": "c", "c": None}), 0.2)
    assert contract.referral[:, 0].tolist() == [0.0, -1.0]
    assert durable.referral[:, 0].tolist() == [0.0, 1.0]


def test_referrals_in_a_circle_pass_nothing_on() -> None:
    """Each gives a share of its own margin alone; one that named itself gives nothing."""
    (contract,), giving = share_referrals([CONTRACT], referrals({"a": "b", "b": "a"}), 0.1)
    assert giving == 2
    assert contract.referral[:, 0].tolist() == [-4.5, 4.5]
    assert share_referrals([CONTRACT], referrals({"a": "a", "b": None}), 0.1)[1] == 0


def test_bands_move_with_what_referrals_moved(tmp_path: Path) -> None:
    """The range of an account is that of its flows and what it agreed to give."""
    facts = accounts(tmp_path, a={}, b={"referred_by": "a"})
    (contract,), _ = share_referrals([CONTRACT], referrals({"a": None, "b": "a"}), 0.1)
    bands = pd.DataFrame(
        {"account_id": ["a", "b"], "horizon_months": 24, "clv_p10": 1.0, "clv_p50": 2.0, "clv_p90": 3.0}
    )
    made = one_account([contract], account_ties(facts, AS_OF), (24,), bands)
    assert of(made, "b")[["clv_p10", "clv_p50", "clv_p90"]].tolist() == pytest.approx([-11.0, -10.0, -9.0])


def test_the_same_relation_twice_is_refused() -> None:
    """Two sets of flows of contracts, or one account twice in one, would count money twice."""
    with pytest.raises(ConfigError, match="counted twice"):
        no_money_twice([CONTRACT, CONTRACT])
    with pytest.raises(ConfigError, match="several of 'a'"):
        no_money_twice([replace(CONTRACT, account_id=np.array(["a", "a"], dtype=object))])


def test_a_relation_of_ones_own_is_refused() -> None:
    """Only the three relations split the money."""
    with pytest.raises(ConfigError, match="no such relation"):
        no_money_twice([replace(CONTRACT, relation="services")])


def test_what_is_not_known_yet_ties_nobody(tmp_path: Path) -> None:
    """An account created later is nobody's parent yet."""
    facts = accounts(tmp_path, a={"parent_account_id": "later"}, later={"created_at": "2026-06-01"})
    made = one_account([flows(Relation.CONTRACT, {"a": 1.0})], account_ties(facts, AS_OF), (24,))
    assert made.values["account_id"].tolist() == ["a"]
    assert any("parent" in note for note in made.notes)
