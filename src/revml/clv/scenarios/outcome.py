"""What a scenario changes in money: before, after and the difference, for the company, relations, segments, accounts.

Comes in: a `Standing` and a `Scenario`. Goes out: one document. Money is summed from accounts' flows in whole cents, as
a run publishes it, so that segments and relations add up to the company to the cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.company.lines import kept_mrr
from revml.clv.flows import RelationFlows
from revml.clv.relations import Relation
from revml.clv.scenarios.changing import Changed, changed, with_survival
from revml.clv.scenarios.declared import Scenario
from revml.clv.scenarios.members import kinds_there, names_by
from revml.clv.scenarios.moving import YEAR, retained
from revml.clv.scenarios.standing import Standing, of_relation
from revml.clv.value import Floats, to_cents

Document = dict[str, Any]
# by relation: (accounts, months) whole cents before and after
Cents = dict[Relation, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
SHOWN_ACCOUNTS = 10
MOST_SEGMENTS = 12
OTHER = "other"


def outcome(standing: Standing, scenario: Scenario) -> Document:
    """Evaluate a scenario.

    Returns:
        `figures` (name, months, unit, before, after, difference), `relations`, `segments`, `accounts` (those that carry
        it, most first), `assumed`, `cost` (now), `clv` (main horizon's difference) and `net` (less the cost).
    """
    after = changed(standing, scenario)
    cents, money = _cents(standing, after, "margin"), _cents(standing, after, "revenue")
    figures = _figures(standing, after, cents, money)
    main = standing.horizons[-1]
    [difference] = [row["difference"] for row in figures if row["name"] == "clv" and row["months"] == main]
    by = _segmented_by(standing, scenario)
    return {
        "as_of": standing.as_of.isoformat(),
        "horizons": list(standing.horizons),
        **scenario.to_dict(),
        "figures": figures,
        "relations": [
            {
                "relation": str(relation),
                "accounts": len(pair[0]),
                **_sums("clv", pair),
                **_sums("revenue", money[relation]),
            }
            for relation, pair in cents.items()
            if len(pair[0])
        ],
        "segments": {"by": by, "rows": _segments(standing, cents, money, by) if by else []},
        "accounts": _accounts(standing, cents),
        "clv": difference,
        "cost": after.cost,
        "net": round(difference - after.cost, 2),
        "range": None,
        "assumed": [*after.assumed, {"key": "no_range"}],
    }


def _cents(standing: Standing, after: Changed, part: str) -> Cents:
    sides = [
        {
            one.relation: np.rint(100 * to_cents(getattr(one, part))).astype(np.int64)
            for one in standing.with_referrals(f)
        }
        for f in (standing.flows, after.flows)
    ]
    return {relation: (before, sides[1][relation]) for relation, before in sides[0].items()}


def _figures(standing: Standing, after: Changed, cents: Cents, money: Cents) -> list[Document]:
    rows = []
    for horizon in standing.horizons:
        for name, of in (("clv", cents), ("revenue", money)):
            before, now = (sum(int(pair[side][:, :horizon].sum()) for pair in of.values()) for side in (0, 1))
            rows.append(_figure(name, horizon, "money", before / 100, now / 100))
    was, now_is = standing.contract, of_relation(after.flows, Relation.CONTRACT)
    if was is None or now_is is None:
        return rows
    for month in sorted({YEAR, standing.horizons[-1]}):
        pair = (int(side[:, month - 1].sum()) / 100 for side in money[Relation.CONTRACT])
        rows.append(_figure("mrr", month, "money", *pair))
    if (start := float(standing.mrr.sum())) > 0:
        at = YEAR - 1
        rows.append(_figure("nrr", YEAR, "share", *(float(one.revenue[:, at].sum()) / start for one in (was, now_is))))
        kept = (_kept(standing, was, 1.0), _kept(standing, now_is, after.price.get(Relation.CONTRACT, 1.0)))
        rows.append(_figure("grr", YEAR, "share", *(float(one[:, at].sum()) / start for one in kept)))
    rows.append(_figure("retention", YEAR, "share", *(retained(one.survival) for one in (was, now_is))))
    return rows


def _kept(standing: Standing, one: RelationFlows, price: Floats | float) -> Floats:
    """What is left of today's MRR without growth; a lower price takes from it, a higher one adds nothing."""
    same_growth = with_survival(standing.contract or one, one.survival)
    kept = kept_mrr(same_growth, pd.Series(standing.mrr))
    return np.asarray(
        np.minimum(np.zeros_like(one.revenue) if kept is None else kept * np.minimum(price, 1.0), one.revenue)
    )


def _figure(name: str, months: int, unit: str, before: float, after: float) -> Document:
    digits = 2 if unit == "money" else 6
    told = {"before": round(before, digits), "after": round(after, digits), "difference": round(after - before, digits)}
    return {"name": name, "months": months, "unit": unit, **told}


def _sums(name: str, pair: Sequence[npt.NDArray[np.int64]]) -> Document:
    before, after = (int(side.sum()) for side in pair)
    return {name: {"before": before / 100, "after": after / 100, "difference": (after - before) / 100}}


def _segmented_by(standing: Standing, scenario: Scenario) -> str:
    """The scenario's own kind of segment, else the one that the company's forecast is told by, where it is there."""
    told = standing.economics.segment_by
    kind = scenario.segment.by or ("channel" if told == "acquisition_channel" else told)
    return kind if kind in kinds_there(standing.facts) else ""


def _segments(standing: Standing, cents: Cents, money: Cents, by: str) -> list[Document]:
    """The largest segments by CLV today, all others in one; they add up to the company."""
    names = names_by(standing.facts, standing.as_of, by)
    per = [
        pd.DataFrame(
            {
                "name": names.reindex(one.account_id).fillna("").to_numpy(object),
                "account_id": one.account_id,
                **{f"clv{side}": cents[one.relation][side].sum(axis=1) for side in (0, 1)},
                **{f"revenue{side}": money[one.relation][side].sum(axis=1) for side in (0, 1)},
            }
        )
        for one in standing.flows
    ]
    frame = pd.concat(per, ignore_index=True)
    sizes = frame.groupby("name")["clv0"].sum().abs().sort_values(ascending=False, kind="stable")
    own = set(sizes.index[: MOST_SEGMENTS - 1] if len(sizes) > MOST_SEGMENTS else sizes.index)
    frame["name"] = frame["name"].where(frame["name"].isin(own), OTHER)
    return [
        {
            "name": str(name),
            "accounts": int(rows["account_id"].nunique()),
            **_sums("clv", (rows["clv0"].to_numpy(), rows["clv1"].to_numpy())),
            **_sums("revenue", (rows["revenue0"].to_numpy(), rows["revenue1"].to_numpy())),
        }
        for name, rows in frame.groupby("name", sort=True)
    ]


def _accounts(standing: Standing, cents: Cents) -> list[Document]:
    """Whose CLV changes most."""
    per = [
        pd.DataFrame({"before": pair[0].sum(axis=1), "after": pair[1].sum(axis=1)}, index=one.account_id)
        for one in standing.flows
        if (pair := cents[one.relation])
    ]
    whole = pd.concat(per).groupby(level=0).sum()
    moved = whole["after"] - whole["before"]
    top = moved[moved != 0].abs().sort_values(ascending=False, kind="stable").index[:SHOWN_ACCOUNTS]
    carrying = whole.loc[top].to_numpy() / 100
    return [
        {
            "account_id": str(account),
            "name": standing.names.get(account),
            "before": before,
            "after": after,
            "difference": round(after - before, 2),
        }
        for account, (before, after) in zip(top, carrying.tolist(), strict=True)
    ]
