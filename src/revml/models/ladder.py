"""The ladder: constant rate -> best single-column rule -> logistic regression -> LightGBM -> blend of the last two.

Comes in: an encoded matrix, labels, accounts, and folds (which rows each fit sees and which it is judged on). Goes out:
the rung to serve with its setting and calibration, and every rung's out-of-sample figures. Honest throughout: settings
(rounds, penalty) and calibration for an account's rows are always chosen on other accounts, so that early stopping and
calibration do not flatter each other. Where events are few, settings are given (`few`). The test part never comes here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from revml.models.baselines import Constant, Logistic, Rule, Rung
from revml.models.blend import Blend
from revml.models.boosting import boosted_curves, choose_mean, fit_mean
from revml.models.calibration import PULL, STEADY, Calibration, choose_calibration, log_odds, repeats, sigmoid
from revml.models.choosing import calibrated, choose, groups_of, log_loss
from revml.models.comparison import higher_rank, lower_loss
from revml.models.few import NOT_REFUTED, PENALTY, ROUNDS, SHARE_OF_RULE, SHARE_OF_TREES, TREES
from revml.models.folds import Folds, thinned
from revml.models.learner import dataset, fit_trees
from revml.models.learning import Learning
from revml.models.sheet import LADDER, ModelSheet, RungName
from revml.models.stacking import mean_of_rungs, stacked
from revml.progress import Progress, silent

PENALTIES = (0.0001, 0.0003, 0.001, 0.004, 0.02, 0.2)  # inverse ridge penalties, from the strongest
CHOOSE_ROWS = 150_000  # to fit on while choosing; the rung that is served is fitted on all rows
LINE_ROWS = 400_000  # a line has learned all it can from fewer
CLEARLY = 0.6  # share of account resamples in which a higher rung must have the lower log-loss, or
MEAN_ERRS_LESS = 0.2  # the same for the blend: a mean whose weights come from other accounts rarely errs more than one
NOT_WORSE, ORDERED = 0.25, 0.9  # not clearly the higher one, and a higher ROC-AUC in nearly all of them
LEVEL_EVENTS = 200
LEVEL_ROWS = 50_000  # to tell the level of all learning rows by
DRIFT = 0.15  # of the odds between two windows, as histories of the sample companies and of a wholesaler showed


@dataclass(frozen=True)
class Attempt:
    """How a rung did on rows it had not seen.

    Args:
        log_loss: mean, cross-fitted calibration included.
        better: share of account resamples in which its log-loss beats the best rung below (None for the first).
        ranks: the same for its ROC-AUC.
        setting: what was chosen for it, in words of the parameters.
        raw, honest, loss: of the judged rows: log-odds, log-odds after cross-fitted calibration, log-loss.
        clearly: the share of `better` from which it wins.
    """

    rung: RungName
    log_loss: float
    better: float | None
    ranks: float | None
    setting: dict[str, Any]
    raw: np.ndarray = field(repr=False, compare=False)
    honest: np.ndarray = field(repr=False, compare=False)
    loss: np.ndarray = field(repr=False, compare=False)
    clearly: float = CLEARLY

    @property
    def wins(self) -> bool:
        """Better probabilities in most resamples, or as good ones with a clearly better order."""
        if self.better is None or self.ranks is None:
            return True
        return self.better >= self.clearly or (self.better >= NOT_WORSE and self.ranks >= ORDERED)


@dataclass(frozen=True)
class Climbed:
    """What the ladder decided.

    Args:
        enough: whether there were events enough for rungs above a rule.
        over_constant: share of account resamples in which the served rung's log-loss is below the constant rate's.
        judged, probability: rows, and the honest predictions of the served rung on them.
    """

    model: Rung
    calibration: Calibration
    attempts: tuple[Attempt, ...]
    served: RungName
    enough: bool
    over_constant: float
    judged: np.ndarray = field(repr=False)
    probability: np.ndarray = field(repr=False)


def climb(data: Learning, folds: Folds, *, progress: Progress | None = None) -> Climbed:
    """Try every allowed rung out of sample, serve the lowest one that no higher one clearly beats."""
    report = progress or silent
    folds = thinned(folds, data.accounts, CHOOSE_ROWS)
    judged, sheet = folds.judged, data.sheet
    label = data.label[judged]
    groups = groups_of(data.accounts[judged], by_time=folds.by_time)
    fitted_events = min(int(data.label[fit].sum()) for fit, _ in folds.fits)
    enough = fitted_events >= sheet.min_events.train and int(label.sum()) >= sheet.min_events.valid
    attempts: dict[RungName, Attempt] = {}
    best: Attempt | None = None
    rungs = _rungs(sheet, enough)
    for step, rung in enumerate(rungs):
        report(f"trying {rung}", 0.9 * step / len(rungs))
        found = _try(rung, data, folds, judged, groups, attempts)
        if found is None:
            continue
        raw, setting = found
        honest = calibrated(raw, label, groups, constant=rung == "constant")
        loss = log_loss(honest, label)
        better, ranks = None, None
        if best is not None:
            better = lower_loss(loss, best.loss, data.accounts[judged], data.seed)
            ranks = higher_rank(honest, best.honest, label, data.accounts[judged], data.seed)
        clearly = MEAN_ERRS_LESS if rung == "blend" else CLEARLY
        clearly = NOT_REFUTED if data.few and rung != "rule" else clearly
        attempts[rung] = Attempt(rung, float(loss.mean()), better, ranks, setting, raw, honest, loss, clearly)
        if best is None or (rung in sheet.rungs and (best.rung not in sheet.rungs or attempts[rung].wins)):
            best = attempts[rung]
    assert best is not None  # noqa: S101 - the constant rate can always be fitted
    report(f"fitting {best.rung}", 0.9)
    model = _refit(best.rung, attempts, data)
    pull = PULL if data.few else STEADY * repeats(label, data.accounts[judged])
    probability, calibration = choose_calibration(
        best.raw, label, groups, data.accounts[judged], sheet.calibration, pull=pull
    )
    if folds.by_time:
        # Shape from all judged rows, level from the newest as far as they can tell it: base rates drift. It is set for
        # the refit, which has seen newer rows than the predictions that made the calibration. A history too short to
        # fold by time cannot tell drift from season: the level of all its rows stays.
        every = slice(None, None, 1 + len(data.label) // LEVEL_ROWS)
        calibration = calibration.levelled(model.raw(data.matrix[every]), float(data.label[every].mean()))
        level = newest(data.as_of[judged], label)
        raw = model.raw(data.matrix[judged[level]])
        rate = drifted(calibration.apply(raw), label[level], data.accounts[judged[level]])
        calibration = calibration.levelled(raw, rate)
    over = lower_loss(best.loss, attempts["constant"].loss, data.accounts[judged], data.seed)
    return Climbed(model, calibration, tuple(attempts.values()), best.rung, enough, over, judged, probability)


def drifted(expected: np.ndarray, label: np.ndarray, accounts: np.ndarray) -> float:
    """The rate to expect of the newest rows: what was observed, pulled to what all rows let expect.

    Base rates drift by about `DRIFT` of themselves. Rows of one account that tell the same event again say nothing new,
    so the noise is that of the accounts, not of the rows.
    """
    before, seen = log_odds(expected.mean()), log_odds(label.mean())
    events, others = (max(len(np.unique(accounts[label == side])), 1) for side in (1, 0))
    noise = 1 / events + 1 / others
    return float(sigmoid(before + (seen - before) * DRIFT**2 / (DRIFT**2 + noise)))


def _rungs(sheet: ModelSheet, enough: bool) -> list[RungName]:
    """The rungs to try: what the sheet allows, the constant to compare with, and the halves of a blend."""
    wanted = {"constant", *sheet.rungs, *(("logistic", "lightgbm") if "blend" in sheet.rungs else ())}
    return [r for r in LADDER if r in wanted and (enough or r in ("constant", "rule"))]


def _try(
    rung: RungName,
    data: Learning,
    folds: Folds,
    judged: np.ndarray,
    groups: np.ndarray,
    attempts: dict[RungName, Attempt],
) -> tuple[np.ndarray, dict[str, Any]] | None:
    if rung == "blend":
        if "logistic" not in attempts or "lightgbm" not in attempts:
            return None
        parts: tuple[RungName, ...] = ("logistic", "rule", "lightgbm")
        raws: dict[str, np.ndarray] = {name: attempts[name].raw for name in parts if name in attempts}
        if not data.few:
            return stacked(raws, data.label[judged], groups)
        given = {"share": SHARE_OF_TREES, **({"rule": SHARE_OF_RULE} if "rule" in attempts else {})}
        return mean_of_rungs(given, raws), given
    settings, curves = _curves(rung, data, folds)
    if not settings:
        return None
    if rung == "lightgbm" and not data.few:
        mean = choose_mean(settings, curves, data.label[judged], groups, data.accounts[judged])
        return mean.raw, mean.setting
    chosen = choose(curves, data.label[judged], groups)
    return chosen.raw, settings[chosen.setting]


def _curves(rung: RungName, data: Learning, folds: Folds) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Settings of a rung and its out-of-sample log-odds under each, shape (settings, judged rows)."""
    judged = folds.judged
    where = {int(row): k for k, row in enumerate(judged)}
    settings: list[dict[str, Any]] = []
    curves = np.zeros((0, len(judged)), dtype=np.float32)
    for fit, out in folds.fits:
        at = np.array([where[int(r)] for r in out])
        made = _fold_curves(rung, data, fit, out)
        if not made:
            return [], curves
        if not settings:
            settings = [setting for setting, _ in made]
            curves = np.zeros((len(settings), len(judged)), dtype=np.float32)
        for k, (_, raw) in enumerate(made):
            curves[k, at] = raw
    return settings, curves


