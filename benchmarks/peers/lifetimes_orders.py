"""BG/NBD and Gamma-Gamma by `lifetimes`, run in an environment of its own: `python lifetimes_orders.py IN.npz OUT.npz`.

Comes in: x, t_x, T, purchases, spend by buyer, and `weeks` ahead. Goes out: parameters, expected orders within each of
`weeks` (n, m), expected value of a purchase (n,), and the seconds that fitting and predicting took. Imports nothing of
revml.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter

warnings.simplefilter("ignore")


def main() -> None:
    """Fit, predict, write."""
    given = np.load(sys.argv[1])
    x, t_x, T = (pd.Series(given[name]) for name in ("x", "t_x", "T"))
    purchases, spend = pd.Series(given["purchases"]), pd.Series(given["spend"])
    started = time.perf_counter()
    orders = BetaGeoFitter().fit(x, t_x, T)
    money = GammaGammaFitter().fit(purchases, spend)
    fitted = time.perf_counter() - started
    expected = np.column_stack(
        [orders.conditional_expected_number_of_purchases_up_to_time(w, x, t_x, T) for w in given["weeks"]]
    )
    worth = money.conditional_expected_average_profit(purchases, spend)
    took = time.perf_counter() - started
    np.savez(
        sys.argv[2],
        orders=orders.params_.to_numpy(float),
        money=money.params_.to_numpy(float),
        expected=expected,
        worth=np.asarray(worth),
        seconds=[fitted, took - fitted],
    )


if __name__ == "__main__":
    main()
