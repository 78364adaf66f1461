"""A software company of another mechanism than the sample companies, with its truth: what revml was not made beside.

Written from the data contract alone; it shares nothing with `revml.sources.samples`. Hidden health, wished seats and
skill move by themselves and decide what an account does (`other_lives.py`); the tables hold noisy traces of them alone
(`other_tables.py`). Each seed is another company: its rates and the noise of its traces are drawn, too.

The noise was set once, before revml was tried on it, so that the peer (`peers/plain_lightgbm.py`) comes to about .90 of
the ranking and .70 of the log-loss gain of churn; on companies 101 to 104, against the true probabilities of three test
months, it came to .88 and .67. It is not moved for anything else.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from other_lives import simulate, truth
from other_tables import write_tables


def write_other(folder: Path, *, accounts: int = 3_000, months: int = 36, seed: int = 1) -> None:
    """Write the tables of a company to a folder, and its truth to `truth` in it: a row an account and month's start."""
    lives, traces, oracle = (np.random.default_rng([part, seed]) for part in (2_031, 2_032, 2_033))
    past = simulate(accounts, months, lives)
    write_tables(folder, past, traces)
    (folder / "truth").mkdir(exist_ok=True)
    truth(past, oracle).to_parquet(folder / "truth" / "account_months.parquet", index=False)