def _fold_curves(
    rung: RungName, data: Learning, fit: np.ndarray, out: np.ndarray
) -> list[tuple[dict[str, Any], np.ndarray]]:
    x, y = data.matrix[fit], data.label[fit]
    if rung == "constant":
        return [({}, Constant.fit(y).raw(data.matrix[out]))]
    if rung == "rule":
        rule = Rule.fit(x, y, data.accounts[fit], data.encoding)
        return [] if rule is None else [({}, rule.raw(data.matrix[out]))]
    if rung == "logistic":
        strengths = (PENALTY,) if data.few else PENALTIES
        path = Logistic.path(x, y, data.accounts[fit], data.encoding, strengths=strengths)
        return [({"C": model.strength}, model.raw(data.matrix[out])) for model in path]
    if data.few:
        setting = {"candidate": "given", "rounds": ROUNDS}
        return [(setting, _given_trees(data, fit).raw(data.matrix[out]))]
    return boosted_curves(data, fit, out)


def _given_trees(data: Learning, rows: np.ndarray | slice) -> Rung:
    shared = dataset(data.matrix[rows], data.label[rows], data.encoding, TREES)
    return fit_trees(shared, data.encoding, TREES, rounds=ROUNDS, seed=data.seed, threads=data.threads)


def refit(climbed: Climbed, data: Learning) -> Rung:
    """The served rung with the setting that was found, fitted on other rows of the same columns."""
    return _refit(climbed.served, {attempt.rung: attempt for attempt in climbed.attempts}, data)


