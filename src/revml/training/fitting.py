"""A rung is chosen and fitted before any test, and then tried on what was put aside.

Comes in: a dataset and its model sheet. Goes out: `Fitted`, whose probabilities are what the bundle gives, to the bit.
Too little data, or one class only, is refused before anything is written.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from revml.config import Workspace
from revml.datasets import Dataset
from revml.errors import ConfigError, NotEnoughData
from revml.evaluation.expected import NOISE_ONLY, Uncertainty, learned_uncertainty
from revml.evaluation.figures import Figures, measure
from revml.evaluation.segments import segments_of
from revml.evaluation.treatment import learned_rows
from revml.evaluation.verdict import Verdict, judge
from revml.features.catalog import catalog
from revml.models.encoding import Encoding
from revml.models.folds import Folds, account_numbers, folds_by_account, folds_by_time
from revml.models.ladder import Climbed, climb
from revml.models.learning import Learning
from revml.models.reference import reference
from revml.models.sheet import ModelSheet, load_sheet
from revml.models.tuning import Tuned, tune
from revml.progress import Progress, halves, silent
from revml.snapshots import keys_of

MIN_EVENTS = 10  # below this on either side not even a rule can be told from noise
MIN_ACCOUNTS = 50
SMALL = 20_000_000  # cells; below, a second thread gives little, and costs tenfold where cores are shared


@dataclass(frozen=True)
class Fitted:
    """What was chosen and fitted before any test.

    Attributes:
        rows, test: what was learned from and what was put aside, each sorted by as_of and account_id.
        by_time: whether rungs were chosen out of time, or across accounts because history is short.
        uncertainty: of the calibration: what makes the interval of expected events wider than noise does.
        window_days: from a snapshot to the end of its label, 0 where rows bear no dates.
        own: whether the features are the columns of a ready table.
    """

    sheet: ModelSheet
    rows: pd.DataFrame = field(repr=False)
    test: pd.DataFrame = field(repr=False)
    features: tuple[str, ...]
    by_time: bool
    data: Learning = field(repr=False)
    climbed: Climbed = field(repr=False)
    tuned: Tuned | None = None
    uncertainty: Uncertainty = NOISE_ONLY
    window_days: float = 0.0
    own: bool = False
    folds: Folds | None = field(default=None, repr=False)

    @property
    def base_rate(self) -> float:
        """The share of events among the rows that were learned from."""
        return float(self.data.label.mean())

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Calibrated probabilities of rows with the features; what the bundle gives, to the bit."""
        return self.climbed.calibration.apply(self.climbed.model.raw(self.data.encoding.matrix(rows)))


