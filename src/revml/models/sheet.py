"""A model sheet: the reviewed decisions about one model, as `models/<question>.yaml` in the workspace.

Comes in: YAML. Goes out: a frozen `ModelSheet`. A workspace without the file uses the sheet that revml ships.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from revml.config import Frozen, QuestionName, Workspace, read_yaml
from revml.errors import ConfigError
from revml.features.actions import SUBJECT as ACTIONS
from revml.models.calibration import CalibrationKind
from revml.models.sheet_names import checked_features, checked_params

RungName = Literal["constant", "rule", "logistic", "lightgbm", "blend"]
PLAYS = frozenset(feature.name for feature in ACTIONS.features)
LADDER: tuple[RungName, ...] = ("constant", "rule", "logistic", "lightgbm", "blend")


# Of a ready table, chosen on inner folds: many small trees, each on half of the columns, leaves pulled to the base
# rate.
READY_PARAMS: dict[str, float | int | bool | str] = {
    "learning_rate": 0.04,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
    "cat_smooth": 20.0,
    "cat_l2": 20.0,
}
READY_CANDIDATES: tuple[dict[str, float | int | bool | str], ...] = (
    {"num_leaves": 4, "min_data_in_leaf": 50},
    {"num_leaves": 7, "min_data_in_leaf": 50, "feature_fraction": 0.25},
    {"num_leaves": 15, "min_data_in_leaf": 80, "lambda_l2": 10.0},
)


class Monotone(Frozen):
    """Which way the prediction may move with a feature, and why one is sure of it."""

    sign: Literal[-1, 1]
    reason: str = Field(min_length=10)


class Actionable(Frozen):
    """Which way people can move a feature, how far at most, and why they can."""

    direction: Literal["up", "down"]
    to: Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(pattern=r"^(p[1-9][0-9]?|peers)$")] = Field(
        description="a number; a percentile of the accounts that the model learned from (p75); or peers, their median"
    )
    reason: Annotated[str, Field(min_length=10)] | dict[Literal["en", "cs"], Annotated[str, Field(min_length=10)]] = (
        Field(min_length=1, description="a text, or one a language")
    )

    def told(self, language: str) -> str:
        """The reason in a language, else in the one that it is written in."""
        if isinstance(self.reason, str):
            return self.reason
        return next((text for name, text in self.reason.items() if name == language), next(iter(self.reason.values())))


class Selection(Frozen):
    """Which features the model may use: names or globs."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()


class MinEvents(Frozen):
    """Below these, no model is trusted and a rule is served."""

    train: int = Field(30, ge=1)
    valid: int = Field(10, ge=1)


class Tuning(Frozen):
    """How much a search for better LightGBM parameters may cost; nothing is searched by default."""

    trials: int = Field(0, ge=0, le=10_000, description="settings to try beside the candidates; 0: no search")
    minutes: float | None = Field(
        None, gt=0, description="no new trial begins after this; how many were tried then depends on the machine"
    )


class ModelSheet(Frozen):
    """What was decided about a model, with reasons."""

    question: QuestionName
    title: str = ""
    params: dict[str, float | int | bool | str] = Field(
        default_factory=dict, description="LightGBM parameters of all candidates"
    )
    candidates: tuple[dict[str, float | int | bool | str], ...] = Field(
        ({},),
        min_length=1,
        description="what the candidates change; those not clearly worse than the best share a mean",
    )
    max_rounds: int = Field(600, ge=10, le=10_000)
    early_stopping: int = Field(60, ge=5, description="rounds without a better out-of-sample log-loss")
    tuning: Tuning = Tuning()
    features: Selection = Selection()
    monotone: dict[str, Monotone] = Field(default_factory=dict)
    allow: dict[str, Annotated[str, Field(min_length=10)]] = Field(
        default_factory=dict, description="features that the guard finds to know the answer and that may stay, with why"
    )
    actionable: dict[str, Actionable] = Field(
        default_factory=dict, description="features, or globs, that people can move: what levers are looked for among"
    )
    actions: Literal["leave_out", "allow"] = Field(
        "leave_out",
        description="whether plays known at as_of are features (they tell whom one calls)",
    )
    treated: Literal["keep", "leave_out"] = Field(
        "keep", description="whether rows with a play in their label window are learned from"
    )
    calibration: Literal["auto"] | CalibrationKind = "auto"
    rungs: tuple[RungName, ...] = Field(LADDER, min_length=1)
    min_events: MinEvents = MinEvents()
    bootstrap_rounds: int = Field(300, ge=50, le=10_000)
    notes: str | dict[Literal["en", "cs"], str] = Field("", description="for the card; a text, or one a language")

    @field_validator("params", "candidates")
    @classmethod
    def _known_params(cls, told: Any) -> Any:
        for params in [told] if isinstance(told, dict) else told:
            checked_params(params)
        return told

    def check_names(self, known: Iterable[str], *, where: str) -> None:
        """Refuse a name of a feature that there is not, for it would be passed over in silence.

        Raises:
            ConfigError: names it, and the nearest known.
        """
        named: dict[str, Iterable[str]] = {
            "monotone": self.monotone,
            "allow": self.allow,
            "actionable": self.actionable,
            "features.include": self.features.include,
            "features.exclude": self.features.exclude,
        }
        checked_features(named, known, where=where)

    def pick(self, features: tuple[str, ...]) -> tuple[str, ...]:
        """The features that the sheet lets in, in their order.

        >>> ModelSheet(question="churn", features={"exclude": ["*_7d"]}).pick(("mrr", "logins_7d"))
        ('mrr',)
        """

        def told(name: str, globs: tuple[str, ...]) -> bool:
            return any(fnmatchcase(name, glob) for glob in globs)

        barred = PLAYS if self.actions == "leave_out" else frozenset()
        allowed = (f for f in features if f not in barred)
        return tuple(f for f in allowed if told(f, self.features.include) and not told(f, self.features.exclude))


def load_sheet(workspace: Workspace, question: QuestionName) -> ModelSheet:
    """The workspace's sheet for a question, or the one that revml ships.

    A question that a ready table answers has the sheet `models/<table>.yaml`, or `READY_PARAMS`: the sheet of the
    question itself is about the features of the contract tables.

    Raises:
        ConfigError: the file breaks the schema, or is the sheet of another question.
    """
    ready = workspace.ready_for(question)
    own = workspace.root / "models" / f"{ready or question}.yaml"
    if own.is_file():
        sheet = read_sheet(own, question)
        # A ready table's columns are its own, whatever revml calls so.
        return sheet if ready is None else sheet.model_copy(update={"actions": "allow"})
    if ready is not None:
        return ModelSheet(question=question, params=READY_PARAMS, candidates=READY_CANDIDATES, actions="allow")
    with as_file(files("revml").joinpath("workspace", "files", "models", f"{question}.yaml")) as shipped:
        return read_sheet(shipped, question)


def read_sheet(path: Path, question: QuestionName) -> ModelSheet:
    """Read a sheet that must be for a question.

    Raises:
        ConfigError: the file is missing, breaks the schema, or is the sheet of another question.
    """
    sheet = read_yaml(path, ModelSheet)
    if sheet.question != question:
        raise ConfigError(
            "this sheet is for another question",
            where=str(path),
            wanted=f"question: {question}",
            got=f"question: {sheet.question}",
            do="name the sheet of this question, or correct its first line",
        )
    return sheet
