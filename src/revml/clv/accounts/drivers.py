"""What drives an account's value, in money: how much each concept adds to its CLV or takes from it.

The peer of an account is the account itself with the average scores: the same contract, the same renewal, and nothing
known that sets it apart. What the scores make of it is carried through the forecast: the difference in CLV is shared
between the churn score and the growth scores by Shapley (1953), that is, by what each adds before and after the other,
and within a score between its concepts as their contributions are (Aumann and Shapley 1974: along the straight line
from the peer to the account a value that depends on their sum alone is shared in proportion). Drivers and peer add up
to the account's CLV, to the cent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.flows import DRIVER_COLUMNS, stacked
from revml.clv.value import Floats
from revml.explanations import ConceptSums

PEER, OTHER = "peer", "other"
MOST_DRIVERS = 6
CENT = 0.005
_FLAT = 1e-9


@dataclass(frozen=True)
class Swings:
    """What the scores of each account move its CLV by, against average scores.

    Attributes:
        account_id: (n,).
        money: by question (n,) currency units at the main horizon; they add up to CLV less the peer's.
    """

    account_id: npt.NDArray[np.object_]
    money: Mapping[str, Floats]


def shared_between(causes: Sequence[str], value: Callable[[frozenset[str]], Floats]) -> dict[str, Floats]:
    """The Shapley value of each cause: what it adds, on average over all orders in which the causes may come.

    Args:
        value: (n,) what comes of some of the causes together.

    >>> worth = {"": 0.0, "a": 4.0, "b": 3.0, "ab": 10.0}
    >>> both = shared_between(("a", "b"), lambda of: np.array([worth["".join(sorted(of))]]))
    >>> {cause: float(money[0]) for cause, money in both.items()}
    {'a': 5.5, 'b': 4.5}
    """
    known: dict[frozenset[str], Floats] = {}
    orders = list(permutations(causes))
    out: dict[str, Floats] = {}
    for order in orders:
        for i, cause in enumerate(order):
            before, after = frozenset(order[:i]), frozenset(order[: i + 1])
            for some in (before, after):
                if some not in known:
                    known[some] = value(some)
            added = (known[after] - known[before]) / len(orders)
            out[cause] = out[cause] + added if cause in out else added
    return out


def drivers(values: pd.DataFrame, swings: Swings | None, concepts: Mapping[str, ConceptSums]) -> pd.DataFrame:
    """`DRIVER_COLUMNS`: the strongest drivers of each account, the rest as `other`, and its peer.

    Args:
        values: account_id, clv at the main horizon, in whole cents.
        concepts: by question, of the scores behind the swings.
    """
    if swings is None or not concepts:
        return stacked([], DRIVER_COLUMNS)
    names, money, unshared = _by_concept(swings, concepts)
    if not names:
        return stacked([], DRIVER_COLUMNS)
    clv = values.set_index("account_id")["clv"].reindex(swings.account_id).to_numpy(float)
    cents = np.rint(100 * money)
    weak = np.argsort(-np.abs(cents), axis=1, kind="stable")[:, MOST_DRIVERS:]
    other = np.take_along_axis(cents, weak, axis=1).sum(axis=1) + np.rint(100 * unshared)
    np.put_along_axis(cents, weak, 0.0, axis=1)
    peer = np.rint(100 * clv) - cents.sum(axis=1) - other
    row, column = np.nonzero(cents)
    frames = [
        pd.DataFrame(
            {
                "account_id": swings.account_id[row],
                "concept": np.array(names, dtype=object)[column],
                "money": cents[row, column] / 100,
            }
        )
    ]
    told = np.flatnonzero(np.bincount(row, minlength=len(clv)) > 0)
    for name, amount in ((OTHER, other), (PEER, peer)):
        rows = told[amount[told] != 0] if name == OTHER else told
        frames.append(
            pd.DataFrame({"account_id": swings.account_id[rows], "concept": name, "money": amount[rows] / 100})
        )
    return stacked(frames, DRIVER_COLUMNS).sort_values(["account_id", "concept"], ignore_index=True)


def _by_concept(swings: Swings, concepts: Mapping[str, ConceptSums]) -> tuple[list[str], Floats, Floats]:
    """(n, concepts) money: the swing of each score between its concepts, those of the same name together.

    Also (n,) what no concept is told for. A score next to the average moves the value for reasons that are none of its
    concepts (its other horizons, its calibration); shared by a sum near nothing, that would turn their signs around.
    """
    names = sorted({name for question in swings.money if question in concepts for name in concepts[question].concepts})
    place = {name: i for i, name in enumerate(names)}
    out = np.zeros((len(swings.account_id), len(names)))
    unshared = np.zeros(len(swings.account_id))
    for question, money in swings.money.items():
        if question not in concepts:
            continue
        told = concepts[question]
        at = pd.Index(told.account_id).get_indexer(pd.Index(swings.account_id))
        sums = np.where((at >= 0)[:, None], told.sums[at], 0.0)
        whole = sums.sum(axis=1)
        moved = np.abs(whole) > _FLAT
        rate = np.divide(money, whole, out=np.zeros_like(money), where=moved)
        usual = np.sign(np.sum(np.sign(rate)))
        turned = ~moved | (np.sign(rate) == -usual)
        rate = np.where(turned, 0.0, rate)
        unshared += np.where(turned & (at >= 0), money, 0.0)
        out[:, [place[name] for name in told.concepts]] += rate[:, None] * sums
    return names, out, unshared