def fit_dataset(
    workspace: Workspace,
    dataset: Dataset,
    *,
    sheet: ModelSheet | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Choose a rung and fit it on the training and validation parts; the test part is put aside.

    Nothing is written but the trials of a tuning, where the sheet asks for one.

    Raises:
        NotEnoughData: one class only, or too few accounts.
    """
    sheet = sheet or load_sheet(workspace, dataset.question)
    rows = _ordered(pd.concat([dataset.part("train"), dataset.part("valid")], ignore_index=True))
    rows = learned_rows(dataset, rows, sheet.treated)
    test = _ordered(dataset.part("test"))
    _enough(dataset, rows, test)
    features = sheet.pick(dataset.features)
    if not features:
        raise ConfigError(
            "the model sheet lets no feature in that the data gives",
            where=f"model sheet of {dataset.question}: features",
            wanted=f"some of {', '.join(dataset.features[:20])}",
            got=f"include {', '.join(sheet.features.include)}; exclude {', '.join(sheet.features.exclude)}",
            do="widen features.include, or take names out of features.exclude",
        )
    data = _learning(workspace, dataset, sheet, rows, features, threads)
    by_time = bool(dataset.split.valid)
    folds = (
        folds_by_time(
            data.as_of,
            dataset.split.valid,
            data.label,
            dataset.spec.window(dataset.question),
            min_fit_events=sheet.min_events.train,
        )
        if by_time
        else folds_by_account(data.accounts)
    )
    report, tuned = progress or silent, None
    if sheet.tuning.trials:
        place = workspace.work_dir / "tuning.db"
        tuned = tune(data, folds, sheet.tuning, place, dataset.question, dataset.fingerprint, halves(report)[0])
        data, report = replace(data, sheet=tuned.sheet), halves(report)[1]
    climbed = climb(data, folds, progress=report)
    window = 0.0 if dataset.held_out else float(dataset.spec.window(dataset.question).reach.days)
    uncertainty = learned_uncertainty(data, climbed, window_days=window, by_time=by_time)
    own = dataset.own is not None
    return Fitted(data.sheet, rows, test, features, by_time, data, climbed, tuned, uncertainty, window, own, folds)


def try_fitted(workspace: Workspace, fitted: Fitted) -> tuple[pd.DataFrame, dict[str, Any], Figures, Verdict]:
    """Predictions of the test part, the reference distributions, the figures and the verdict."""
    test, climbed, sheet = fitted.test, fitted.climbed, fitted.sheet
    predictions = test[[*keys_of(test), "label", "money"]].assign(probability=fitted.predict(test))
    distributions = reference(fitted.rows, fitted.features, fitted.data.encoding.categorical, climbed.probability)
    segments = segments_of(fitted.rows, test, fitted.data.encoding.categorical, own=fitted.own)
    figures = measure(
        predictions,
        constant=fitted.base_rate,
        capacity=workspace.capacity.accounts_per_month,
        seed=workspace.seed,
        rounds=sheet.bootstrap_rounds,
        segments=segments,
        uncertainty=fitted.uncertainty,
        window_days=fitted.window_days,
    )
    return predictions, distributions, figures, judge(figures, climbed.served, over_constant=climbed.over_constant)


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    keys = sorted(keys_of(rows), key=lambda name: name != "as_of")
    return rows.sort_values(keys, kind="stable", ignore_index=True)


def _learning(
    workspace: Workspace,
    dataset: Dataset,
    sheet: ModelSheet,
    rows: pd.DataFrame,
    features: tuple[str, ...],
    threads: int | None,
) -> Learning:
    own = dataset.own
    declared = catalog() if own is None else {}
    encoding = Encoding.fit(
        rows,
        features,
        categorical=[name for name in dataset.categorical if name in features],
        least=1 if own is None else own["least"],
        monotone={name: rule.sign for name, rule in sheet.monotone.items()},
        windows={name: declared[name].window_days for name in features if name in declared},
    )
    matrix = encoding.matrix(rows)
    if threads is None:
        threads = 1 if matrix.size < SMALL else min(8, os.cpu_count() or 1)
    return Learning(
        matrix=matrix,
        label=rows["label"].to_numpy(dtype=float),
        accounts=account_numbers(rows["account_id"].tolist()),
        as_of=rows["as_of"].to_numpy(dtype="datetime64[us]"),
        encoding=encoding,
        sheet=sheet,
        seed=workspace.seed,
        threads=threads,
    )


def _enough(dataset: Dataset, rows: pd.DataFrame, test: pd.DataFrame) -> None:
    """Refuse what cannot be learned from, before anything is written.

    Raises:
        NotEnoughData: says what is missing.
    """
    events, accounts = int(rows["label"].sum()), rows["account_id"].nunique()
    others = len(rows) - events
    if accounts < MIN_ACCOUNTS or min(events, others) < MIN_EVENTS or test.empty:
        preview = f"see `revml preview {dataset.question}`; " if dataset.own is None else ""
        raise NotEnoughData(
            f"too little to learn {dataset.question} from",
            where=dataset.question,
            wanted=f"at least {MIN_ACCOUNTS} accounts, {MIN_EVENTS} snapshots with the event and {MIN_EVENTS} without, "
            "and a test window",
            got=f"{accounts} accounts, {events} snapshots with the event and {others} without, {len(test)} test rows",
            do=f"{preview}load more history, or widen the definition in revml.yaml",
        )