def _refit(rung: RungName, attempts: dict[RungName, Attempt], data: Learning) -> Rung:
    """The served rung on all learning rows, with the setting that was found."""
    if rung == "blend":
        line, trees = _refit("logistic", attempts, data), _refit("lightgbm", attempts, data)
        setting = attempts[rung].setting
        first = Blend(line, _refit("rule", attempts, data), setting["rule"]) if "rule" in setting else line
        return Blend(first, trees, setting["share"])
    setting = attempts[rung].setting
    if rung == "constant":
        return Constant.fit(data.label)
    if rung == "rule":
        rule = Rule.fit(data.matrix, data.label, data.accounts, data.encoding)
        return rule if rule is not None else Constant.fit(data.label)
    if rung == "logistic":
        # The whole path to the penalty, because each fit starts where the last ended; a given penalty has no path.
        C = setting["C"]
        penalties = [c for c in PENALTIES if c <= C] if C in PENALTIES else [C]
        every = np.arange(len(data.label))
        rows = thinned(Folds(((every, every[:0]),), by_time=True), data.accounts, LINE_ROWS).fits[0][0]
        x, y, accounts = data.matrix[rows], data.label[rows], data.accounts[rows]
        return Logistic.path(x, y, accounts, data.encoding, strengths=penalties)[-1]
    return _given_trees(data, slice(None)) if setting.get("candidate") == "given" else fit_mean(data, setting)


def newest(as_of: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Rows of the newest snapshots, as many as it takes to hold enough events and non-events to tell a level."""
    for at in np.unique(as_of)[::-1]:
        rows = as_of >= at
        if min(label[rows].sum(), (1 - label[rows]).sum()) >= LEVEL_EVENTS:
            return np.asarray(rows)
    return np.ones(len(label), dtype=bool)
