"""Repeat orders by `lifetimes`, run in an environment of its own: `python lifetimes_orders.py MODEL IN.npz OUT.npz`.

MODEL is `bg`, BG/NBD with Gamma-Gamma, or `pareto`, Pareto/NBD. Comes in: x, t_x, T, purchases, spend by buyer, and
`weeks` ahead. Goes out: parameters, expected orders within `weeks` (n,), with `bg` the expected value of a purchase
(n,), with `pareto` P(alive) (n,), and the seconds that fitting and predicting took. Imports nothing of revml.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter

warnings.simplefilter("ignore")


def main() -> None:
    """Fit, predict, write."""
    model, given = sys.argv[1], np.load(sys.argv[2])
    x, t_x, T = (pd.Series(given[name]) for name in ("x", "t_x", "T"))
    weeks, out = float(given["weeks"]), {}
    started = time.perf_counter()
    if model == "pareto":
        orders = ParetoNBDFitter().fit(x, t_x, T)
        fitted = time.perf_counter() - started
        out["alive"] = orders.conditional_probability_alive(x, t_x, T)
    else:
        purchases, spend = pd.Series(given["purchases"]), pd.Series(given["spend"])
        orders = BetaGeoFitter().fit(x, t_x, T)
        money = GammaGammaFitter().fit(purchases, spend)
        fitted = time.perf_counter() - started
        out["worth"] = money.conditional_expected_average_profit(purchases, spend)
        out["money"] = money.params_.to_numpy(float)
    out["expected"] = orders.conditional_expected_number_of_purchases_up_to_time(weeks, x, t_x, T)
    took = time.perf_counter() - started
    out["orders"], out["seconds"] = orders.params_.to_numpy(float), np.array([fitted, took - fitted])
    np.savez(sys.argv[3], **{name: np.asarray(value) for name, value in out.items()})


if __name__ == "__main__":
    main()
