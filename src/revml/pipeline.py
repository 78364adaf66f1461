"""Pipelines: a short YAML file of named steps, each a call of a public function.

Comes in: a workspace and a pipeline file. Goes out: one `StepResult` a step, in order; the first error stops the run
and leaves what earlier steps finished. A step's arguments are validated before the first step starts, so that a typing
mistake in the last line, or in a model sheet, costs nothing. No Python lives in pipeline files.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator, model_validator

from revml.config import QUESTIONS, Frozen, Instant, QuestionName, Workspace
from revml.progress import Progress
from revml.sources.facts import Facts
from revml.yaml_file import nearest, read_yaml, validated


class CheckStep(Frozen):
    """Read every source, check it against the contract, stage what passes."""

    def run(self, run: Run) -> str:
        """One sentence on what was accepted."""
        from revml.ready import check_ready
        from revml.sources.staging import stage_workspace

        told = []
        if run.workspace.has_tables or not run.workspace.ready:
            told.append(stage_workspace(run.workspace, progress=run.progress).summary())
            run.forget_facts()
        told += [check_ready(run.workspace, name).summary() for name in run.workspace.ready]
        return "\n  ".join(told)


class TrainStep(Frozen):
    """Train, evaluate once, register; the first model that passes becomes champion."""

    question: QuestionName | Literal["all"] = "all"
    ready: str | None = None
    sheet: str | None = None

    @model_validator(mode="after")
    def _one_question(self) -> TrainStep:
        if self.ready and self.question != "all":
            raise ValueError("a ready table names its question itself: give 'ready' or 'question'")
        if self.sheet and self.question == "all" and not self.ready:
            raise ValueError("a sheet belongs to one question: name the question too")
        return self

    def asked(self, workspace: Workspace) -> QuestionName | Literal["all"]:
        """The question, told by the ready table where one is named.

        Raises:
            ConfigError: revml.yaml has no such table.
        """
        from revml.sources.ready import ready_spec

        return ready_spec(workspace, self.ready).question if self.ready else self.question

    def prepare(self, workspace: Workspace) -> None:
        """Read the sheets now rather than after the features were built.

        Raises:
            ConfigError: a sheet or a ready table is missing or wrong.
        """
        from revml.models.sheet import load_sheet, read_sheet

        asked = self.asked(workspace)
        if self.sheet and asked != "all":
            read_sheet(workspace.root / self.sheet, asked)
            return
        for question in QUESTIONS if asked == "all" else (asked,):
            load_sheet(workspace, question)

    def run(self, run: Run) -> str:
        """What each question got."""
        from revml.retraining import needs_facts, train_questions

        asked = self.asked(run.workspace)
        trained = train_questions(
            run.workspace,
            run.facts if needs_facts(run.workspace, asked) else None,
            asked,
            sheet=run.workspace.root / self.sheet if self.sheet else None,
            progress=run.progress,
        )
        return "\n  ".join(one.summary() for one in trained)


class PromoteStep(Frozen):
    """Compare each challenger with its champion and promote it if the gate lets it through; else the champion stays."""

    question: QuestionName | Literal["all"] = "all"

    def run(self, run: Run) -> str:
        """What became of each challenger, with the rows of the gate that said no."""
        from revml.promoting import promote_waiting
        from revml.retraining import needs_facts

        facts = run.facts if needs_facts(run.workspace, self.question) else None
        return "\n  ".join(promote_waiting(run.workspace, facts, self.question, progress=run.progress))


class ScoreStep(Frozen):
    """Score, explain and forecast every account, and publish one run."""

    as_of: Instant | None = None
    horizon_months: int | None = None

    def run(self, run: Run) -> str:
        """How many accounts, as of when."""
        from revml.retraining import needs_facts
        from revml.scoring import publish_run, score_workspace

        facts = run.facts if needs_facts(run.workspace, "all") else None
        scored = score_workspace(
            run.workspace, facts, as_of=self.as_of, horizon_months=self.horizon_months, progress=run.progress
        )
        number = publish_run(run.workspace, scored)
        asked = ", ".join(model.question for model in scored.models)
        return f"run {number}: {len(scored.accounts):,} accounts as of {scored.as_of:%Y-%m-%d} ({asked})"


class ExportStep(Frozen):
    """Write the current run's scores as CSV or Parquet."""

    out: str
    question: QuestionName | None = None
    language: Literal["en", "cs"] | None = None

    def run(self, run: Run) -> str:
        """Rows and file."""
        from revml.exports import export_scores
        from revml.store import Store

        path = run.workspace.root / self.out
        language = self.language or run.workspace.language
        with Store.open(run.workspace.store_url) as store:
            rows = export_scores(store, path, question=self.question, language=language)
        return f"{rows:,} rows in {self.out}"


