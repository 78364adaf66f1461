"""What changed of an account's scores since the run before, out of the store and the kept rows.

Comes in: a workspace with published runs, an account. Goes out: a `Change` for each score that both runs have. Rows and
models are read where they are still there; without them the difference by concept is told from the store alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import numpy as np

from revml.config import QuestionName, Workspace
from revml.errors import BundleError, NotFound, StoreError
from revml.explanations.amounts import Value
from revml.explanations.changes import Change, Scored, change, told
from revml.explanations.choosing import Concepts
from revml.explanations.facts import own_features
from revml.explanations.one_row import Said, ask, feature_of, fits, values_of_row
from revml.explanations.reasons import features_of
from revml.features.spec import Feature
from revml.models.bundle import Bundle
from revml.scoring.kept_rows import bundle_of, can_ask, kept_row
from revml.store import Store
from revml.store.explained import Explained, TwoRuns, now_and_before
from revml.store.views import ModelInfo, RunInfo


@dataclass(frozen=True)
class Changes:
    """What changed of an account.

    Attributes:
        since: when the run before looked from; None where there is none.
        changes: of the scores that both runs have and tell the making of.
        untold: question and item of scores of which the run before tells none.
        askable: questions whose rows were kept here, so that what-if and levers can be asked.
    """

    run: RunInfo
    account_id: str
    since: datetime | None
    changes: tuple[Change, ...]
    untold: tuple[tuple[str, str], ...]
    askable: tuple[str, ...]


def changes_of(
    workspace: Workspace, store: Store, account_id: str, *, find: Callable[[ModelInfo], Bundle] | None = None
) -> Changes:
    """What changed of an account's scores since the run before.

    Args:
        find: the bundle of a run's model, where it is at hand; absent means in the bundles folder.

    Raises:
        NotFound: nothing was published, or the account was not scored.
    """
    both = now_and_before(store, account_id)
    earlier = {(one.question, one.item): one for one in both.before}
    made, untold = [], []
    for one in both.now:
        before = earlier.get((one.question, one.item))
        if before is None or before.base is None or one.base is None:
            untold.append((one.question, one.item))
            continue
        rows = _rows(workspace, both, account_id, one, find)
        made.append(change(one.question, one.item, _scored(before), _scored(one), rows))
    since = both.before[0].as_of if both.before else None
    askable = [m.question for m in both.run.models if any(one.question == m.question for one in both.now)]
    here = tuple(m for m in askable if can_ask(workspace, both.run, m))
    return Changes(both.run, account_id, since, tuple(made), tuple(untold), here)


def document(found: Changes, language: str) -> dict[str, Any]:
    """Changes as a document, with words in one language."""
    return {
        "account_id": found.account_id,
        "since": found.since,
        "changes": [told(one, language, found.run.currency) for one in found.changes],
        "untold": [{"question": question, "item": item} for question, item in found.untold],
        "askable": list(found.askable),
    }


def _scored(one: Explained) -> Scored:
    assert one.base is not None  # noqa: S101 - asked before
    return Scored(one.as_of, one.probability, one.band, one.model_version, one.bundle, one.base, one.parts)


class _Rows:
    """Both rows under the present model."""

    def __init__(self, bundle: Bundle, before: Mapping[str, Value], after: Mapping[str, Value]) -> None:
        self._bundle, self._values = bundle, (before, after)
        self._said: list[Said] = ask(bundle, [before, after])
        ideas = Concepts.of_features(features_of(bundle, own_features(bundle.ready)))
        self._concept = dict(zip(bundle.features, np.asarray(ideas.ideas, dtype=object)[ideas.of], strict=True))

    @property
    def bridge(self) -> tuple[float, Mapping[str, float]]:
        """What the present model says of the old row."""
        return self._said[0].base, self._said[0].concepts

    def fact(self, concept: str, sign: float) -> tuple[Feature, Value, Value] | None:
        """The feature of a concept that moved most in a direction."""
        old, new = (said.features for said in self._said)
        mine = [name for name in self._bundle.features if self._concept[name] == concept]
        best = max(mine, key=lambda name: (sign * (new[name] - old[name]), name), default=None)
        if best is None or sign * (new[best] - old[best]) <= 0:
            return None
        before, after = (row[best] for row in self._values)
        return None if before == after else (feature_of(self._bundle, best), before, after)


def _rows(
    workspace: Workspace,
    both: TwoRuns,
    account_id: str,
    one: Explained,
    find: Callable[[ModelInfo], Bundle] | None,
) -> _Rows | None:
    """The rows of both runs; None where one of them, or the model, is no longer there."""
    model = next(model for model in both.run.models if model.question == one.question)
    assert both.before_id is not None  # noqa: S101 - there is a score before
    question, item = cast(QuestionName, one.question), one.item or None
    try:
        bundle = find(model) if find else bundle_of(workspace.bundles_dir, model.question, model.bundle, model.version)
        before, after = (
            values_of_row(kept_row(workspace, run, question, account_id, item)) for run in (both.before_id, both.run.id)
        )
    except (NotFound, BundleError, StoreError):
        return None
    return None if fits(bundle, before) or fits(bundle, after) else _Rows(bundle, before, after)
