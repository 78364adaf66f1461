"""Monthly series by `statsforecast`, in an environment of its own: `python statsforecast_families.py IN.npz OUT.npz`.

Comes in: series (n, months), newest last, and `ahead`. Goes out: by method (n, ahead) forecasts, and the seconds that
all of them took after the library had been warmed up on one series. Imports nothing of revml.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS, AutoTheta, SeasonalNaive

warnings.simplefilter("ignore")
METHODS = {"AutoETS": AutoETS, "AutoTheta": AutoTheta, "SeasonalNaive": SeasonalNaive}


def main() -> None:
    """Fit, predict, write."""
    given = np.load(sys.argv[1])
    series, ahead = given["series"], int(given["ahead"])
    n, months = series.shape
    dates = pd.date_range("2000-01-31", periods=months, freq="ME")
    frame = pd.DataFrame(
        {"unique_id": np.repeat(np.arange(n), months), "ds": np.tile(dates, n), "y": series.ravel().astype(float)}
    )
    library = StatsForecast(models=[model(season_length=12) for model in METHODS.values()], freq="ME", n_jobs=1)
    library.forecast(df=frame[frame["unique_id"] == 0], h=ahead)
    started = time.perf_counter()
    made = library.forecast(df=frame, h=ahead).sort_values(["unique_id", "ds"])
    took = time.perf_counter() - started
    np.savez(sys.argv[2], seconds=took, **{name: made[name].to_numpy().reshape(n, ahead) for name in METHODS})


if __name__ == "__main__":
    main()
