"""Will the account's contract grow?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.held import held, worth
from revml.labels.question import SAME, Question


class Upsell(Question):
    """The account is alive at the end of the window with an MRR up by `uplift` through seats, a tier or a product.

    - At risk: accounts with an active subscription at `as_of`.
    - Compared: the MRR of all its subscriptions at `as_of + gap` and at `as_of + gap + horizon`. The start of the
      window is the base, and not `as_of`, so that growth within the gap, which nobody could act on, is not counted;
      growth that was taken back by the end of the window is none.
    - A higher price is no growth: the MRR of what was held at both ends (a product and plan, over all the account's
      subscriptions) rose only as far as it has more seats, at the start's price of a seat. A product or plan that is
      new, or that a subscription moved up to, counts in full; one of the same family whose `tier` is no higher counts
      as the one whose place it took. MRR itself must have risen as far: seats at a discount are worth what they cost.
    - Where the quantity of a product is unknown or 0, or it was free, a price cannot be told: its MRR counts in full.
    - With `price_changes: true` a higher price counts like any other rise of MRR.
    - A change at the very end of the window counts; one at its very start belongs to the base.
    - From an MRR of zero (a free plan) any paid MRR is an upsell.
    - No upsell: accounts lost by the end of the window.
    - Not applicable: accounts without an active subscription at the start of the window (lost or paused in the gap).
    """

    name: ClassVar[QuestionName] = "upsell"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at",)}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """MRR at both ends of the window, prices told apart; NULL where no subscription is active at its start."""
        reached = "after" if spec.price_changes else "grown"
        return f"""
WITH {held(observed_until)}, {worth()}
SELECT account_id, as_of,
       CASE WHEN before IS NULL THEN NULL
            WHEN {reached} > before AND {reached} * (1 + {SAME}) >= before * {1 + spec.uplift!r} THEN 1
            ELSE 0 END AS label
FROM worth
"""
