"""One account: all its relations together, with its children, beside what it cost to win it.

    clv            sum over the account's relations, in whole cents
    with_children  clv, and that of all accounts below it
    ltv_cac        clv / acquisition cost
    payback_months acquisition cost / margin a month, expected over the next twelve months, not discounted
    referral_value clv of the accounts that it referred; told beside, added nowhere

The last three have no value where the acquisition cost is not known or is nothing, or where the margin is none. Payback
is the usual figure of a customer who is there: how many months of today's margin pay what winning it cost, not how much
of it has been paid back. CLV is what is still to come within the horizon, so that LTV/CAC of an old customer leaves out
what it has brought already.

Comes in: facts, `as_of`, flows by relation. Goes out: `AccountValues`. Money that stands in two relations is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.accounts.parents import Family, family, said
from revml.clv.accounts.referrals import Referrals, referrals
from revml.clv.flows import QUANTILES, VALUE_COLUMNS, RelationFlows, stacked
from revml.clv.relations import Relation
from revml.clv.value import Floats, horizon_sums
from revml.errors import ConfigError
from revml.sources.facts import Facts

YEAR = 12

_ACCOUNTS = """
SELECT account_id, nullif(parent_account_id, '') AS parent, nullif(referred_by, '') AS referrer,
  acquisition_cost AS cost
FROM accounts WHERE known_at <= $as_of AND created_at <= $as_of ORDER BY account_id"""


@dataclass(frozen=True)
class AccountValues:
    """What each account is worth.

    Attributes:
        values: `VALUE_COLUMNS`, one row an account and horizon: everybody with a relation or who left, and all
            above them.
        notes: what a reader must know of parents and referrers that could not be used.
    """

    values: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Ties:
    """How accounts hang together, and what they cost to win; by account, as known at `as_of`."""

    family: Family
    referrals: Referrals
    cost: pd.Series


def account_ties(facts: Facts, as_of: datetime) -> Ties:
    """Read parents, referrers and acquisition costs."""
    frame = facts.con.cursor().execute(_ACCOUNTS, {"as_of": as_of}).df()
    ids = frame["account_id"].tolist()
    parents = [None if pd.isna(name) else str(name) for name in frame["parent"]]
    referrers = [None if pd.isna(name) else str(name) for name in frame["referrer"]]
    return Ties(
        family=family(dict(zip(ids, parents, strict=True))),
        referrals=referrals(dict(zip(ids, referrers, strict=True))),
        cost=pd.Series(frame["cost"].to_numpy(dtype=float, na_value=np.nan), index=ids),
    )


def one_account(
    relations: Sequence[RelationFlows],
    ties: Ties,
    horizons: Sequence[int],
    bands: pd.DataFrame | None = None,
    *,
    left: Collection[str] = (),
) -> AccountValues:
    """The values of all accounts.

    Args:
        horizons: in months, none beyond the flows.
        bands: account_id, horizon_months, clv_p10, clv_p50, clv_p90 of the accounts; the quantiles of relations do not
            add up. What referrals moved is added to them.
        left: accounts that have left, who are shown with what is left of them, which may be nothing.

    Raises:
        ConfigError: a relation stands twice, or an account twice in one: the same money would be counted again.
    """
    no_money_twice(relations)
    ids = ties.family.account_id
    found = {account: i for i, account in enumerate(ids)}
    strangers = sorted({a for one in relations for a in one.account_id} - set(found))
    whole = np.array([*ids, *strangers], dtype=object)
    row = {account: i for i, account in enumerate(whole)}
    places = [np.array([row[account] for account in one.account_id], dtype=np.int64) for one in relations]
    n, cost = len(whole), ties.cost.reindex(whole).to_numpy(float)
    here = np.zeros(n, dtype=bool)
    monthly = np.zeros(n)
    for one, place in zip(relations, places, strict=True):
        here[place] = True
        span = min(YEAR, one.months)
        np.add.at(monthly, place, one.revenue[:, :span].sum(axis=1) * one.margin_rate / span)
    here |= pd.Index(whole).isin(list(left))  # a hash: numpy compares objects one with another
    shown = here.copy()
    shown[: len(ids)] = ties.family.ancestors(here[: len(ids)])
    payback = np.divide(cost, monthly, out=np.full(n, np.nan), where=(monthly > 0) & (cost > 0))
    worth = [horizon_sums(one.margin, horizons) for one in relations]
    shared = [horizon_sums(one.referral, horizons) for one in relations]
    frames = []
    for number, horizon in enumerate(horizons):
        own, moved = np.zeros(n), np.zeros(n)
        for place, money, given in zip(places, worth, shared, strict=True):
            np.add.at(own, place, money[number])
            np.add.at(moved, place, given[number])
        own = np.rint(100 * own) / 100
        below = own.copy()
        below[: len(ids)] = np.rint(100 * ties.family.with_children(own[: len(ids)])) / 100
        brought = ties.referrals.value(dict(zip(whole, own.tolist(), strict=True)))
        frame = pd.DataFrame(
            {
                "account_id": whole,
                "horizon_months": horizon,
                "clv": own,
                **_bands(bands, whole, horizon, moved),
                "with_children": below,
                "acquisition_cost": cost,
                "ltv_cac": np.divide(own, cost, out=np.full(n, np.nan), where=cost > 0),
                "payback_months": payback,
                "referral_value": np.rint(100 * np.array([brought.get(a, 0.0) for a in whole])) / 100,
            }
        )
        frames.append(frame[shown].sort_values("account_id", ignore_index=True))
    return AccountValues(stacked(frames, VALUE_COLUMNS), tuple(_notes(ties)))


def no_money_twice(relations: Sequence[RelationFlows]) -> None:
    """Refuse flows in which money could be counted twice.

    Raises:
        ConfigError: a relation that is none, a relation that stands twice, or an account twice in one.
    """
    seen: set[Relation] = set()
    for one in relations:
        name = one.relation
        if not isinstance(name, Relation):
            raise ConfigError("no such relation", wanted=", ".join(Relation), got=repr(name))
        if name in seen:
            raise ConfigError(
                "the same money would be counted twice",
                where=str(name),
                wanted="one set of flows a relation",
                got="two",
                do="add their flows up account by account, or hand in one of them",
            )
        seen.add(name)
        twice = pd.Index(one.account_id)[pd.Index(one.account_id).duplicated()]
        if len(twice):
            raise ConfigError(
                "the same money would be counted twice",
                where=str(name),
                wanted="one row an account",
                got=f"several of {twice[0]!r}",
                do="add the rows of an account up",
            )


def _bands(
    bands: pd.DataFrame | None, accounts: npt.NDArray[np.object_], horizon: int, moved: Floats
) -> dict[str, Floats]:
    names = [f"clv_{name}" for name in QUANTILES]
    if bands is None:
        return {name: np.full(len(moved), np.nan) for name in names}
    of = bands[bands["horizon_months"] == horizon].set_index("account_id").reindex(accounts)
    return {name: of[name].to_numpy(float) + moved for name in names}


def _notes(ties: Ties) -> list[str]:
    notes = said(ties.family)
    if ties.referrals.unknown:
        n, first = len(ties.referrals.unknown), ties.referrals.unknown[0]
        notes.append(f"{n} accounts ({first}, ...) were referred by somebody who is not among the accounts")
    if ties.cost.isna().all():
        notes.append("no acquisition costs: LTV/CAC and payback cannot be told")
    return notes
