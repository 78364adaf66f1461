"""A published score asked about again: what if a feature were another, and which levers there are.

Comes in: a workspace with a published run, an account, and a question. Goes out: documents with words in one language.
The model is the one that scored the run, the row the one that it scored, so that "before" is the published score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from revml.config import QUESTIONS, QuestionName, Workspace
from revml.errors import NotFound
from revml.explanations.amounts import Value
from revml.explanations.lever_words import levers_told, what_if_told
from revml.explanations.levers import levers
from revml.explanations.one_row import values_of_row
from revml.explanations.what_if import what_if
from revml.models.bundle import Bundle
from revml.models.sheet import load_sheet
from revml.scoring.kept_rows import bundle_of, kept_row
from revml.snapshots import ITEM
from revml.store import Store
from revml.store.explained import now_and_before
from revml.store.views import ModelInfo, RunInfo

FindBundle: TypeAlias = Callable[[ModelInfo], Bundle]


@dataclass(frozen=True)
class Standing:
    """A published score with what it was made of.

    Attributes:
        row: every feature that was built, as it was scored.
    """

    run: RunInfo
    account_id: str
    question: QuestionName
    item: str
    bundle: Bundle
    row: Mapping[str, Value]

    @property
    def head(self) -> dict[str, Any]:
        """What an answer is about."""
        told = {"account_id": self.account_id, "question": self.question, "item": self.item}
        run = {"run_id": self.run.id, "as_of": self.run.as_of, "currency": self.run.currency}
        return told | run | {"model_version": self.bundle.version}


def standing(
    workspace: Workspace,
    store: Store,
    account_id: str,
    question: str | None = None,
    item: str | None = None,
    *,
    find: FindBundle | None = None,
) -> Standing:
    """The published score of an account with its row and model.

    Args:
        question: absent means the first that the account was scored for.
        item: of pairs; absent means the one with most expected money.
        find: the bundle of a run's model, where it is at hand; absent means in the bundles folder.

    Raises:
        NotFound: nothing was published, the account has no such score, or its row or model was not kept.
    """
    both = now_and_before(store, account_id)
    places = {name: place for place, name in enumerate(QUESTIONS)}
    scored = sorted(both.now, key=lambda one: places.get(one.question, len(places)))  # type: ignore[call-overload]
    asked = question or scored[0].question
    mine = [one for one in scored if one.question == asked and item in (None, "", one.item)]
    if not mine:
        raise NotFound(
            f"the account was not scored for {asked}" + (f" of {item}" if item else ""),
            where=f"run {both.run.id} as of {both.run.as_of:%Y-%m-%d}",
            wanted=", ".join(dict.fromkeys(f"{one.question} {one.item}".strip() for one in scored)),
            got=f"{asked} {item or ''}".strip(),
        )
    one = mine[0]
    model: ModelInfo = next(model for model in both.run.models if model.question == asked)
    row = kept_row(workspace, both.run.id, cast(QuestionName, asked), account_id, one.item or None)
    told = str(row[ITEM].iloc[0]) if ITEM in row else ""
    values = values_of_row(row)
    bundle = find(model) if find else bundle_of(workspace.bundles_dir, model.question, model.bundle, model.version)
    return Standing(both.run, account_id, cast(QuestionName, asked), told, bundle, values)


def asked_what_if(of: Standing, values: Mapping[str, Any], language: str) -> dict[str, Any]:
    """What the model would say of the account with some features set.

    Raises:
        ConfigError: there is no such feature, or a value that cannot be.
    """
    found = what_if(of.bundle, of.row, values)
    return of.head | what_if_told(of.bundle, found, language, of.run.currency)


def asked_levers(workspace: Workspace, of: Standing, language: str) -> dict[str, Any]:
    """What would bring the account out of its band, among what the model sheet says people can move.

    Raises:
        ConfigError: the model sheet is broken.
    """
    found = levers(of.bundle, of.row, load_sheet(workspace, of.question).actionable)
    return of.head | levers_told(of.bundle, found, language, of.run.currency)