STEPS: dict[str, type[Any]] = {
    "check": CheckStep,
    "train": TrainStep,
    "promote": PromoteStep,
    "score": ScoreStep,
    "export": ExportStep,
}


class Pipeline(Frozen):
    """A pipeline file: a title and its steps, each `name` or `name: {arguments}`."""

    title: str
    steps: tuple[dict[str, Any], ...]

    @field_validator("steps", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, list) or not value:
            raise ValueError("a pipeline needs a list of steps")
        named = [{step: {}} if isinstance(step, str) else step for step in value]
        for number, step in enumerate(named, start=1):
            if not isinstance(step, dict) or len(step) != 1:
                raise ValueError(f"step {number} must be a name, or one name with its arguments in braces")
            name = next(iter(step))
            if name not in STEPS:
                known = f"known: {', '.join(STEPS)}; {nearest(str(name), STEPS)}".rstrip("; ")
                raise ValueError(f"step {number}: there is no step {name!r}; {known}")
        return tuple({name: args or {} for name, args in step.items()} for step in named)


@dataclass
class Run:
    """What steps share: the workspace, its facts once they are checked, and where progress goes."""

    workspace: Workspace
    progress: Progress | None = None

    @cached_property
    def facts(self) -> Facts:
        """The accepted facts, opened on first use."""
        return Facts.open(self.workspace.staged_dir)

    def forget_facts(self) -> None:
        """After a new check the facts are other files."""
        self.__dict__.pop("facts", None)


@dataclass(frozen=True)
class StepResult:
    """What a step did, in a sentence, and how long it took."""

    step: str
    seconds: float
    told: str
    arguments: dict[str, Any] = field(default_factory=dict)


def load_pipeline(path: Path) -> tuple[Pipeline, list[tuple[str, Any]]]:
    """Read a pipeline file and the arguments of each step.

    Raises:
        ConfigError: unknown step or argument, naming the file, the step and the way out.
    """
    pipeline = read_yaml(path, Pipeline)
    return pipeline, [(name, _arguments(path, name, args)) for step in pipeline.steps for name, args in step.items()]


def _arguments(path: Path, name: str, args: Any) -> Any:
    known = ", ".join(STEPS[name].model_fields)
    hint = f"write {name}: {{ARGUMENT: VALUE}}; arguments: {known}" if known else f"write {name} alone"
    return validated(args, STEPS[name], where=f"{path}: {name}", hint=hint)


def make_ready(workspace: Workspace, steps: list[tuple[str, Any]]) -> None:
    """Let each step look at the files it will need, before the first one starts.

    Raises:
        ConfigError: one of them is missing or wrong.
    """
    for _, step in steps:
        if isinstance(step, TrainStep):
            step.prepare(workspace)


def run_step(run: Run, name: str, step: Any) -> StepResult:
    """Run one validated step."""
    started = time.perf_counter()
    told = step.run(run)
    return StepResult(name, time.perf_counter() - started, told, step.model_dump(mode="json", exclude_none=True))
