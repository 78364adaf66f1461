"""What a run's lifetime values must hold before they are published: parts add up to the whole, to the cent.

Comes in: a `ScoreRun` whose frames have their columns. A finance person who adds the figures up on paper must come to
the published sum; a run in which that fails is refused whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.errors import StoreError
from revml.store.runs import ScoreRun

CENT = 0.01
RELATIONS = 3  # each rounded by itself
PARTS = ("base", "expansion", "contraction", "referral")
QUANTILES = ("clv_p10", "clv_p50", "clv_p90")


def check_sums(run: ScoreRun) -> None:
    """Refuse values that contradict each other.

    Raises:
        StoreError: names the frame and the first account concerned.
    """
    where = f"run as of {run.as_of:%Y-%m-%d}: "
    if len(run.clv) and {*PARTS} <= {*run.clv}:
        base, more, less, referred = (run.clv[name].to_numpy(float) for name in PARTS)
        off = np.abs(base + more - less + referred - run.clv["clv"].to_numpy(float))
        _refuse(run.clv, off >= CENT, where + "clv", "components do not add up to the CLV")
    for name in ("clv", "values"):
        frame = getattr(run, name)
        if len(frame) and {*QUANTILES} <= {*frame}:
            low, middle, high = (frame[quantile].to_numpy(float) for quantile in QUANTILES)
            _refuse(frame, (low > middle + CENT) | (middle > high + CENT), where + name, "quantiles cross")
    if len(run.values):
        keys = ["account_id", "horizon_months"]
        sums = run.clv.groupby(keys)["clv"].sum()
        told = run.values.set_index(keys)["clv"].to_numpy(float)
        whole = sums.reindex(pd.MultiIndex.from_frame(run.values[keys])).fillna(0.0).to_numpy(float)
        off = np.abs(told - whole)
        _refuse(run.values, off >= RELATIONS * CENT, where + "values", "the relations do not add up to the account")
    if len(run.drivers) and len(run.values):
        added = run.drivers.groupby("account_id")["money"].agg(["sum", "size"])
        worth = run.values[run.values["horizon_months"] == run.main_horizon].set_index("account_id")["clv"]
        beyond = (added["sum"] - worth.reindex(added.index)).abs() >= CENT * added["size"]
        _refuse(added.reset_index(), beyond.to_numpy(), where + "drivers", "drivers and peer do not add up to the CLV")


def _refuse(frame: pd.DataFrame, wrong: npt.NDArray[np.bool_], where: str, what: str) -> None:
    if wrong.any():
        keys = [name for name in ("account_id", "relation", "horizon_months") if name in frame]
        row = frame.loc[wrong, keys].iloc[0]
        raise StoreError(what, where=where, got=", ".join(f"{key} {row[key]!r}" for key in keys))
