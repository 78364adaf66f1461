"""The models in service that a run scores with.

Comes in: a workspace, whose pointer files name a champion for each question. Goes out: their verified bundles, and
what a run tells its readers of each; a champion that the data no longer fits is refused before anything is scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from revml.at_risk import AtRisk
from revml.config import QUESTIONS, QuestionName, Workspace
from revml.errors import BundleError, NotFound
from revml.models.bundle import Bundle
from revml.models.learned import looks_back
from revml.models.registry import champion
from revml.store.runs import ModelRef

SILENT = 0.5  # share of unknown values in training, below which it is strange that all are
MIN_ROWS = 30  # of fewer, all may lack something by chance
NEW = 0.05  # share of rows with values that no training row had, from which on it is worth a line
KEPT_VALUES = 50  # of a category, in `reference.json`; of more, not all are known by name


def champions(workspace: Workspace) -> dict[QuestionName, Bundle]:
    """The model in service of each question that has one.

    Raises:
        NotFound: no question has one.
    """
    found: dict[QuestionName, Bundle] = {}
    for question in QUESTIONS:
        try:
            found[question] = champion(workspace, question)
        except NotFound:
            continue
    if not found:
        raise NotFound(
            "no question has a model in service yet",
            where=str(workspace.bundles_dir),
            wanted="a champion for at least one question",
            got="none",
            do="run `revml train all`; where no model passes, `revml kpis` tells lifetime values from the past alone",
        )
    return found


def must_fit(bundle: Bundle, rows: AtRisk) -> None:
    """Refuse rows that lack what a champion learned from.

    Raises:
        BundleError: says which features are gone.
    """
    gone = [name for name in bundle.features if name not in rows.columns]
    if gone:
        raise BundleError(
            f"the {bundle.question} model was trained on features that the data no longer gives",
            where=f"{bundle.question} model {bundle.version}",
            wanted=", ".join(gone[:20]) + (f" and {len(gone) - 20} more" if len(gone) > 20 else ""),
            got="checked data without them",
            do=f"bring the missing tables or columns back, or run `revml train {bundle.question}`",
        )


def since_training(bundles: Mapping[QuestionName, Bundle], rows: Mapping[QuestionName, AtRisk]) -> tuple[str, ...]:
    """Notes on what has changed in the rows of each question since its model was trained."""
    return tuple(
        note
        for question, asked in rows.items()
        for note in (*fallen_silent(bundles[question], asked), *never_seen(bundles[question], asked))
    )


def fallen_silent(bundle: Bundle, rows: AtRisk) -> tuple[str, ...]:
    """A note where features that were known for most rows in training are known for nobody now."""
    if len(rows) < MIN_ROWS:
        return ()
    told = bundle.reference.get("features", {})
    before = [f for f in bundle.features if told.get(f, {}).get("missing", 1.0) < SILENT and f in rows.columns]
    silent = [name for name in before if rows.column(name).isna().all()]
    if not silent:
        return ()
    more = f" and {len(silent) - 10} more" if len(silent) > 10 else ""
    return (
        f"{bundle.question}: {', '.join(silent[:10])}{more} were known for most accounts when the model was trained "
        "and are known for nobody now; the scores count them as unknown: did a feed stop?",
    )


def never_seen(bundle: Bundle, rows: AtRisk) -> tuple[str, ...]:
    """A note for each category of which many rows have a value that the model never met."""
    told = bundle.reference.get("features", {})
    notes = []
    for name in bundle.encoding.categorical:
        shares = told.get(name, {}).get("shares", {})
        if name not in rows.columns or not shares or len(shares) >= KEPT_VALUES:
            continue
        values = rows.column(name).dropna().astype(str)
        new = values[~values.isin([*shares])].value_counts()
        if len(new) and new.sum() >= NEW * len(rows):
            most = ", ".join(str(value) for value in new.index[:3]) + (", ..." if len(new) > 3 else "")
            notes.append(
                f"{bundle.question}: {name} of {new.sum():,} accounts is new since training ({most}); it counts as "
                f"unknown until `revml train {bundle.question}` has learned from it"
            )
    return tuple(notes)


def model_ref(bundle: Bundle) -> ModelRef:
    """What a run keeps of a model."""
    return ModelRef(
        question=bundle.question,
        version=bundle.version,
        bundle=bundle.hash,
        rung=bundle.rung,
        horizon_days=bundle.horizon_days,
        base_rate=bundle.base_rate,
        figures=bundle.figures,
        extrapolated_days=bundle.extrapolated_days,
    )


def looking_back(bundles: Mapping[QuestionName, Bundle], as_of: Mapping[QuestionName, datetime]) -> tuple[str, ...]:
    """A note for each question whose model learned from what came after the instant that it scores."""
    told = (looks_back(bundles[question], at) for question, at in as_of.items())
    return tuple(note for note in told if note is not None)
