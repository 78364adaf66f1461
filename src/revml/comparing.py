"""Champion and challenger on the same newest closed window: figures, differences, calibration, reasons, bands.

Comes in: a workspace, its facts, a question. Goes out: a `Comparison`, plain numbers that `promoting` judges. Both are
judged on rows later than everything that either learned from, and the differences are paired: each resample draws whole
accounts, and both models meet the same draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from revml.config import QuestionName, QuestionSpec, Workspace
from revml.datasets import Dataset, feature_frame, with_features
from revml.errors import BundleError, NotFound
from revml.evaluation.expected import Uncertainty
from revml.evaluation.figures import Counted, Figures, measure
from revml.evaluation.metrics import log_losses
from revml.evaluation.paired import NAMES, ROUNDS, Difference, differences, population_shift
from revml.evaluation.segments import Segments, as_told
from revml.evaluation.stability import Overlap
from revml.evaluation.verdict import judge
from revml.explanations.agreement import Agreement, agreement
from revml.labels.labelled import labelled_snapshots
from revml.models.bundle import Bundle, load_bundle
from revml.models.reference import segment_of
from revml.models.registry import challenger, in_service
from revml.progress import Progress, silent
from revml.ready import definition_of, ready_dataset
from revml.snapshots import KEYS, keys_of
from revml.sources.facts import Facts

CHANCE = 0.01  # of a segment that is off by luck, all segments together


@dataclass(frozen=True)
class Side:
    """One of the two on the window.

    Args:
        failed: the checks of its test that it fails on this window (keys of `verdict.SENTENCES`).
        drift: how far its scores have moved from those it was trained on (population stability index).
        segments: `Figures.segments` with the log-loss, and as `chance_low` and `chance_high` what chance may do to
            the events: the interval that all segments together leave in `CHANCE` of the cases.
    """

    bundle: Bundle
    figures: Figures | None
    failed: tuple[str, ...]
    drift: float | None
    segments: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "bundle": self.bundle.hash,
            "version": self.bundle.version,
            "rung": self.bundle.rung,
            "trained": self.bundle.manifest["made"]["at"],
            "learned_until": max(_learned(self.bundle), default=None),
            "figures": self.figures.to_json() if self.figures else None,
            "fails": list(self.failed),
            "score_drift": self.drift,
            "segments": list(self.segments),
        }


@dataclass(frozen=True)
class Comparison:
    """What the newest closed window says of both.

    Attributes:
        champion: None where nothing, or only the average rate, serves; then there is nothing to beat.
        as_of, rows, accounts, events: the rows that both are judged on, later than what either learned from.
        closed: rows of the newest closed window before those that one of them knew were left out; `seen` says why.
        unlike: what differs between the definitions of the two and that of revml.yaml, in words; empty: nothing.
        differences: by `NAMES`; empty without a champion.
        rank_agreement: Spearman's correlation of the concepts by importance; None where one has no concepts.
        same_first_reason, changed_band: shares of the accounts.
        top_reasons: overlap of each account's three strongest reasons; None where nobody has any.
    """

    question: QuestionName
    challenger: Side
    champion: Side | None
    as_of: tuple[str, ...]
    rows: int
    accounts: int
    events: int
    closed: int
    seen: str
    unlike: str
    unfit: str
    differences: dict[str, Difference]
    rank_agreement: float | None
    same_first_reason: float | None
    changed_band: float | None
    top_reasons: Overlap | None
    concepts: dict[str, dict[str, float]]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, for files and --json."""
        told = {
            k: v for k, v in vars(self).items() if k not in ("challenger", "champion", "differences", "top_reasons")
        }
        return {
            **told,
            "challenger": self.challenger.to_json(),
            "champion": self.champion.to_json() if self.champion else None,
            "top_reasons": self.top_reasons.to_json() if self.top_reasons else None,
            "differences": {name: asdict(one) for name, one in self.differences.items()},
        }


def candidate(workspace: Workspace, question: QuestionName, bundle: str | None = None) -> Bundle:
    """The bundle of that hash, or the challenger.

    Raises:
        NotFound: there is none, or the first digits fit several.
        BundleError: it is broken.
    """
    folder = workspace.bundles_dir / question
    if bundle is None:
        waiting = challenger(workspace, question)
        if waiting is not None:
            return waiting
        raise NotFound(
            f"no challenger of {question} waits",
            where=str(folder),
            wanted="a model that passed its test beside the champion",
            got="none",
            do=f"`revml train {question}` makes one where data, sheet or definition are new (the same data give the "
            f"same model); an older one of `revml models {question}` is named with --bundle",
        )
    fits = sorted(p.parent for p in folder.glob(f"{bundle[:12]}*/manifest.json"))
    if len(fits) != 1 or not bundle:
        raise NotFound(
            "no such bundle" if not fits else "several bundles begin like that",
            where=str(folder),
            wanted="the first digits of one bundle's hash",
            got=f"{bundle!r}, which fits {len(fits)}",
            do=f"see `revml models {question}`",
        )
    return load_bundle(fits[0])


