"""What the models published of the accounts at an instant: all that a forecast of money takes from them.

Comes in: frames of scores. Goes out: `Published`. A forecast without any of them is made of the accounts' own history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from revml.clv.durables.ahead import Replacing
from revml.explanations import ConceptSums

_HORIZON = re.compile(r"probability_(\d+)d")


@dataclass(frozen=True)
class Published:
    """What the models said of each account at `as_of`.

    Args:
        p_churn: account_id, probability of a loss within `churn_days`; None where there is no model. Columns such as
            `probability_365d` tie survival to further horizons, in days after the gap.
        churn_gap_days: the gap that `churn_days` begins with.
        peer_churn: the same frame as `p_churn` if every account's features were average; None: no drivers are told.
        replacing: the chance that an account replaces a machine.
        concepts: by question what each concept does to the log-odds of its scores.
        p_upsell: account_id, probability of MRR up by at least `uplift` within `upsell_days`; with `price_changes` by
            its price alone too.
        p_contraction: account_id, probability of MRR down by as much as the question says within `contraction_days`.
    """

    p_churn: pd.DataFrame | None = None
    churn_days: int = 90
    p_upsell: pd.DataFrame | None = None
    upsell_days: int = 90
    uplift: float = 0.10
    price_changes: bool = False
    p_contraction: pd.DataFrame | None = None
    contraction_days: int = 90
    churn_gap_days: int = 0
    peer_churn: pd.DataFrame | None = None
    concepts: Mapping[str, ConceptSums] = field(default_factory=dict)
    replacing: Replacing | None = None

    @property
    def further(self) -> dict[int, str]:
        """Columns of `p_churn` by the days that they look ahead, the gap included."""
        if self.p_churn is None:
            return {}
        found = {name: _HORIZON.fullmatch(str(name)) for name in self.p_churn.columns}
        days = {self.churn_gap_days + int(match[1]): name for name, match in found.items() if match}
        return {at: name for at, name in days.items() if at != self.churn_days}

    @property
    def of_growth(self) -> tuple[tuple[pd.DataFrame | None, int], tuple[pd.DataFrame | None, int]]:
        """Scores and days of what makes MRR rise, and of what makes it fall."""
        return (self.p_upsell, self.upsell_days), (self.p_contraction, self.contraction_days)
