"""The steps of a training, from a dataset to a bundle.

Comes in: a workspace, its facts, a question and its model sheet. Goes out: a `TrainingResult` whose bundle stands in
`<bundles_dir>/<question>/<hash12>/`. Everything is chosen on the validation part (or, in a short history, across
accounts); the rung that is served is then fitted again on training and validation rows, and tested once. No MLflow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from revml.config import QuestionName, Workspace
from revml.datasets import Dataset, build_dataset
from revml.evaluation.figures import Figures
from revml.evaluation.gains import gains
from revml.evaluation.guard import blocking, guard
from revml.evaluation.horizons import curve_of
from revml.evaluation.segments import segments_of
from revml.evaluation.stability import seed_stability
from revml.evaluation.treatment import by_treatment
from revml.evaluation.verdict import Verdict, stopped
from revml.evaluation.views import views_of
from revml.models.bundle import Bundle
from revml.models.fold_figures import fold_figures
from revml.models.ladder import Attempt
from revml.models.sheet import ModelSheet, load_sheet
from revml.progress import Progress, silent
from revml.snapshots import ITEM
from revml.sources.facts import Facts
from revml.training.fitting import fit_dataset, try_fitted
from revml.training.writing import told_of, write


@dataclass(frozen=True)
class TrainingResult:
    """What training gives: the bundle, the ladder, the figures and the verdict.

    Attributes:
        attempts: every rung that was tried, with its out-of-sample log-loss.
        by_time: whether rungs were chosen out of time, or across accounts because history is short.
        predictions: the test rows: account_id, as_of, label, money, probability.
        facts: what the card and the tracking server tell about the data.
    """

    question: QuestionName
    bundle: Bundle
    sheet: ModelSheet
    attempts: tuple[Attempt, ...]
    by_time: bool
    figures: Figures
    verdict: Verdict
    predictions: pd.DataFrame = field(repr=False)
    facts: dict[str, Any] = field(repr=False)

    @property
    def dated(self) -> bool:
        """Whether the test lies later than what was learned from; if not, it is out of sample only."""
        return bool(self.facts["dated"])

    def summary(self) -> str:
        """One sentence for logs."""
        auc = self.figures.values["roc_auc"].value
        told = "ROC-AUC unknown" if auc is None else f"ROC-AUC {auc:.3f}"
        verdict = "passed" if self.verdict.passed else "not passed"
        kind = "" if self.dated else " (out of sample, not out of time)"
        return f"{self.question}: {self.bundle.rung}, {told}, {verdict}{kind}"


def train(
    workspace: Workspace,
    facts: Facts,
    question: QuestionName,
    *,
    sheet: ModelSheet | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Build the dataset of a question and train on it.

    Raises:
        NotEnoughData: no window has closed, one class only, or too few accounts; nothing is written then.
    """
    report = progress or silent
    dataset = build_dataset(workspace, facts, question, progress=lambda what, share: report(what, 0.4 * share))
    return train_dataset(workspace, dataset, sheet=sheet, progress=lambda what, share: report(what, 0.4 + 0.6 * share))


def train_dataset(
    workspace: Workspace,
    dataset: Dataset,
    *,
    sheet: ModelSheet | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train on a dataset and write the bundle; the same dataset, sheet and seed give the same bundle hash.

    Args:
        threads: LightGBM's; changes the time it takes and nothing else.
    """
    report = progress or silent
    sheet = sheet or load_sheet(workspace, dataset.question)
    leaks = guard(dataset, sheet.pick(dataset.features), allow=sheet.allow)
    fitted = fit_dataset(
        workspace, dataset, sheet=sheet, threads=threads, progress=lambda what, share: report(what, 0.8 * share)
    )
    rows, test, features, by_time = fitted.rows, fitted.test, fitted.features, fitted.by_time
    data, climbed = fitted.data, fitted.climbed
    report("measuring on the test window", 0.85)
    predictions, distributions, figures, verdict = try_fitted(workspace, fitted)
    verdict = stopped(verdict, blocking(leaks))
    told = told_of(workspace, dataset, rows, test, features, by_time)
    more: dict[str, Any] = {"uncertainty": fitted.uncertainty.to_json(), "leaks": [one.to_json() for one in leaks]}
    if ITEM in test.columns:
        more["entity"] = "pair"
    more["tuning"] = fitted.tuned.told if fitted.tuned else None
    more["folds"] = fold_figures(data, fitted.folds, climbed) if fitted.folds else []
    more["gains"] = gains(predictions)
    report("learning the curve over other horizons", 0.9)
    more["treated"] = by_treatment(
        dataset, predictions, sheet.treated, seed=workspace.seed, rounds=sheet.bootstrap_rounds
    )
    curve = curve_of(dataset, rows, test, data, climbed, predictions["probability"].to_numpy())
    report("looking at what weighs", 0.95)
    own = dataset.own is not None
    more["stability"] = seed_stability(climbed, data, data.encoding.matrix(test), own=own)
    segments = segments_of(rows, test, data.encoding.categorical, own=own)
    views = views_of(climbed.model, data.encoding, test, segments, own=own)
    bundle = write(workspace, dataset, data, climbed, distributions, figures, verdict, told, more, curve, views)
    report("trained", 1.0)
    return TrainingResult(
        dataset.question, bundle, fitted.sheet, climbed.attempts, by_time, figures, verdict, predictions, told
    )
