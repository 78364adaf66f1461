"""The flows of money of one relation, account by account and month by month, and the frames that a run publishes.

Every array is (accounts, months) unless told otherwise. Margins are discounted, revenue is not. In the frames money is
in whole cents, rounded so that months add up to horizons and components to values exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.cautions import cautions
from revml.clv.relations import Relation
from revml.clv.value import Floats, horizon_sums, share_beyond, to_cents, whole_cents

# The frames that a run publishes (`store.runs` holds the same columns; the store stands above this package).
CLV_COLUMNS = (
    "account_id",
    "relation",
    "horizon_months",
    "clv",
    "clv_p10",
    "clv_p50",
    "clv_p90",
    "base",
    "expansion",
    "contraction",
    "referral",
    "expected_revenue",
    "p_alive",
    "extrapolated_share",
    "warning",
)
FLOW_COLUMNS = (
    "account_id",
    "relation",
    "month",
    "survival",
    "expected_revenue",
    "discounted_margin",
    "revenue_p10",
    "revenue_p50",
    "revenue_p90",
)
VALUE_COLUMNS = (
    "account_id",
    "horizon_months",
    "clv",
    "clv_p10",
    "clv_p50",
    "clv_p90",
    "with_children",
    "acquisition_cost",
    "ltv_cac",
    "payback_months",
    "referral_value",
)
DRIVER_COLUMNS = ("account_id", "concept", "money")
SUMMED = ("margin", "expansion", "contraction", "referral", "revenue")
QUANTILES = ("p10", "p50", "p90")
MUCH_EXTRAPOLATED = 0.5

# (accounts, generator, draws) to (draws, accounts, months) simulated undiscounted revenue.
Draw = Callable[[slice, np.random.Generator, int], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class RelationFlows:
    """What is expected of the accounts of one relation; `base + expansion - contraction + referral == margin`.

    Attributes:
        account_id: (n,) sorted.
        survival: contract: S(k); orders: P(an order in the twelve months that begin with k); durable: P(still owning).
        revenue: expected, undiscounted; of a contract the MRR at the end of the month.
        margin: expected, discounted.
        base, expansion, contraction, referral: the parts of `margin`.
        margin_rate: (n,) share of revenue that is margin.
        seen_months: (n,) months ahead that lie within what was observed.
        alive: by horizon the (n,) probability that the relation still stands then.
        flags: by name from `cautions.CAUTIONS` whether it holds, an account or for all.
        draw: simulated revenue, None where the relation cannot be simulated.
        bands: by name in `QUANTILES` (n, months) of revenue, not rounded; empty where nothing was simulated.
        value_bands: by horizon and name in `QUANTILES` (n,) of CLV.
        coming: of orders what `orders.coming.coming_orders` tells of the next ones, None of other relations.
    """

    relation: Relation
    account_id: npt.NDArray[np.object_]
    survival: Floats
    revenue: Floats
    margin: Floats
    base: Floats
    expansion: Floats
    contraction: Floats
    referral: Floats
    margin_rate: Floats
    seen_months: Floats
    alive: Mapping[int, Floats]
    flags: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    draw: Draw | None = None
    bands: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    value_bands: Mapping[int, Mapping[str, Floats]] = field(default_factory=dict)
    coming: pd.DataFrame | None = None

    @property
    def months(self) -> int:
        """How far the flows go."""
        return int(self.margin.shape[1])

    def clv(self, horizons: Sequence[int]) -> pd.DataFrame:
        """`CLV_COLUMNS`, one row an account and horizon."""
        n = len(self.account_id)
        sums = {name: horizon_sums(getattr(self, name), horizons) for name in SUMMED}
        frames = []
        for number, horizon in enumerate(horizons):
            beyond = share_beyond(self.margin[:, :horizon], self.seen_months)
            value, more, less, referred, revenue = (sums[name][number] for name in SUMMED)
            flags = {"extrapolated": beyond > MUCH_EXTRAPOLATED, **self.flags}
            bands = self.value_bands.get(horizon, {})
            frames.append(
                pd.DataFrame(
                    {
                        "account_id": self.account_id,
                        "relation": str(self.relation),
                        "horizon_months": horizon,
                        "clv": value,
                        **{f"clv_{name}": bands.get(name, np.full(n, np.nan)) for name in QUANTILES},
                        # what is left, so that the parts add up to the cent
                        "base": np.rint(100 * (value - more + less - referred)) / 100,
                        "expansion": more,
                        "contraction": less,
                        "referral": referred,
                        "expected_revenue": revenue,
                        "p_alive": self.alive[horizon],
                        "extrapolated_share": beyond,
                        "warning": pd.Series(cautions(n, flags), dtype="str"),
                    }
                )
            )
        return stacked(frames, CLV_COLUMNS)

    def long(self, start: int, stop: int) -> pd.DataFrame:
        """`FLOW_COLUMNS` of some of the accounts, one row a month."""
        ids, rows = self.account_id[start:stop], slice(start, stop)
        size = len(ids) * self.months
        return pd.DataFrame(
            {
                "account_id": np.repeat(ids, self.months),
                "relation": str(self.relation),
                "month": np.tile(np.arange(1, self.months + 1), len(ids)),
                "survival": self.survival[rows].ravel(),
                "expected_revenue": to_cents(self.revenue[rows]).ravel(),
                "discounted_margin": to_cents(self.margin[rows]).ravel(),
                **{
                    f"revenue_{name}": whole_cents(self.bands[name][rows]).ravel()
                    if self.bands
                    else np.full(size, np.nan)
                    for name in QUANTILES
                },
            }
        )


@dataclass(frozen=True)
class FlowParts:
    """The flows of a forecast in parts of so many accounts: a million accounts by month do not fit into one frame."""

    relations: tuple[RelationFlows, ...]
    accounts: int

    @property
    def kinds(self) -> Mapping[str, Collection[type]]:
        """No column holds objects."""
        return {}

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for one in self.relations:
            for start in range(0, len(one.account_id), self.accounts):
                yield one.long(start, start + self.accounts)

    def __len__(self) -> int:
        return sum(one.margin.size for one in self.relations)


def stacked(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    """Frames one below the other, with the columns and their types even where there is no row."""
    frames = [frame for frame in frames if len(frame)] or [_EMPTY]
    return pd.concat(frames, ignore_index=True)[list(columns)]


_TEXTS, _COUNTS = ("account_id", "relation", "warning", "concept"), ("horizon_months", "month")
_EMPTY = pd.DataFrame(
    {
        name: pd.Series(dtype="str" if name in _TEXTS else "int64" if name in _COUNTS else "float64")
        for name in dict.fromkeys((*CLV_COLUMNS, *FLOW_COLUMNS, *VALUE_COLUMNS, *DRIVER_COLUMNS))
    }
)
