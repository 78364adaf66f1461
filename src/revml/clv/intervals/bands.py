"""Intervals of accounts: draws of every relation, summed draw by draw, and their quantiles by month and horizon.

Comes in: `RelationFlows` with a `draw`. Goes out: the same flows with bands, and bands of whole accounts. Accounts are
simulated in blocks of `BLOCK`, each from a generator of its own, so that memory is bounded and neither the caller's
parts nor the number of cores changes a figure. Relations of an account are drawn independently of each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.flows import QUANTILES, RelationFlows
from revml.clv.intervals.conformal import MEDIAN, Levels, at_score, widths
from revml.clv.value import Floats, whole_cents

BLOCK = 250
DRAWS = 200
# The name under which the sum of an account's relations is corrected and reported.
WHOLE = "account"
# Where no earlier origin could be looked at: the ends that are taken instead, and the least half width of an interval
# after a year as a share of its mean, which grows with the square root of the horizon.
UNCHECKED = Levels(0.05, 0.95)
LEAST_SHARE = 0.10

# (relation or `WHOLE`, accounts, horizon) to the scores (n,) at which their intervals begin and end; None: unchecked.
Float32s = npt.NDArray[np.float32]


class Correction(Protocol):
    """What earlier origins say of simulated intervals."""

    def levels(self, relation: str, accounts: npt.NDArray[np.object_], horizon: int) -> tuple[Floats, Floats] | None:
        """(n,) scores at which intervals begin and end, None where no earlier origin could be looked at."""


@dataclass(frozen=True)
class Block:
    """Simulated revenue of some accounts.

    Attributes:
        accounts: (n,) sorted, all that have any of the relations.
        rows: by relation which of its rows they are.
        places: by relation where those stand among `accounts`.
        revenue: by relation (draws, rows, months) undiscounted.
    """

    accounts: npt.NDArray[np.object_]
    rows: tuple[slice, ...]
    places: tuple[npt.NDArray[np.int64], ...]
    revenue: tuple[Float32s, ...]


def simulated(relations: Sequence[RelationFlows], *, seed: int, draws: int = DRAWS, one_in: int = 1) -> Iterator[Block]:
    """Blocks of accounts, sorted; with `one_in` only every so many blocks.

    A relation that cannot be simulated stands at its expectation.
    """
    everybody = np.unique(np.concatenate([one.account_id for one in relations]).astype(object))
    for number, start in enumerate(range(0, len(everybody), BLOCK)):
        if number % one_in:
            continue
        accounts = everybody[start : start + BLOCK]
        rows, places, revenue = [], [], []
        for order, one in enumerate(relations):
            first = int(np.searchsorted(one.account_id, accounts[0]))
            last = int(np.searchsorted(one.account_id, accounts[-1], side="right"))
            part = slice(first, last)
            rows.append(part)
            places.append(np.searchsorted(accounts, one.account_id[part]))
            if one.draw is None:
                still = np.broadcast_to(one.revenue[part], (draws, *one.revenue[part].shape))
                revenue.append(still.astype(np.float32))
            else:
                rng = np.random.Generator(np.random.SFC64([seed, order, number]))
                revenue.append(one.draw(part, rng, draws))
        yield Block(accounts, tuple(rows), tuple(places), tuple(revenue))


def with_bands(
    relations: Sequence[RelationFlows],
    horizons: Sequence[int],
    *,
    seed: int,
    correction: Correction | None = None,
    draws: int = DRAWS,
) -> tuple[tuple[RelationFlows, ...], pd.DataFrame]:
    """The flows with bands of revenue by month and of CLV by horizon, and bands of the accounts' CLV.

    Returns:
        The relations; and account_id, horizon_months, clv_p10, clv_p50, clv_p90 of the accounts, all relations
        together, sorted by horizon and account.
    """
    if not relations:
        return (), pd.DataFrame(columns=["account_id", "horizon_months", *(f"clv_{q}" for q in QUANTILES)])
    months = [np.full((3, *one.revenue.shape), np.nan, dtype=np.float32) for one in relations]
    values = [np.full((len(horizons), 3, len(one.account_id)), np.nan) for one in relations]
    whole = []
    for block in simulated(relations, seed=seed, draws=draws):
        count = len(block.accounts)
        sums = np.zeros((len(horizons), count, draws), dtype=np.float32)
        for one, part, places, revenue, by_month, by_horizon in zip(
            relations, block.rows, block.places, block.revenue, months, values, strict=True
        ):
            if not len(places):
                continue
            ids = block.accounts[places]
            money = _money(one, part)
            for h, worth in enumerate(summed(revenue, money, horizons)):
                sums[h][places] += worth
                ends = _ends(str(one.relation), ids, horizons[h], correction)
                by_horizon[h][:, part] = _sorted_quantiles(np.sort(worth, axis=1), ends)
            _by_month(by_month, part, revenue, str(one.relation), ids, horizons, correction)
        for h, horizon in enumerate(horizons):
            bands = _sorted_quantiles(np.sort(sums[h], axis=1), _ends(WHOLE, block.accounts, horizon, correction))
            named = {f"clv_{name}": band for name, band in _named(bands).items()}
            whole.append(pd.DataFrame({"account_id": block.accounts, "horizon_months": horizon, **named}))
    made = []
    for one, by_month, by_horizon in zip(relations, months, values, strict=True):
        of_value = {horizon: _named(bands) for horizon, bands in zip(horizons, by_horizon, strict=True)}
        # By month they stay as they are, (3, n, months) of four bytes: what publishes some accounts rounds theirs.
        made.append(replace(one, bands=dict(zip(QUANTILES, by_month, strict=True)), value_bands=of_value))
    frame = pd.concat(whole, ignore_index=True).sort_values(["horizon_months", "account_id"], ignore_index=True)
    return tuple(made), frame


def summed(revenue: Float32s, money: Floats | None, horizons: Sequence[int]) -> Iterator[Float32s]:
    """(rows, draws) sums over the months of each horizon, ascending; weighted by `money` (rows, months) if given."""
    done, start = np.zeros(revenue.shape[1::-1], dtype=np.float32), 0
    for horizon in horizons:
        part = revenue[:, :, start:horizon]
        if money is None:
            done = done + part.sum(axis=2).T
        else:
            done = done + np.einsum("drm,rm->rd", part, money[:, start:horizon].astype(np.float32))
        start = horizon
        yield done


def _money(one: RelationFlows, part: slice) -> Floats:
    """What a unit of revenue of each month is worth: discounted margin over revenue."""
    revenue, margin = one.revenue[part], one.margin[part]
    return np.divide(margin, revenue, out=np.zeros_like(margin), where=np.abs(revenue) > 1e-12)


def _by_month(
    out: Float32s,
    part: slice,
    revenue: Float32s,
    relation: str,
    ids: npt.NDArray[np.object_],
    horizons: Sequence[int],
    correction: Correction | None,
) -> None:
    rows = revenue.shape[1]
    by_account = np.ascontiguousarray(revenue.transpose(1, 2, 0))
    by_account.sort(axis=2)
    start = 0
    for horizon in horizons:
        size = horizon - start
        ends = _ends(relation, ids, horizon, correction)
        draws = by_account[:, start:horizon].reshape(rows * size, -1)
        found = _sorted_quantiles(draws, _Ends(np.repeat(ends.low, size), np.repeat(ends.high, size), ends.least))
        out[:, part, start:horizon] = found.reshape(3, rows, size)
        start = horizon


@dataclass(frozen=True)
class _Ends:
    """The scores at which intervals begin and end (n,), and their least half width as a share of the mean."""

    low: Floats
    high: Floats
    least: float = 0.0


def _ends(relation: str, ids: npt.NDArray[np.object_], horizon: int, correction: Correction | None) -> _Ends:
    levels = correction.levels(relation, ids, horizon) if correction else None
    if levels is not None:
        return _Ends(*levels)
    plain, least = (Levels(), 0.0) if correction is None else (UNCHECKED, LEAST_SHARE * float(np.sqrt(horizon / 12)))
    return _Ends(np.full(len(ids), plain.low), np.full(len(ids), plain.high), least)


def _sorted_quantiles(draws: Float32s, ends: _Ends) -> Floats:
    """(3, n) of sorted draws (n, draws). What costs money has its worst end where revenue is highest."""
    unit = widths(draws)
    mean = draws.mean(axis=1, dtype=np.float64)
    low, high = np.where(mean < 0, 1 - ends.high, ends.low), np.where(mean < 0, 1 - ends.low, ends.high)
    middle = at_score(draws, np.full(len(draws), MEDIAN), unit)
    least = ends.least * np.abs(mean)
    first = np.minimum(at_score(draws, low, unit), middle - least)
    last = np.maximum(at_score(draws, high, unit), middle + least)
    return np.stack([first, middle, last])


def _named(bands: Floats) -> Mapping[str, Floats]:
    """By name, in whole cents."""
    return dict(zip(QUANTILES, whole_cents(bands), strict=True))
