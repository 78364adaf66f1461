"""What contract accounts are worth: flows of months, from survival, growth, margin and discount.

    flow_k = MRR_0 · margin · S(k) · g(k) / (1 + d) ** ((k - 1/2) / 12)

Revenue of month k is the expected MRR at its end. Comes in: active contracts, survival, growth factors. Goes out:
matrices (accounts, months). Nothing here reads data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.clv.contracts.growth import Growth
from revml.clv.value import Floats, discount_factors


@dataclass(frozen=True)
class ContractFlows:
    """Expected money by account and month (n, months).

    Attributes:
        survival: S(k).
        revenue: expected MRR at the end of month k, not discounted.
        margin: expected discounted margin of month k; `base + expansion - contraction`.
        base, expansion, contraction: the parts of `margin`: today's MRR kept, what growth adds, what shrinking takes.
    """

    survival: Floats
    revenue: Floats
    margin: Floats
    base: Floats
    expansion: Floats
    contraction: Floats


def contract_flows(
    mrr: Floats, margin: Floats, survival: Floats, growth: Growth, discount_rate: float
) -> ContractFlows:
    """Flows of contracts.

    Args:
        mrr: (n,) MRR at `as_of`.
        margin: (n,) share of one; may be negative.
        survival: (n, months).
        growth: the one growth model.
        discount_rate: yearly share.
    """
    months = survival.shape[1]
    expanded, grown = growth.factors(mrr, months)
    kept = mrr[:, None] * survival
    money = margin[:, None] * discount_factors(discount_rate, months)[None, :]
    base = kept * money
    return ContractFlows(
        survival=survival,
        revenue=kept * grown,
        margin=base * grown,
        base=base,
        expansion=base * (expanded - 1.0),
        contraction=np.asarray(base * (expanded - grown)),
    )


def contract_worth(mrr: Floats, margin: Floats, survival: Floats, growth: Growth, discount_rate: float) -> Floats:
    """(n,) sums of `contract_flows`' margin, to the bit, without the other matrices; arguments as there."""
    months = survival.shape[1]
    grown = growth.factors(mrr, months)[1]
    money = mrr[:, None] * survival
    money *= margin[:, None] * discount_factors(discount_rate, months)[None, :]
    money *= grown
    return np.asarray(money.sum(axis=1))
