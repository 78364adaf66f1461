"""Train questions end to end: datasets, the ladder, the test, the registry, and what serves where no model may.

Comes in: a workspace and its facts. Goes out: one `Trained` a question. Features are built once for all questions, and
sheets are read before them, for features take minutes and a mistake in a sheet should cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from revml.config import QuestionName, Workspace
from revml.datasets import Dataset, asked, build_datasets
from revml.errors import ConfigError, NotEnoughData
from revml.models.bundle import Bundle
from revml.models.registry import appoint, in_service
from revml.models.sheet import ModelSheet, load_sheet, read_sheet
from revml.progress import Progress, silent
from revml.sources.facts import Facts
from revml.tracking import Registered, register
from revml.training import TrainingResult, train_dataset


@dataclass(frozen=True)
class Trained:
    """A question after training: its result and what became of it, or why there was too little data.

    `stand_in` serves until a model passes: a rule that passed, or the average rate, which claims nothing and is called
    what it is.
    """

    question: QuestionName
    result: TrainingResult | None = None
    registered: Registered | None = None
    refused: NotEnoughData | None = None
    stand_in: Bundle | None = None

    def summary(self) -> str:
        """One sentence for logs."""
        if self.result is None or self.registered is None:
            return f"{self.question}: not trained, {self.refused.what if self.refused else 'no data'}"
        return "; ".join(filter(None, (self.result.summary(), self.registered.note, self.stands_in())))

    def stands_in(self) -> str:
        """What serves in place of a model that may not, in a sentence; empty where none has to."""
        if self.stand_in is None:
            return ""
        if self.stand_in.rung == "rule":
            return f"until a model passes, a single-column rule of {self.question} serves and is called a rule"
        return f"until a model passes, the average rate ({self.stand_in.base_rate:.1%}) stands in for every account"


def train_questions(
    workspace: Workspace,
    facts: Facts,
    question: QuestionName | Literal["all"] = "all",
    *,
    sheet: Path | None = None,
    progress: Progress | None = None,
) -> list[Trained]:
    """Train and register one question, or all that the data can answer; features are built once for all.

    Of all questions, one with too little data is told in the answer and does not stop the others.

    Raises:
        NotEnoughData: the one question that was asked has too little data, or none of all has enough.
        ConfigError: a sheet is wrong, or one is given for all questions.
    """
    report = progress or silent
    asked_for: tuple[QuestionName, ...] = asked(workspace, facts) if question == "all" else (question,)
    if sheet is not None and question == "all":
        raise ConfigError(
            "a sheet belongs to one question",
            where=str(sheet),
            wanted=", ".join(asked_for),
            got="all",
            do="name the question that this sheet is for",
        )
    # Before the features, which take minutes: a mistake in a sheet costs nothing.
    sheets = {q: load_sheet(workspace, q) if sheet is None else read_sheet(sheet, q) for q in asked_for}
    refused: dict[QuestionName, NotEnoughData] = {}
    datasets = build_datasets(
        workspace, facts, asked_for, progress=lambda what, share: report(what, 0.5 * share), refused=refused
    )
    trained = []
    for number, name in enumerate(asked_for):

        def part(what: str, share: float, name: QuestionName = name, number: int = number) -> None:
            report(f"{name}: {what}", 0.5 + 0.5 * (number + share) / len(asked_for))

        if name in datasets:
            try:
                result = train_dataset(workspace, datasets[name], sheet=sheets[name], progress=part)
                registered = register(workspace, result)
                stand_in = None
                if not result.verdict.passed and in_service(workspace, name) is None:
                    stand_in = _stand_in(workspace, datasets[name], sheets[name])
                trained.append(Trained(name, result, registered, stand_in=stand_in))
                continue
            except NotEnoughData as error:
                refused[name] = error
        trained.append(Trained(name, refused=refused[name]))
    if refused and len(refused) == len(asked_for):
        raise _all_refused(refused)
    return trained


def _stand_in(workspace: Workspace, dataset: Dataset, sheet: ModelSheet) -> Bundle:
    """What serves where the model was refused: the best rule if that passes, else the average rate.

    A company without a model still gets its accounts by money, their lifetime value and an honest average.
    """
    if "rule" in sheet.rungs:
        rule = train_dataset(workspace, dataset, sheet=sheet.model_copy(update={"rungs": ("constant", "rule")}))
        if rule.verdict.passed:
            register(workspace, rule)
            return rule.bundle
    average = train_dataset(workspace, dataset, sheet=sheet.model_copy(update={"rungs": ("constant",)})).bundle
    # A pointer for scoring and no alias in MLflow: nothing was promoted.
    appoint(average.folder.parent, average.folder.name, None)
    return average


def _all_refused(refused: dict[QuestionName, NotEnoughData]) -> NotEnoughData:
    if len(refused) == 1:
        return next(iter(refused.values()))
    return NotEnoughData(
        "none of the questions has enough data to be trained",
        wanted="; ".join(dict.fromkeys(f"{q}: {one.wanted}" for q, one in refused.items())),
        got="; ".join(f"{q}: {one.got}" for q, one in refused.items()),
        do=f"see `revml preview {next(iter(refused))}`; load more history or more accounts",
    )