def compare(
    workspace: Workspace,
    facts: Facts | None,
    question: QuestionName,
    *,
    bundle: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the challenger, or another bundle, with the champion.

    Args:
        facts: None where a ready table answers the question.
        bundle: first digits of its hash; the challenger where none is given.

    Raises:
        NotFound: there is no such bundle, or it is the champion itself.
        NotEnoughData: no window has closed.
        BundleError: the challenger needs a feature that the data no longer gives.
    """
    report = progress or silent
    new = candidate(workspace, question, bundle)
    old = in_service(workspace, question)
    if old is not None and old.hash == new.hash:
        raise NotFound(
            f"bundle {new.hash[:12]} is the champion of {question} itself",
            wanted="another bundle to compare it with",
            got=new.hash[:12],
            do=f"see `revml models {question}`",
        )
    window = newest_window(workspace, facts, question, progress=lambda what, share: report(what, 0.6 * share))
    if gone := _unfit(new, window.rows):
        raise BundleError(
            f"the data of today does not fit bundle {new.hash[:12]} of {question}",
            where=str(new.folder),
            wanted="every feature that it was trained on",
            got=gone,
            do=f"bring the missing tables or columns back, or run `revml train {question}`",
        )
    report("comparing", 0.6)
    return compared(workspace, window, new, old)


@dataclass(frozen=True)
class Window:
    """The newest closed window by today's data, with features: what a model trained today would be tested on."""

    question: QuestionName
    rows: pd.DataFrame
    spec: QuestionSpec
    fingerprint: str | None = None
    dated: bool = True


def newest_window(
    workspace: Workspace, facts: Facts | None, question: QuestionName, *, progress: Progress | None = None
) -> Window:
    """Build the test part of today's dataset, and nothing else of it.

    Raises:
        NotEnoughData: no window has closed, or too little happened.
        NotFound: facts are needed and nothing was checked yet.
    """
    ready = workspace.ready_for(question)
    if ready is not None:
        whole: Dataset = ready_dataset(workspace, ready, progress=progress)
        spec = definition_of(workspace, ready)
        return Window(question, whole.part("test"), spec, whole.fingerprint, dated=not whole.held_out)
    if facts is None:
        facts = Facts.open(workspace.staged_dir)
    part = labelled_snapshots(workspace, facts, question)
    rows = part.rows[part.rows["as_of"].isin(list(part.split.test))].reset_index(drop=True)
    features = feature_frame(facts, rows[list(KEYS)].drop_duplicates(), progress=progress)
    return Window(question, with_features(facts, rows, features, part.spec), part.spec)


def compared(workspace: Workspace, window: Window, new: Bundle, old: Bundle | None) -> Comparison:
    """`compare` on a window that is already built."""
    unseen = np.ones(len(window.rows), dtype=bool)
    told = []
    for name, bundle in (("challenger", new), ("champion", old)):
        if bundle is None:
            continue
        mine = _unseen(bundle, window)
        if not mine.all():
            told.append(f"the {name} learned from data that overlaps {int((~mine).sum()):,} of {len(mine):,} rows")
        unseen &= mine
    rows = window.rows[unseen].reset_index(drop=True)
    unfit = _unfit(old, rows)
    both = old is not None and not unfit
    of = _segments(new, rows)  # the same for both, so that they can be told side by side
    challenging = _side(workspace, new, rows, of, window)
    serving = _side(workspace, old, rows, of, window) if old is not None and both else None
    if old is not None and not both:
        serving = Side(old, None, ("unfit",), None, ())
    away: dict[str, Difference] = {}
    reasons, changed = Agreement(None, None, {}), None
    if old is not None and both and len(rows):
        p_new, p_old = new.predict(rows), old.predict(rows)
        away = differences(rows, p_new, p_old, capacity=workspace.capacity.accounts_per_month, seed=workspace.seed)
        newest = (rows["as_of"] == rows["as_of"].max()).to_numpy()
        changed = float((new.bands.of(p_new[newest]) != old.bands.of(p_old[newest])).mean())
        reasons = agreement(new, old, rows[newest].reset_index(drop=True))
    return Comparison(
        question=window.question,
        challenger=challenging,
        champion=serving,
        as_of=tuple(str(at.date()) for at in rows["as_of"].drop_duplicates().sort_values()) if window.dated else (),
        rows=len(rows),
        accounts=int(rows["account_id"].nunique()),
        events=int(rows["label"].sum()),
        closed=len(window.rows),
        seen="; ".join(told),
        unlike=_unlike(window.spec, new, old),
        unfit=unfit,
        differences=away,
        rank_agreement=reasons.ranks,
        same_first_reason=reasons.first,
        changed_band=changed,
        top_reasons=reasons.top,
        concepts=reasons.shares,
    )


def _learned(bundle: Bundle) -> list[str]:
    split = bundle.manifest["data"]["split"]
    return [*split["train"], *split["valid"]]


def _unseen(bundle: Bundle, window: Window) -> np.ndarray:
    """Rows whose account was looked at only after the last label that the bundle learned from was final.

    Rows without dates are unseen only where the bundle was trained on the very same table, whose test they are.
    """
    if not window.dated or not bundle.manifest["data"].get("dated", True):
        alike = window.fingerprint is not None and bundle.manifest["data"]["fingerprint"] == window.fingerprint
        return np.full(len(window.rows), alike)
    told = bundle.manifest["definition"]
    reach = timedelta(days=int(told["gap_days"]) + int(told["horizon_days"]))
    last = max(datetime.fromisoformat(at) for at in _learned(bundle)) + reach
    return np.asarray((window.rows["as_of"] >= last).to_numpy())


def _unfit(bundle: Bundle | None, rows: pd.DataFrame) -> str:
    """Features that a bundle needs and the data no longer gives, in words."""
    gone = [name for name in bundle.features if name not in rows.columns] if bundle is not None else []
    more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
    return f"the data no longer gives {', '.join(gone[:5])}{more}" if gone else ""


def _unlike(spec: QuestionSpec, new: Bundle, old: Bundle | None) -> str:
    asked = spec.model_dump(mode="json")

    def away(bundle: Bundle) -> str:
        told = bundle.manifest["definition"]
        pairs = [(k, told[k], asked[k]) for k in asked if k in told and told[k] != asked[k]]
        return ", ".join(f"{name} {had} for {wants}" for name, had, wants in pairs)

    found = [
        f"the {name} was trained with {words}"
        for name, bundle in (("challenger", new), ("champion", old))
        if bundle is not None and (words := away(bundle))
    ]
    return "; ".join(found)


def _side(workspace: Workspace, bundle: Bundle, rows: pd.DataFrame, of: Segments, window: Window) -> Side:
    if rows.empty:
        return Side(bundle, None, ("unknown",), None, ())
    probability = bundle.predict(rows)
    judged = rows[[*keys_of(rows), "label", "money"]].assign(probability=probability)
    # As on the card: noise, and what is not known of the level and of how it moves.
    unsure = Uncertainty(**bundle.manifest.get("uncertainty", {}))
    days = float(window.spec.window(window.question).reach.days) if window.dated else 0.0
    figures = measure(
        judged,
        constant=bundle.base_rate,
        capacity=workspace.capacity.accounts_per_month,
        seed=workspace.seed,
        rounds=ROUNDS // 2,
        segments=of,
        uncertainty=unsure,
        window_days=days,
    )
    verdict = judge(figures, bundle.rung)
    quantiles = bundle.reference["scores"]["quantiles"]
    segments = _by_segment(figures, judged, of, Counted(judged, unsure, days, workspace.seed))
    return Side(bundle, figures, verdict.reasons, population_shift(quantiles, probability), segments)


def _by_segment(figures: Figures, judged: pd.DataFrame, of: Segments, count: Counted) -> tuple[dict[str, Any], ...]:
    losses = log_losses(judged["probability"].to_numpy(dtype=float), judged["label"].to_numpy(dtype=float))
    told = []
    for one in figures.segments:
        mine = np.array([value is not None and str(value) == one["value"] for value in of[one["column"]]])
        chance = count(mine, 1 - CHANCE / len(figures.segments))
        told.append(
            {**one, "log_loss": float(losses[mine].mean()), "chance_low": chance.low, "chance_high": chance.high}
        )
    return tuple(told)


def _segments(bundle: Bundle, rows: pd.DataFrame) -> Segments:
    """The segments of the bundle's card; of a bundle whose test was too small for any, those of its peers."""
    if told := bundle.figures.get("segments"):
        return as_told(told, rows)
    peers = bundle.reference["peers"]
    return {peers["column"]: list(segment_of(rows, peers))} if peers["column"] else {}


def side_by_side(comparison: Comparison) -> list[Mapping[str, Any]]:
    """Segments of both side by side: those of the challenger, with the champion's figures where it has the same."""
    theirs = {(s["column"], s["value"]): s for s in (comparison.champion.segments if comparison.champion else ())}
    return [
        {**mine, "champion": theirs.get((mine["column"], mine["value"]))} for mine in comparison.challenger.segments
    ]


__all__ = [
    "NAMES",
    "Comparison",
    "Side",
    "Window",
    "candidate",
    "compare",
    "compared",
    "newest_window",
    "side_by_side",
]
