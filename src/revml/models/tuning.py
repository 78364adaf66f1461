"""Tuning: a search for LightGBM settings that beat the sheet's candidates beyond noise, on the ladder's own folds.

Comes in: what the ladder climbs with. Goes out: the same sheet, or one with the winners among its candidates, and what
was tried. A trial's figure is the log-loss after calibration with its rounds chosen on other accounts; the sheet's
candidates are always trials, and settings that were found are kept only where choosing among all of them, again on
other accounts, has the lower log-loss in nearly all resamples of accounts. Nothing leaves the machine.

What is found follows from the data, the sheet, the seed, the number of trials and the winners of former tunings that
are tried first; a budget of minutes makes the number of trials, and so the bundle's hash, depend on the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from revml import __version__
from revml.models.boosting import boosted_curves
from revml.models.choosing import calibrated, choose, groups_of, log_loss
from revml.models.comparison import lower_loss
from revml.models.folds import Folds, thinned
from revml.models.learning import Learning
from revml.models.sheet import ModelSheet, Tuning
from revml.models.tuning_space import SPACE, SPACE_VERSION, Settings, point, settings
from revml.models.tuning_trials import Trials, trials_of
from revml.progress import Progress, silent

LEAST_EVENTS = 100  # judged, and half as many to fit on; below, the best of many settings is the luckiest one
# Share of account resamples in which found settings must have the lower log-loss to be kept. Higher than for a rung of
# the ladder, for the search saw all judged rows: in sample companies, settings between 0.91 and 0.98 were no better by
# the truth.
BEYOND = 0.99
WINNERS = 3
TUNE_ROWS = 60_000  # to fit on in a trial
STARTUP = 8  # trials before the search learns from them, and before one is ended early
LISTED = 200  # trials in the manifest


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    Args:
        sheet: to climb the ladder with: the given one, with winners among its candidates where they were kept.
        told: for the manifest: trials, what was kept and why. The same data, seed and trials tell the same.
    """

    sheet: ModelSheet
    told: dict[str, Any] = field(repr=False)

    @property
    def kept(self) -> bool:
        """Whether found settings stand beside the sheet's candidates."""
        return bool(self.told["kept"])


@dataclass(frozen=True)
class _Outcome:
    """A setting on the judged rows: its honest log-loss, and by group the loss that its rounds had on the others."""

    loss: float
    others: dict[int, float]
    raw: np.ndarray = field(repr=False)


def tune(
    data: Learning,
    folds: Folds,
    budget: Tuning,
    storage: Path,
    question: str,
    fingerprint: str,
    progress: Progress | None = None,
) -> Tuned:
    """Search for settings within the budget; a search that was stopped before goes on where it was.

    Args:
        storage: SQLite file of trials; made where there is none.
        fingerprint: of the dataset; with the question and the space it names the study.

    Raises:
        DataError: the file of trials cannot be read or written.
    """
    why = _too_little(data, folds, budget)
    if why:
        return Tuned(data.sheet, {"trials": 0, "kept": False, "why": why})
    search = _Search(data, thinned(folds, data.accounts, TUNE_ROWS))
    name = f"{question}/{fingerprint[:12]}/space {SPACE_VERSION}/{search.digest()}"
    newest = str(np.datetime_as_string(data.as_of.max(), unit="D"))
    with trials_of(storage, question, name, newest) as trials:
        return search.run(trials, budget, progress or silent)


def _too_little(data: Learning, folds: Folds, budget: Tuning) -> str:
    judged, fitted = int(data.label[folds.judged].sum()), min(int(data.label[fit].sum()) for fit, _ in folds.fits)
    if budget.trials == 0:
        return "no trials were asked for"
    if not {"lightgbm", "blend"} & set(data.sheet.rungs):
        return "the sheet does not allow LightGBM"
    if judged < LEAST_EVENTS or fitted < LEAST_EVENTS // 2:
        return (
            f"too few events to tell settings apart: {fitted} to fit on and {judged} to judge by, "
            f"{LEAST_EVENTS // 2} and {LEAST_EVENTS} are needed"
        )
    return ""


