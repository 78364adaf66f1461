"""A dataset of accounts that leave once: health fades, some renew soon, the label is whether they leave in 90 days.

All features are honest. What leaks is added by the tests, which need `leaves` (months from the start; never: infinite).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from revml.config import QuestionSpec
from revml.datasets import Dataset
from revml.windows import TimeSplit, month_starts

START = datetime(2024, 1, 1)  # noqa: DTZ001 - naive means UTC in revml


def leaving_company(
    *, accounts: int = 300, months: int = 18, seed: int = 0, level: float = -4.2
) -> tuple[Dataset, np.ndarray]:
    """Monthly snapshots of those who are still there, and in which month each account leaves."""
    rng = np.random.default_rng(seed)
    dates = month_starts(START, datetime(2030, 1, 1))[: months + 3]  # noqa: DTZ001
    health = np.empty((len(dates), accounts))
    health[0] = rng.normal(size=accounts)
    for t in range(1, len(dates)):
        health[t] = 0.93 * health[t - 1] + 0.37 * rng.normal(size=accounts)
    renewal = rng.integers(0, 12, accounts)
    hazard = 1 / (1 + np.exp(-(level - 1.2 * health + 1.5 * ((np.arange(len(dates))[:, None] - renewal) % 12 == 0))))
    gone = rng.random(hazard.shape) < hazard
    leaves = np.where(gone.any(axis=0), gone.argmax(axis=0), np.inf)
    industry, seats = rng.choice(["banking", "mining", "retail"], accounts), rng.integers(3, 90, accounts)
    parts = []
    for t, at in enumerate(dates[:months]):
        here = np.flatnonzero(leaves >= t)
        frame = pd.DataFrame({"account_id": [f"a{i:04d}" for i in here], "as_of": at})
        frame["label"] = (leaves[here] < t + 3).astype("int8")
        frame["money"] = 100.0 * seats[here]
        frame["active_users_28d"] = np.maximum(0, 20 + 8 * health[t, here] + 2 * rng.normal(size=len(here)))
        frame["logins_28d"] = rng.poisson(np.exp(3 + 0.5 * health[t, here]))
        frame["tickets_28d"] = rng.poisson(1.0, len(here))
        frame["days_to_renewal"] = 30.0 * ((renewal[here] - t) % 12)
        frame["seats"] = seats[here]
        frame["industry"] = pd.Series(industry[here], dtype="str")
        parts.append(frame)
    whole = pd.concat(parts, ignore_index=True)
    numbers = [c for c in whole.columns[4:] if c != "industry"]
    dataset = Dataset(
        question="churn",
        spec=QuestionSpec(),
        frame=whole.astype(dict.fromkeys(numbers, "float32")),
        features=tuple(whole.columns[4:]),
        categorical=("industry",),
        split=TimeSplit(tuple(dates[: months - 8]), tuple(dates[months - 6 : months - 4]), (dates[months - 1],)),
        observed_until=datetime(2031, 1, 1),  # noqa: DTZ001
        fingerprint=f"leaving-{accounts}-{months}-{seed}",
    )
    return dataset, leaves


def with_column(dataset: Dataset, name: str, values: object) -> Dataset:
    """The dataset with one feature more; text becomes a category."""
    frame = dataset.frame.assign(**{name: values})
    text = not pd.api.types.is_numeric_dtype(frame[name])
    frame[name] = frame[name].astype("str" if text else "float32")
    if text:
        frame[name] = frame[name].where(frame[name] != "", None)
    categorical = (*dataset.categorical, *([name] if text else []))
    return replace(dataset, frame=frame, features=(*dataset.features, name), categorical=categorical)
