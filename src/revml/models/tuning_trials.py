"""Finished trials of a tuning, in an SQLite file that Optuna's own tools read, so that a killed tuning goes on.

Comes in: finished trials. Goes out: those that were stored, and the winners of former tunings. Only finished trials are
written, each with its number: a kill leaves nothing half done, and two processes at the same tuning find the same.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from revml.errors import DataError
from revml.models.tuning_space import SPACE_VERSION

FORMER = 3  # winners of former tunings that are tried first
LOCKED_SECONDS = 30  # how long another writer is waited for


class Trials:
    """The finished trials of one study."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def finished(self) -> dict[int, FrozenTrial]:
        """The trials by their number; of two with one number the first."""
        found: dict[int, FrozenTrial] = {}
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.is_finished() and "number" in trial.user_attrs:
                found.setdefault(int(trial.user_attrs["number"]), trial)
        return found

    def keep(self, trial: FrozenTrial) -> None:
        """Store a finished trial, unless another process was first."""
        if trial.user_attrs["number"] not in self.finished():
            self._study.add_trial(trial)

    @property
    def former(self) -> list[dict[str, Any]]:
        """Points to try first: winners of former tunings, as they were when this study began."""
        return list(self._study.user_attrs["former"])

    def crown(self, winners: list[dict[str, Any]]) -> None:
        """Remember the winners for later tunings; none where the sheet's candidates stayed."""
        self._study.set_user_attr("winners", winners)


@contextmanager
def trials_of(storage: Path, question: str, name: str, newest: str) -> Iterator[Trials]:
    """The trials of a study; the study is made where there is none.

    Args:
        newest: ISO date of the newest rows learned from. Winners of tunings that saw later rows are not tried: a replay
            of the past must not know them.

    Raises:
        DataError: the file is no database, or another process holds it for long.
    """
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield Trials(_study(_storage(storage), question, name, newest))
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "storage" not in str(error).lower():
            raise
        raise DataError(
            "the trials of tuning cannot be read or written",
            where=str(storage),
            wanted="an SQLite file of Optuna",
            got=str(error).splitlines()[0][:200],
            do="try again when no other tuning runs; or move the file away, and tuning starts anew",
        ) from None
    finally:
        optuna.logging.set_verbosity(level)


def _storage(file: Path) -> optuna.storages.RDBStorage:
    file.parent.mkdir(parents=True, exist_ok=True)
    for again in (True, True, False):
        try:
            return optuna.storages.RDBStorage(
                f"sqlite:///{file.absolute()}", engine_kwargs={"connect_args": {"timeout": LOCKED_SECONDS}}
            )
        except SQLAlchemyError:
            if not again:
                raise
            time.sleep(0.5)  # two processes make the tables at once: the second finds them made
    raise AssertionError("unreachable")


def _study(storage: optuna.storages.RDBStorage, question: str, name: str, newest: str) -> optuna.Study:
    study = optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)
    if "former" not in study.user_attrs:
        former = _former(storage, question, name, newest)
        about = {"question": question, "newest": newest, "space": SPACE_VERSION, "former": former}
        for key, value in about.items():
            study.set_user_attr(key, value)
    return study


def _former(storage: optuna.storages.RDBStorage, question: str, name: str, newest: str) -> list[dict[str, Any]]:
    told = []
    for summary in optuna.get_all_study_summaries(storage, include_best_trial=False):
        attrs = summary.user_attrs
        alike = attrs.get("question") == question and attrs.get("space") == SPACE_VERSION
        if alike and summary.study_name != name and str(attrs.get("newest", "9")) <= newest and attrs.get("winners"):
            told.append((str(attrs["newest"]), summary.study_name, attrs["winners"][0]))
    points: list[dict[str, Any]] = []
    for _, _, winner in sorted(told, key=lambda one: one[:2], reverse=True):
        if winner not in points:
            points.append(winner)
    return points[:FORMER]
