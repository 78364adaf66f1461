"""The BentoML service that tutorials show: a pydantic model, a data frame a request, LightGBM, shap.

`TUTORIAL_BUNDLE` names a folder with `model.txt` and `features.json` (names and categories in order). Imports
nothing of revml. The explainer is made once and LightGBM runs on one thread, as in the service it is compared with.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import bentoml
import lightgbm
import numpy as np
import pandas as pd
import shap
from pydantic import BaseModel

TOP = 4


class Account(BaseModel):
    """A row of features."""

    features: dict[str, float | str | None]


class Reason(BaseModel):
    """A feature and its contribution in log-odds."""

    feature: str
    contribution: float


class Score(BaseModel):
    """A probability and why."""

    probability: float
    reasons: list[Reason]


@bentoml.service(name="tutorial", workers=1, logging={"access": {"enabled": False}})
class Tutorial:
    """Scores rows."""

    def __init__(self) -> None:
        warnings.filterwarnings("ignore", message="LightGBM binary classifier")
        folder = Path(os.environ["TUTORIAL_BUNDLE"])
        columns = json.loads((folder / "features.json").read_text(encoding="utf-8"))["columns"]
        self.names = [c["name"] for c in columns]
        self.categories = {c["name"]: c["codes"] for c in columns if c["kind"] == "category"}
        self.model = lightgbm.Booster(model_file=folder / "model.txt")
        self.explainer = shap.TreeExplainer(self.model)

    @bentoml.api
    def score(self, account: Account) -> Score:
        """The probability and the strongest contributions."""
        return self._scores([account])[0]

    @bentoml.api
    def score_many(self, accounts: list[Account]) -> list[Score]:
        """The same of many rows, in one frame."""
        return self._scores(accounts)

    @bentoml.api
    def score_alone(self, account: Account) -> float:
        """The probability alone: the tutorial that leaves shap out."""
        return float(self.model.predict(self._frame([account]), num_threads=1)[0])

    def _frame(self, accounts: list[Account]) -> pd.DataFrame:
        frame = pd.DataFrame([account.features for account in accounts])[self.names]
        for name, codes in self.categories.items():
            frame[name] = pd.Categorical(frame[name], categories=codes).codes
        frame = frame.astype(float)
        for name in self.categories:
            frame[name] = frame[name].where(frame[name] >= 0)
        return frame

    def _scores(self, accounts: list[Account]) -> list[Score]:
        frame = self._frame(accounts)
        probability = self.model.predict(frame, num_threads=1)
        values = np.asarray(self.explainer.shap_values(frame))[:, : len(self.names)]
        scores = []
        for p, parts in zip(probability, values, strict=True):
            strongest = np.argsort(-np.abs(parts))[:TOP]
            reasons = [Reason(feature=self.names[i], contribution=float(parts[i])) for i in strongest]
            scores.append(Score(probability=float(p), reasons=reasons))
        return scores