class _Search:
    """One tuning: the rows it judges by, the outcomes that this process has seen."""

    def __init__(self, data: Learning, folds: Folds) -> None:
        self.data, self.folds = data, folds
        self.label, self.accounts = data.label[folds.judged], data.accounts[folds.judged]
        self.groups = groups_of(self.accounts, by_time=folds.by_time)
        self._raw: dict[int, np.ndarray] = {}

    def digest(self) -> str:
        """Of all that a trial's figure follows from; anything else would mix figures that cannot be compared."""
        sheet = self.data.sheet.model_dump_json(include={"params", "candidates", "max_rounds", "early_stopping"})
        made = blake2b(f"{sheet} {self.data.seed} {__version__} {lightgbm.__version__}".encode(), digest_size=4)
        held = [column.monotone or 0 for column in self.data.encoding.columns]
        parts = (self.data.matrix, self.data.label, self.data.accounts, np.array(held))
        for part in (*parts, *(rows for pair in self.folds.fits for rows in pair)):
            made.update(np.ascontiguousarray(part).data)
        return made.hexdigest()

    def run(self, trials: Trials, budget: Tuning, report: Progress) -> Tuned:
        """Try, choose, tell."""
        given, former = self.data.sheet.candidates, trials.former[: budget.trials]
        end = time.monotonic() + 60 * budget.minutes if budget.minutes else None
        most = len(given) + budget.trials
        known = trials.finished()
        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP)
        memory = optuna.create_study(direction="minimize", pruner=pruner)
        for number in range(most):
            if number in known:
                memory.add_trial(known[number])
                continue
            if number >= len(given) and end is not None and time.monotonic() > end:
                break
            report(f"tuning: trial {number + 1} of {most}{_best(memory)}", number / most)
            if number < len(given):
                self._try_given(memory, number, {**self.data.sheet.params, **given[number]})
            else:
                self._try_found(memory, number, former[number - len(given) :])
            trials.keep(memory.get_trials(deepcopy=False)[-1])
        told = self._choose(memory.get_trials(deepcopy=False), len(given), report)
        trials.crown([point(winner) for winner in told["winners"]])
        asked = budget.model_dump(mode="json")
        sheet = self.data.sheet.model_copy(update={"candidates": (*given, *told["winners"])})
        return Tuned(sheet if told["kept"] else self.data.sheet, {"asked": asked, "former": former, **told})

    def _try_given(self, memory: optuna.Study, number: int, told: Settings) -> None:
        """A candidate of the sheet, exactly as it stands there; the search is told the point nearest to it."""
        steps: dict[int, float] = {}

        def never(step: int, loss: float) -> bool:
            steps[step] = loss
            return False

        outcome = self._outcome(self.data.sheet.candidates[number], never)
        assert outcome is not None  # noqa: S101 - it was never ended early
        self._raw[number] = outcome.raw
        attrs = {"number": number, "origin": "sheet", "others": {str(g): s for g, s in outcome.others.items()}}
        memory.add_trial(
            optuna.trial.create_trial(
                value=outcome.loss,
                params=point(told),
                distributions=SPACE,
                user_attrs=attrs,
                intermediate_values=steps,
            )
        )

    def _try_found(self, memory: optuna.Study, number: int, former: Sequence[dict[str, Any]]) -> None:
        """The next former winner, or a point that the search proposes; ended early where it falls behind."""
        # A sampler a trial, seeded by its number: a search that goes on proposes what it would have proposed.
        seed = int(np.random.SeedSequence([self.data.seed, number]).generate_state(1)[0])
        memory.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, multivariate=True, seed=seed)
        if former:
            memory.enqueue_trial(former[0])
        trial = memory.ask(SPACE)
        trial.set_user_attr("number", number)
        trial.set_user_attr("origin", "former" if former else "search")

        def behind(step: int, loss: float) -> bool:
            trial.report(loss, step)
            return trial.should_prune()

        outcome = self._outcome(settings(trial.params), behind)
        if outcome is None:
            memory.tell(trial, state=TrialState.PRUNED)
            return
        self._raw[number] = outcome.raw
        trial.set_user_attr("others", {str(g): s for g, s in outcome.others.items()})
        memory.tell(trial, outcome.loss)

    def _outcome(self, candidate: Settings, behind: Callable[[int, float], bool]) -> _Outcome | None:
        """Fit and judge fold by fold, or None where it is ended before the last fold."""
        data = replace(self.data, sheet=self.data.sheet.model_copy(update={"candidates": (candidate,)}))
        judged, last = self.folds.judged, len(self.folds.fits) - 1
        seen = np.zeros(len(judged), dtype=bool)
        curves = np.zeros((0, len(judged)))
        for step, (fit, out) in enumerate(self.folds.fits):
            made = np.stack([raw for _, raw in boosted_curves(data, fit, out)])
            curves = curves if len(curves) else np.zeros((len(made), len(judged)))
            at = np.searchsorted(judged, out)
            curves[:, at], seen[at] = made, True
            chosen = choose(curves[:, seen], self.label[seen], self.groups[seen])
            loss = float(self._losses(chosen.raw, seen).mean())
            if behind(step, loss) and step < last:
                return None
        return _Outcome(loss, chosen.others, chosen.raw)

    def _losses(self, raw: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        return log_loss(calibrated(raw, self.label[rows], self.groups[rows]), self.label[rows])

    def _choose(self, tried: Sequence[FrozenTrial], given: int, report: Progress) -> dict[str, Any]:
        """Whether choosing among all trials beats choosing among the sheet's candidates, on other accounts."""
        report("tuning: comparing", 0.97)
        whole = [trial for trial in tried if trial.state == TrialState.COMPLETE]
        before = self._crossed([trial for trial in whole if _number(trial) < given])
        after = self._crossed(whole)
        losses = {name: self._losses(raw) for name, (raw, _) in (("before", before), ("after", after))}
        better = lower_loss(losses["after"], losses["before"], self.accounts, self.data.seed)
        best = min(whole, key=lambda trial: (trial.value, _number(trial)))
        picked = {_number(trial): trial for trial in (best, *after[1]) if _number(trial) >= given}
        winners = sorted(picked.values(), key=lambda trial: (trial.value, _number(trial)))[:WINNERS]
        kept = bool(winners) and better >= BEYOND
        return {
            "trials": len(tried) - given,
            "pruned": sum(trial.state == TrialState.PRUNED for trial in tried),
            "kept": kept,
            "why": _words(kept, better, len(tried) - given),
            "better": better,
            "log_loss": {name: round(float(loss.mean()), 6) for name, loss in losses.items()},
            "best": {
                "number": _number(best),
                "log_loss": round(float(best.value or 0.0), 6),
                "settings": self._settings(best),
            },
            "winners": [settings(trial.params) for trial in winners] if kept else [],
            "list": [
                {
                    "number": _number(trial),
                    "origin": trial.user_attrs["origin"],
                    "log_loss": round(trial.value, 6) if trial.state == TrialState.COMPLETE and trial.value else None,
                    "settings": self._settings(trial),
                }
                for trial in tried[:LISTED]
            ],
        }

    def _crossed(self, trials: Sequence[FrozenTrial]) -> tuple[np.ndarray, list[FrozenTrial]]:
        """Log-odds of each group under the trial that is best on the others, and those trials."""
        raw, picks = np.empty(len(self.label)), []
        for group in np.unique(self.groups):
            pick = min(trials, key=lambda trial: (trial.user_attrs["others"][str(group)], _number(trial)))
            mine = self.groups == group
            raw[mine] = self._raw_of(pick)[mine]
            picks.append(pick)
        return raw, picks

    def _raw_of(self, trial: FrozenTrial) -> np.ndarray:
        """Log-odds of a trial; one that another process ran is run again, and is the same."""
        number = _number(trial)
        if number not in self._raw:
            outcome = self._outcome(self._settings(trial), lambda _step, _loss: False)
            assert outcome is not None  # noqa: S101 - it was never ended early
            self._raw[number] = outcome.raw
        return self._raw[number]

    def _settings(self, trial: FrozenTrial) -> Settings:
        given = self.data.sheet.candidates
        return dict(given[_number(trial)]) if _number(trial) < len(given) else settings(trial.params)


def _number(trial: FrozenTrial) -> int:
    return int(trial.user_attrs["number"])


def _best(memory: optuna.Study) -> str:
    done = [t.value for t in memory.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)) if t.value is not None]
    return f", best log-loss so far {min(done):.4f}" if done else ""


def _words(kept: bool, better: float, trials: int) -> str:
    share = f"lower log-loss in {better:.1%} of account resamples, {BEYOND:.0%} are needed"
    if kept:
        return f"{trials} settings tried; the best stand beside the sheet's candidates ({share})"
    return f"{trials} settings tried; the sheet's candidates stay, none was better beyond noise ({share})"
