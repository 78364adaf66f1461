"""Training: a dataset becomes a bundle, measured once on a window that nothing was chosen on.

Comes in: a workspace, its facts, a question and its model sheet. Goes out: a `TrainingResult` whose bundle stands in
`<bundles_dir>/<question>/<hash12>/`. Everything is chosen on the validation part (or, in a short history, across
accounts); the rung that is served is then fitted again on training and validation rows, and tested once. No MLflow.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from revml import __version__
from revml.config import QuestionName, Workspace
from revml.datasets import Dataset, build_dataset
from revml.errors import ConfigError, NotEnoughData
from revml.evaluation.card import card
from revml.evaluation.expected import NOISE_ONLY, Uncertainty, learned_uncertainty
from revml.evaluation.figures import Figures, measure
from revml.evaluation.gains import gains
from revml.evaluation.guard import blocking, guard
from revml.evaluation.horizons import curve_of
from revml.evaluation.segments import segments_of
from revml.evaluation.treatment import by_treatment, learned_rows
from revml.evaluation.verdict import Verdict, judge, stopped
from revml.features.catalog import catalog
from revml.models.baselines import Rule, Rung
from revml.models.bundle import Bands, Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import sigmoid
from revml.models.curve import Curve
from revml.models.encoding import Encoding
from revml.models.fold_figures import fold_figures
from revml.models.folds import Folds, account_numbers, folds_by_account, folds_by_time
from revml.models.ladder import CLEARLY, NOT_WORSE, ORDERED, Attempt, Climbed, Learning, climb
from revml.models.reference import reference
from revml.models.registry import serving_bundle
from revml.models.sheet import ModelSheet, load_sheet
from revml.models.tuning import Tuned, tune
from revml.progress import Progress, halves, silent
from revml.snapshots import ITEM, keys_of
from revml.sources.facts import Facts

MIN_EVENTS = 10  # below this on either side not even a rule can be told from noise
MIN_ACCOUNTS = 50
SMALL = 20_000_000  # cells; below, a second thread gives little, and costs tenfold where cores are shared
HIGH, MEDIUM = 0.90, 0.70  # quantiles of the out-of-sample probabilities at which bands begin


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
    told = _told(workspace, dataset, rows, test, features, by_time)
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
    report("writing the bundle", 0.95)
    bundle = _write(workspace, dataset, data, climbed, distributions, figures, verdict, told, more, curve)
    report("trained", 1.0)
    return TrainingResult(
        dataset.question, bundle, fitted.sheet, climbed.attempts, by_time, figures, verdict, predictions, told
    )


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


def _write(
    workspace: Workspace,
    dataset: Dataset,
    data: Learning,
    climbed: Climbed,
    distributions: dict[str, Any],
    figures: Figures,
    verdict: Verdict,
    told: dict[str, Any],
    more: dict[str, Any],
    curve: tuple[Curve, dict[str, Any]] | None,
) -> Bundle:
    manifest = {
        "question": dataset.question,
        "rung": climbed.model.name,
        "definition": _definition(dataset),
        "base_rate": float(data.label.mean()),
        "seed": workspace.seed,
        "sheet": data.sheet.model_dump(mode="json"),
        "data": told,
        "ladder": [_ladder_row(a) for a in climbed.attempts],
        "rule_of_choice": {"clearly": CLEARLY, "not_worse": NOT_WORSE, "ordered": ORDERED},
        "enough": climbed.enough,
        "calibration": climbed.calibration.kind,
        "held": [c.name for c in data.encoding.columns if c.monotone],
        "rule": _rule(climbed.model, data.encoding),
        "importance": _importance(climbed.model, data, own=dataset.own is not None),
        "figures": figures.to_json(),
        "verdict": {"passed": verdict.passed, "reasons": list(verdict.reasons), "borrowed": verdict.borrowed},
        **more,
    }
    if dataset.own is not None:
        manifest["ready"] = dict(dataset.own)
    if curve is not None:
        manifest["curve"] = curve[1]
    files = {
        **model_files(climbed.model),
        "features.json": to_text(data.encoding.to_json()),
        "calibration.json": to_text({**climbed.calibration.to_json(), "bands": vars(_bands(climbed))}),
        "reference.json": to_text(distributions),
        "card.md": card("en", manifest),
        "card.cs.md": card("cs", manifest),
    }
    if curve is not None:
        files["curve.json"] = to_text(curve[0].to_json())
    serving = serving_bundle(workspace, dataset.question)
    made = {
        "at": datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat(),
        "revml": __version__,
        "lightgbm": lightgbm.__version__,
        "parent": serving.hash if serving else None,
    }
    return load_bundle(write_bundle(workspace.bundles_dir / dataset.question, manifest, files, made))


def _definition(dataset: Dataset) -> dict[str, Any]:
    """The definition; a table without dates that does not say how far it looks ahead has a horizon of 0 days."""
    told = dataset.spec.model_dump(mode="json")
    if dataset.own is not None and dataset.own["horizon_days"] is None:
        told["horizon_days"] = 0
    return told


def _bands(climbed: Climbed) -> Bands:
    """Bands begin at the 90 % and 70 % points of the out-of-sample probabilities; ties move them up, never down."""
    p = np.sort(climbed.probability)
    high, medium = np.quantile(p, HIGH, method="higher"), np.quantile(p, MEDIUM, method="higher")
    if p[0] == p[-1]:
        return Bands(1.0, 1.0)  # everybody is alike: nobody stands out
    return Bands(float(medium), float(high))


def _ladder_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "rung": attempt.rung,
        "log_loss": round(attempt.log_loss, 6),
        "better": attempt.better,
        "ranks": attempt.ranks,
        "asked": attempt.clearly,
        "setting": attempt.setting,
    }


def _importance(model: Rung, data: Learning, *, own: bool) -> dict[str, dict[str, float]]:
    """Shares of the mean absolute contribution over the newest learning rows, at most 2,000: by concept, by feature.

    Columns of a ready table belong to no concept.
    """
    newest = np.flatnonzero(data.as_of == data.as_of.max())[:2_000]
    _, parts = model.contributions(data.matrix[newest])
    size = np.abs(parts).mean(axis=0)
    whole = float(size.sum())
    if whole <= 0:
        return {"concepts": {}, "features": {}}
    declared = catalog()
    concepts: dict[str, float] = {}
    for name, share in zip(data.encoding.names, size / whole, strict=True):
        concept = declared[name].concept if name in declared else "profile"
        concepts[concept] = concepts.get(concept, 0.0) + float(share)
    features = dict(zip(data.encoding.names, (size / whole).tolist(), strict=True))
    return {"concepts": {} if own else _largest(concepts), "features": _largest(features)}


def _largest(shares: dict[str, float], most: int = 20) -> dict[str, float]:
    kept = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:most]
    return {name: round(share, 6) for name, share in kept if share > 0}


def _rule(model: Rung, encoding: Encoding) -> dict[str, Any] | None:
    """A served rule as a table of people: each bin with its rate."""
    if not isinstance(model, Rule):
        return None
    column = encoding.columns[model.column]
    rates = [round(float(r), 6) for r in sigmoid(np.array(model.levels))]
    bins: list[dict[str, Any]]
    if column.kind == "category":
        bins = [{"category": c, "rate": r} for c, r in zip(column.codes, rates, strict=False)]
    else:
        bins = [{"upto": edge, "rate": r} for edge, r in zip(model.edges, rates, strict=False)]
        bins.append({"above": model.edges[-1], "rate": rates[-1]})
    bins.append({"rate": round(float(sigmoid(model.missing)), 6)})
    return {"feature": column.name, "bins": bins}


def _told(
    workspace: Workspace,
    dataset: Dataset,
    rows: pd.DataFrame,
    test: pd.DataFrame,
    features: tuple[str, ...],
    by_time: bool,
) -> dict[str, Any]:
    return {
        "fingerprint": dataset.fingerprint,
        "observed_until": dataset.observed_until.isoformat(),
        "features": len(features),
        "rows": len(rows),
        "accounts": int(rows["account_id"].nunique()),
        "events": int(rows["label"].sum()),
        "by_time": by_time,
        "dated": not dataset.held_out,
        "split": {part: [at.isoformat() for at in getattr(dataset.split, part)] for part in ("train", "valid", "test")},
        "test_rows": len(test),
        "parts": {
            part: {"rows": len(mine), "events": int(mine["label"].sum())}
            for part in ("train", "valid", "test")
            if len(mine := dataset.part(part))
        },
        "company": workspace.company.name,
        "currency": workspace.company.currency,
    }
