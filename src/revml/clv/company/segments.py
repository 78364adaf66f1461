"""The company's forecast by segment: existing accounts, in whole cents, so that segments add up to the company exactly.

Comes in: the flows of each relation and an attribute of accounts. Goes out: `Segment`s; one of name '' holds accounts
whose attribute is not known, one of name `other` those of all small segments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.company.lines import Line, Past, kept_mrr, line, lines_of, spread_of, together
from revml.clv.flows import RelationFlows
from revml.clv.relations import Relation
from revml.clv.value import Floats, to_cents
from revml.sources.facts import Facts

# The largest segments by revenue keep their name.
MAX_SEGMENTS = 20
REST, UNKNOWN = "other", ""
Names = dict[Relation, npt.NDArray[np.object_]]


@dataclass(frozen=True)
class Segment:
    """A part of the accounts; `revenue` by relation is (months,) in whole cents."""

    name: str
    accounts: int
    mrr: float
    revenue: Mapping[Relation, Floats]
    lines: Mapping[str, Line]


def segment_names(facts: Facts, as_of: datetime, attribute: str, relations: Mapping[Relation, RelationFlows]) -> Names:
    """The segment of each account of each relation, '' where it is not known; the largest keep their name."""
    known: pd.Series = (
        facts.con.cursor()
        .execute(f"SELECT account_id, {attribute} AS name FROM accounts WHERE known_at <= $as_of", {"as_of": as_of})
        .df()
        .drop_duplicates("account_id")
        .set_index("account_id")["name"]
    )
    names = {r: known.reindex(flows.account_id).fillna(UNKNOWN).to_numpy(object) for r, flows in relations.items()}
    sizes: dict[str, float] = {}
    for relation, flows in relations.items():
        for name, money in pd.Series(flows.revenue.sum(axis=1)).groupby(names[relation]).sum().items():
            sizes[str(name)] = sizes.get(str(name), 0.0) + float(money)
    large = set(sorted(sizes, key=lambda name: (-sizes[name], name))[:MAX_SEGMENTS])
    return {r: np.array([name if name in large else REST for name in mine], dtype=object) for r, mine in names.items()}


def segments_of(
    names: Names,
    relations: Mapping[Relation, RelationFlows],
    used: Mapping[Relation, Floats],
    start: pd.Series,
    past: Past,
) -> tuple[Segment, ...]:
    """Sums of the accounts' flows in whole cents, times the factors that are used."""
    cents = {r: 100 * to_cents(flows.revenue) for r, flows in relations.items()}
    contract = relations.get(Relation.CONTRACT)
    kept = kept_mrr(contract, start)
    out = []
    for name in sorted({str(name) for mine in names.values() for name in mine}):
        rows = {relation: names[relation] == name for relation in relations}
        revenue = {r: np.rint(np.rint(cents[r][rows[r]]).sum(axis=0) * used[r]) for r in relations}
        accounts = set().union(*(relations[r].account_id[rows[r]].tolist() for r in relations))
        mine = start[rows[Relation.CONTRACT]] if contract is not None else start
        total = {r: values / 100 for r, values in revenue.items()}
        own = kept[rows[Relation.CONTRACT]] if kept is not None else None
        lines = lines_of(total, own, mine, past)
        if len(total) > 1:
            spreads = [(total[r], spread_of(r, total[r], past, mine, own)) for r in total]
            lines["revenue"] = line(*together(spreads))
        elif total:
            [only] = total
            lines["revenue"] = lines[f"revenue_{only}"]
        out.append(Segment(name, len(accounts), round(float(mine.sum()), 2), revenue, lines))
    return tuple(out)
