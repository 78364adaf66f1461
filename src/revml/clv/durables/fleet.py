"""How fleets change hands and grow: who stays in touch, what a retirement brings, how often owners buy one more.

Comes in: `Installed`. Goes out: `Fleet`, rates with few parameters, each shrunken towards that of all. Owners in touch
and out of touch are told apart everywhere, since a machine whose owner buys elsewhere is not replaced with us.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from revml.clv.durables.installed import LONG_SILENT, Bools, Codes, Installed
from revml.clv.value import Floats

# What is believed before anything was seen: half of the retired machines are replaced with us, as if ten had been seen;
# one machine more in ten years, as if sixty months had been seen.
PRIOR_REPLACED, WEIGHT = 0.5, 10.0
PRIOR_MORE, MORE_MONTHS = 1 / 120, 60.0
# Of a hundred months in touch one ends, and four of a hundred out of touch bring an order; after a year of silence two.
PRIOR_LEAVE, PRIOR_BACK, PRIOR_LATE, MOVE_MONTHS = 0.01, 0.04, 0.02, 50.0


@dataclass(frozen=True)
class Fleet:
    """Rates of a company's owners; pairs are (out of touch, in touch).

    Attributes:
        replaced: share of retired machines that are replaced with us.
        leave: monthly chance of falling out of touch.
        back: monthly chance of coming back within a year, and later.
        more: machines bought beyond replacements, an owner-month.
        shape: gamma shape of that rate across owners; infinite where all are alike.
        bought: (n,) machines that each owner bought beyond replacements in the window.
        exposure: (n,) months that count as in touch for that.
        retirements, replacements, additions: what was seen.
    """

    replaced: Floats
    leave: float
    back: tuple[float, float]
    more: Floats
    shape: float
    bought: Floats
    exposure: Floats
    retirements: int
    replacements: int
    additions: int

    def in_touch(self, silent: Codes, months: int) -> Floats:
        """(n, months) chance that an owner is in touch at the start of each month ahead.

        Args:
            silent: (n,) `Installed.silent`: months since the owner fell out of touch, 0 in touch.
        """
        step = np.zeros((LONG_SILENT + 1, LONG_SILENT + 1))
        step[0, :2] = 1 - self.leave, self.leave
        for state in range(1, LONG_SILENT + 1):
            back = self.back[int(state == LONG_SILENT)]
            step[state, 0], step[state, min(state + 1, LONG_SILENT)] = back, 1 - back
        path, states = np.zeros((LONG_SILENT + 1, months)), np.eye(LONG_SILENT + 1)
        for k in range(months):
            path[:, k] = states[:, 0]
            states = states @ step
        return path[silent]

    def own_rate(self) -> Floats:
        """(n,) machines a month that an owner in touch is expected to buy beyond replacements."""
        mean = self.more[1]
        if np.isinf(self.shape):
            return np.full(len(self.bought), mean)
        return np.asarray((self.shape + self.bought) / (self.shape / mean + self.exposure))


def fit_fleet(base: Installed) -> Fleet:
    """Fit the rates on the window of the installed base."""
    n, window = len(base.owners), base.window
    machines = base.machines
    account, age = machines["account"].to_numpy(np.int64), machines["age"].to_numpy(float)
    gone = machines["retired_back"].to_numpy(float)
    lost = ~np.isnan(gone) & (gone < window)
    state = base.in_touch[account[lost], np.floor(gone[lost]).astype(np.int64) + 1].astype(int)
    followed = machines["successor"].notna().to_numpy(bool)[lost]
    ends = np.bincount(state, minlength=2).astype(float)
    kept = np.bincount(state, followed.astype(float), minlength=2)
    pooled = (kept.sum() + WEIGHT * PRIOR_REPLACED) / (ends.sum() + WEIGHT)

    # one more: installed in the window, not the first, in nobody's place
    first = base.first_age[account]
    more = (age < window) & (age < first) & ~machines["succeeds"].to_numpy(bool)
    back = np.floor(age[more]).astype(np.int64)
    bought = np.zeros((n, 2))
    np.add.at(bought, (account[more], base.in_touch[account[more], back + 1].astype(int)), 1.0)
    months = np.zeros((n, 2))
    begun = np.nan_to_num(base.first_age, nan=-1.0)
    for b in range(window):
        owned = begun >= b + 1
        months[:, 0] += owned & ~base.in_touch[:, b + 1]
        months[:, 1] += owned & base.in_touch[:, b + 1]
    rate = (bought.sum() + MORE_MONTHS * PRIOR_MORE) / (months.sum() + MORE_MONTHS)
    pair = (bought.sum(axis=0) + WEIGHT * rate * MORE_MONTHS) / (months.sum(axis=0) + WEIGHT * MORE_MONTHS)
    exposure = months @ (pair / pair[1])
    told = base.told
    was, now = base.silence[:, 1 : told + 1], base.in_touch[:, :told]
    owned = begun[:, None] >= np.arange(1, told + 1)[None, :]
    # how long those were silent whom the window never saw in touch, it cannot tell
    silent = owned & (was > 0) & base.seen_before[:, 1 : told + 1]
    late = was == LONG_SILENT
    return Fleet(
        replaced=np.asarray((kept + WEIGHT * pooled) / (ends + WEIGHT)),
        leave=_chance(owned & (was == 0), ~now, PRIOR_LEAVE),
        back=(_chance(silent & ~late, now, PRIOR_BACK), _chance(silent & late, now, PRIOR_LATE)),
        more=pair,
        shape=_shape(bought.sum(axis=1), exposure * pair[1]),
        bought=bought.sum(axis=1),
        exposure=exposure,
        retirements=int(ends.sum()),
        replacements=int(kept.sum()),
        additions=int(bought.sum()),
    )


def _chance(at_risk: Bools, moved: Bools, prior: float) -> float:
    return float(((at_risk & moved).sum() + MOVE_MONTHS * prior) / (at_risk.sum() + MOVE_MONTHS))


def _shape(counts: Floats, expected: Floats) -> float:
    """Gamma shape across owners, by maximum likelihood of negative binomial counts with these means."""
    seen = expected > 0
    x, mean = counts[seen], expected[seen]
    if x.sum() < WEIGHT or len(x) < WEIGHT:
        return float("inf")

    def negative(log_shape: float) -> float:
        r = np.exp(log_shape)
        value = gammaln(r + x) - gammaln(r) + r * np.log(r / (r + mean)) + x * np.log(mean / (r + mean))
        return -float(value.sum())

    best = float(minimize_scalar(negative, bounds=(-4.0, 7.0), method="bounded").x)
    return float("inf") if best > 6.9 else float(np.exp(best))
