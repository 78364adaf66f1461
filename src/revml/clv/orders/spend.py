"""How much a purchase is worth: Gamma-Gamma, or credibility where its mean does not exist or buyers are few.

Comes in: by buyer the number of purchases and their mean net value. Goes out: the expected value of a next purchase, a
weighting of the buyer's own mean with that of all. Currency units a purchase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, psi
from scipy.stats import spearmanr

from revml.clv.likelihood import most_likely
from revml.clv.value import Floats

MIN_BUYERS = 50
# The likelihood of so many buyers finds where the maximum is, that of all of them what it is.
ROUGH = 3_000
# So many at a time stay in the processor's cache, and linear algebra does not share them out among threads.
BLOCK = 8_192


@dataclass(frozen=True)
class SpendModel:
    """Expected value of a next purchase: `(n · own mean + k · population mean) / (n + k)`.

    Both models have this form. Gamma-Gamma (Fader and Hardie 2013, "The Gamma-Gamma model of monetary value") has
    `k = (q - 1) / p` and the mean `p v / (q - 1)`, which is finite only for q > 1.

    Attributes:
        mean: of the population.
        k: how many purchases of its own a buyer needs to weigh as much as the population.
        p, q, v: the Gamma-Gamma parameters, None where credibility is used.
        dependence: Spearman correlation of purchases and mean value among those with two or more; both models take it
            to be none.
    """

    mean: float
    k: float
    p: float | None = None
    q: float | None = None
    v: float | None = None
    dependence: float = 0.0

    def expected(self, purchases: Floats, spend: Floats) -> Floats:
        """(n,) expected value of a next purchase; never below 0, whatever was returned."""
        if np.isinf(self.k):
            return np.full(len(spend), self.mean)
        return np.asarray(np.maximum((purchases * spend + self.k * self.mean) / (purchases + self.k), 0.0))


def fit_spend(purchases: Floats, spend: Floats, within: Floats) -> SpendModel:
    """Gamma-Gamma by maximum likelihood; credibility (Bühlmann and Straub 1970) with few buyers or q <= 1.

    Args:
        purchases: (n,) number of purchases, at least 1.
        spend: (n,) their mean net value; buyers with 0 or less are left out of the Gamma-Gamma fit.
        within: (n,) sum of squared deviations of a buyer's purchases from their mean.
    """
    back = purchases >= 2
    varied = back.sum() > 2 and np.ptp(purchases[back]) > 0 and np.ptp(spend[back]) > 0
    dependence = float(spearmanr(purchases[back], spend[back]).statistic) if varied else 0.0
    positive = spend > 0
    if positive.sum() >= MIN_BUYERS:
        p, q, v = _gamma_gamma(purchases[positive], spend[positive])
        if q > 1.0 and np.isfinite(mean := p * v / (q - 1)):
            return SpendModel(mean, (q - 1) / p, p, q, v, dependence)
    return _credibility(purchases, spend, within, dependence)


def _gamma_gamma(n: Floats, m: Floats) -> tuple[float, float, float]:
    scale = float(np.average(m))
    step = len(n) // ROUGH
    rough = _Negative(n[::step], m[::step] / scale) if step > 1 else None
    p, q, v = (float(x) for x in most_likely(_Negative(n, m / scale), [np.log([2.0, 3.0, 1.0])], rough=rough))
    return p, q, v * scale


class _Negative:
    """Negative log-likelihood of Gamma-Gamma and its gradient, of log parameters.

    Only `log(v + n z)` is different for every buyer; gamma functions are taken once a number of purchases.
    """

    def __init__(self, n: Floats, z: Floats) -> None:
        self.levels, self.counts = np.unique(n, return_counts=True)
        sums = n * z
        self.buyers, self.logs = len(n), float((n * np.log(sums)).sum())
        self.blocks = [(n[low : low + BLOCK], sums[low : low + BLOCK]) for low in range(0, len(n), BLOCK)]

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        p, q, v = np.exp(theta)
        by_n = of_all = by_n_share = of_share = 0.0
        for n, sums in self.blocks:
            whole = v + sums
            log_whole, share = np.log(whole), 1.0 / whole
            by_n, of_all = by_n + float(n @ log_whole), of_all + float(log_whole.sum())
            by_n_share, of_share = by_n_share + float(n @ share), of_share + float(share.sum())
        pn, counts, buyers = p * self.levels, self.counts, self.buyers
        grown = psi(pn + q)
        value = counts @ (gammaln(pn + q) - gammaln(pn)) + buyers * (q * np.log(v) - gammaln(q))
        value += p * (self.logs - by_n) - q * of_all
        of_p = (counts * self.levels) @ (grown - psi(pn)) + self.logs - by_n
        of_q = counts @ grown + buyers * (np.log(v) - psi(q)) - of_all
        of_v = buyers * q / v - p * by_n_share - q * of_share
        return -float(value), -np.exp(theta) * np.array([of_p, of_q, of_v])


def _credibility(n: Floats, m: Floats, within: Floats, dependence: float) -> SpendModel:
    total = n.sum()
    mean = float(n @ m / total)
    inside = within.sum() / max(total - len(n), 1.0)
    spare = total - (n @ n) / total
    between = (n @ (m - mean) ** 2 - (len(n) - 1) * inside) / spare if spare > 0 else 0.0
    k = float(inside / between) if between > 0 else float("inf")
    return SpendModel(max(mean, 0.0), k, dependence=dependence)
