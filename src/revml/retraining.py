"""Train questions end to end: datasets, the ladder, the test, the registry, and what serves where no model may.

Comes in: a workspace and its facts. Goes out: one `Trained` a question. Features are built once for all questions, and
sheets are read before them, for features take minutes and a mistake in a sheet should cost nothing.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from revml.config import QUESTIONS, QuestionName, Workspace
from revml.datasets import Dataset, asked, build_datasets
from revml.errors import ConfigError, NotEnoughData
from revml.features.catalog import catalog
from revml.models.bundle import Bundle
from revml.models.registry import appoint, in_service, training
from revml.models.sheet import ModelSheet, Tuning, load_sheet, read_sheet
from revml.progress import Progress, silent
from revml.ready import ready_dataset
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
    facts: Facts | None,
    question: QuestionName | Literal["all"] = "all",
    *,
    sheet: Path | None = None,
    tuning: Tuning | None = None,
    progress: Progress | None = None,
) -> list[Trained]:
    """Train and register one question, or all that the data can answer; features are built once for all.

    Of all questions, one with too little data is told in the answer and does not stop the others. A question that a
    ready table answers learns from that; the others need the facts, which `facts_for` opens where they are needed.

    Args:
        tuning: in place of what the sheets say about tuning.

    Raises:
        NotEnoughData: the one question that was asked has too little data, or none of all has enough.
        ConfigError: a sheet is wrong, or one is given for all questions.
        Busy: another process trains or registers one of them.
    """
    asked_for = _asked(workspace, facts) if question == "all" else (question,)
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
    for name, one in sheets.items():
        if workspace.ready_for(name) is None:
            one.check_names(catalog(), where=_sheet_of(sheet, name))
    if tuning is not None:
        sheets = {q: one.model_copy(update={"tuning": tuning}) for q, one in sheets.items()}
    with ExitStack() as locks:
        for name in asked_for:
            locks.enter_context(training(workspace.bundles_dir / name, name))
        return _train_each(workspace, facts, asked_for, sheets, progress or silent)


def _train_each(
    workspace: Workspace,
    facts: Facts | None,
    asked_for: tuple[QuestionName, ...],
    sheets: dict[QuestionName, ModelSheet],
    report: Progress,
) -> list[Trained]:
    refused: dict[QuestionName, NotEnoughData] = {}
    from_tables = [q for q in asked_for if workspace.ready_for(q) is None]
    datasets: dict[QuestionName, Dataset] = {}
    if from_tables and facts is not None:
        datasets = build_datasets(
            workspace, facts, from_tables, progress=lambda what, share: report(what, 0.5 * share), refused=refused
        )
    for name in asked_for:
        if (ready := workspace.ready_for(name)) is not None:
            try:
                datasets[name] = ready_dataset(workspace, ready, progress=lambda what, _: report(what, 0.5))
            except NotEnoughData as error:
                refused[name] = error
    trained = []
    for number, name in enumerate(asked_for):

        def part(what: str, share: float, name: QuestionName = name, number: int = number) -> None:
            report(f"{name}: {what}", 0.5 + 0.5 * (number + share) / len(asked_for))

        if name in datasets:
            if datasets[name].own is not None:
                sheets[name].check_names(
                    datasets[name].features, where=_sheet_of(None, workspace.ready_for(name) or name)
                )
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


def facts_for(workspace: Workspace, question: QuestionName | Literal["all"]) -> Facts | None:
    """The checked facts where a question needs them, None where a ready table answers it.

    Raises:
        NotFound: they are needed and nothing was checked yet.
        ConfigError: see `needs_facts`.
    """
    return Facts.open(workspace.staged_dir) if needs_facts(workspace, question) else None


def needs_facts(workspace: Workspace, question: QuestionName | Literal["all"]) -> bool:
    """Whether a question needs the checked facts.

    Raises:
        ConfigError: nothing answers it: neither contract tables nor a ready table.
    """
    if workspace.has_tables or not workspace.ready:
        return question == "all" or workspace.ready_for(question) is None
    if question != "all" and workspace.ready_for(question) is None:
        raise ConfigError(
            f"nothing answers {question!r}",
            where="revml.yaml",
            wanted=f"a ready table with question: {question}, or contract tables",
            got=f"ready tables for {', '.join(table.question for table in workspace.ready.values())}",
            do="ask one of those, or add what is missing",
        )
    return False


def _sheet_of(given: Path | None, name: str) -> str:
    """Where a sheet stands, for messages."""
    return f"models/{name}.yaml" if given is None else str(given)


def _asked(workspace: Workspace, facts: Facts | None) -> tuple[QuestionName, ...]:
    """All questions that ready tables answer, and those that the facts can."""
    ready = {table.question for table in workspace.ready.values()}
    told = set(asked(workspace, facts)) if facts is not None else set()
    return tuple(q for q in QUESTIONS if q in ready | told)


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
    appoint(average.folder.parent, average.folder.name, None, event="stand-in")
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
