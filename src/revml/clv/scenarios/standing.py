"""What a scenario starts from: one forecast with all that changes of it need to know.

Comes in: facts, `as_of`, economics, what the models published, and the forecast that was made of them. Goes out:
`Standing`; many scenarios can be asked of one. Shares of referrals are taken out of the flows here and put in again
after a change, so that they follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.accounts.one_account import account_ties
from revml.clv.accounts.referrals import Referrals, share_referrals
from revml.clv.contracts.subscriptions import active_contracts
from revml.clv.flows import RelationFlows
from revml.clv.forecast import ClvForecast, forecast_clv
from revml.clv.published import Published
from revml.clv.relations import Relation
from revml.clv.scenarios.moving import YEAR
from revml.clv.value import MONTH_DAYS, Floats
from revml.config import Economics
from revml.errors import ConfigError, NotEnoughData
from revml.sources.facts import Facts


@dataclass(frozen=True)
class Standing:
    """A forecast as it stands.

    Attributes:
        flows: by relation, without shares of referrals.
        mrr: (n,) today's, of the accounts of the contract flows.
        renewal_month: (n,) month ahead in which the next renewal falls; NaN where it is not known.
        risk: (n,) published churn probability, NaN where there is none; over `risk_days`.
        names: names of accounts, where the data has them.
    """

    facts: Facts
    as_of: datetime
    economics: Economics
    horizons: tuple[int, ...]
    flows: tuple[RelationFlows, ...]
    mrr: Floats
    renewal_month: Floats
    risk: Floats
    risk_days: int
    referrals: Referrals
    names: pd.Series

    @property
    def contract(self) -> RelationFlows | None:
        """The contracts, None where there are none."""
        return of_relation(self.flows, Relation.CONTRACT)

    def with_referrals(self, flows: Sequence[RelationFlows]) -> tuple[RelationFlows, ...]:
        """Flows with the shares of referrals that the economics name."""
        share = self.economics.referral_share
        return share_referrals(flows, self.referrals, share)[0] if share > 0 else tuple(flows)


def of_relation(flows: Sequence[RelationFlows], relation: Relation) -> RelationFlows | None:
    """The flows of one relation, None where there are none."""
    return next((one for one in flows if one.relation is relation and len(one.account_id)), None)


def standing(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    scores: Published | None = None,
    *,
    forecast: ClvForecast | None = None,
    horizon_months: int | Sequence[int] | None = None,
) -> Standing:
    """Forecast, or take a forecast that was made of the same, and read what its changes need.

    Args:
        forecast: made by `forecast_clv` of the same facts, `as_of`, economics and scores; absent means it is made.

    Raises:
        ConfigError: the longest horizon is shorter than a year: retention is told by the year.
        NotEnoughData: nothing was forecast.
    """
    scores = scores or Published()
    made = forecast or forecast_clv(facts, as_of, economics, scores, horizon_months=horizon_months)
    if made.horizons[-1] < YEAR:
        raise ConfigError(
            "a scenario looks at least a year ahead",
            where="--horizon-months",
            wanted=f"{YEAR} or more",
            got=str(made.horizons[-1]),
            do="ask for a longer horizon: churn and retention are told by the year",
        )
    if not any(len(one.account_id) for one in made.relations):
        raise NotEnoughData(
            "there is no money to change",
            where=f"as of {as_of:%Y-%m-%d}",
            wanted="accounts with a contract, or who have ordered",
            got="none",
            do="give subscriptions or orders, or choose a later day",
        )
    flows = tuple(_bare(one) for one in made.relations)
    contract = of_relation(flows, Relation.CONTRACT)
    ids = contract.account_id if contract is not None else np.zeros(0, dtype=object)
    known = pd.DataFrame(columns=["mrr", "days_to_renewal", "term_days"], dtype=float)
    if len(ids):
        known = active_contracts(facts, as_of, margin=economics.margin).set_index("account_id").reindex(ids)
    risk = np.full(len(ids), np.nan)
    if scores.p_churn is not None:
        given = scores.p_churn.set_index("account_id")["probability"]
        risk = given.reindex(ids).to_numpy(dtype=float, na_value=np.nan)
    return Standing(
        facts=facts,
        as_of=as_of,
        economics=economics,
        horizons=made.horizons,
        flows=flows,
        mrr=known["mrr"].fillna(0.0).to_numpy(float),
        renewal_month=_renewal_month(known["days_to_renewal"].to_numpy(float), known["term_days"].to_numpy(float)),
        risk=np.asarray(risk),
        risk_days=scores.churn_days,
        referrals=account_ties(facts, as_of).referrals,
        names=_names(facts, as_of),
    )


def _bare(one: RelationFlows) -> RelationFlows:
    return replace(
        one, margin=one.margin - one.referral, referral=np.zeros_like(one.referral), bands={}, value_bands={}
    )


def _renewal_month(days: Floats, term: Floats) -> Floats:
    """The month ahead that holds the next renewal; a renewal that has passed is counted on by its term.

    >>> _renewal_month(np.array([45.0, -10.0, np.nan]), np.array([365.25, 30.4375, np.nan])).tolist()
    [2.0, 1.0, nan]
    """
    rolled = np.where(days > 0, days, term - np.mod(-days, term))
    return np.maximum(np.ceil(rolled / MONTH_DAYS - 1e-9), 1.0)


def _names(facts: Facts, as_of: datetime) -> pd.Series:
    if not facts.has("accounts", "name"):
        return pd.Series(dtype=object)
    sql = "SELECT account_id, name FROM accounts WHERE known_at <= $as_of AND name IS NOT NULL ORDER BY ALL"
    frame = facts.con.cursor().execute(sql, {"as_of": as_of}).df().drop_duplicates("account_id")
    return pd.Series(frame["name"].to_numpy(object), index=frame["account_id"].to_numpy(object))
