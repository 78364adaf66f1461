"""The gate, and the champion's change: promote what passes it, go back in one step, say who was champion when.

Comes in: a comparison of champion and challenger. Goes out: a table of rows (what was wanted, what came, whether it is
good enough) and, where all are, a new champion. The pointer beside the bundles is changed first and the registry
follows; with MLflow away the change counts all the same and is told to it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from revml.comparing import Comparison, Side, candidate, compare
from revml.config import QUESTIONS, QuestionName, Workspace
from revml.errors import BundleError, Busy, ConfigError, GateError, NotEnoughData
from revml.evaluation.verdict import MAX_ERROR_FLOOR, MAX_ERROR_SHARE, SENTENCES, calibration_error
from revml.models.bundle import Bundle
from revml.models.golden import check_golden
from revml.models.history import rolled_back
from revml.models.registry import appoint, challenger, go_back, history, in_service, training
from revml.models.shelf import shelve
from revml.progress import Progress
from revml.sources.facts import Facts
from revml.tracking import follow

# A retrained model need not beat the old one beyond doubt, for on one window hardly any does, and the fresher one knows
# more. It must not be clearly worse, and it must be likelier better than not, or follow one that no longer holds.
LIKELY = 0.60  # share of resamples in which it has the lower log-loss
CLEARLY = 0.95  # and in which it is beyond doubt
# Agreement of reasons: of concepts by importance, of accounts' first reasons, of their three strongest. Retrains of the
# sample companies kept 0.63 to 1 of the last, where another account's reasons agree by 0.35 (docs/model-card.md).
RANKS, FIRST, SHARED = 0.5, 0.4, 0.5


@dataclass(frozen=True)
class Row:
    """A line of the gate."""

    name: str
    wanted: str
    got: str
    ok: bool


@dataclass(frozen=True)
class Promotion:
    """A change of champion: what it was judged by, and what the user should know of the registry."""

    question: str
    champion: Bundle
    before: str | None
    rows: tuple[Row, ...] = ()
    forced: bool = False
    note: str = ""

    def summary(self) -> str:
        """One sentence for logs."""
        how = ", forced" if self.forced else ""
        was = f" in place of {self.before}" if self.before else ""
        told = f"{self.question}: {self.champion.hash[:12]} ({self.champion.rung}) is champion{was}{how}"
        return f"{told}; {self.note}" if self.note else told


def gate(workspace: Workspace, told: Comparison) -> tuple[Row, ...]:
    """Judge a comparison; a challenger may be promoted where every row is ok."""
    bundle = told.challenger.bundle
    return (
        _sound(bundle),
        _own_test(bundle),
        _leaks(bundle),
        Row("same question", "trained with the definition in revml.yaml", told.unlike or "it was", ok=not told.unlike),
        _unseen(told),
        _not_worse(told),
        _beats_rule(bundle),
        _calibrated(told),
        _calibrated_by_segment(told),
        _reasons(told),
        _not_rolled_back(workspace, bundle),
    )


def failing(rows: Sequence[Row]) -> tuple[str, ...]:
    """The names of the rows that say no."""
    return tuple(row.name for row in rows if not row.ok)


def _sound(bundle: Bundle) -> Row:
    """Files were verified when it was loaded; here also whether this machine scores as the one that trained."""
    wanted = "every file as training wrote it, golden rows scored alike"
    try:
        checked = check_golden(bundle)
    except BundleError as error:
        return Row("bundle sound", wanted, f"{error.what}: {error.got} for {error.wanted}", ok=False)
    told = "golden rows agree" if checked else "no golden rows: trained by an older revml"
    return Row("bundle sound", wanted, f"{bundle.hash[:12]}, verified; {told}", ok=True)


def _own_test(bundle: Bundle) -> Row:
    verdict = bundle.manifest["verdict"]
    why = "; ".join(SENTENCES.get(reason, reason) for reason in verdict["reasons"])
    return Row("own test", "passed when it was trained", why or "passed", ok=bool(verdict["passed"]))


def _leaks(bundle: Bundle) -> Row:
    found = bundle.manifest.get("leaks")
    if found is None:
        return Row("leak guard", "no feature knows the answer", "not checked: trained by an older revml", ok=True)
    blocking = [one.get("feature") or "rows" for one in found if one.get("blocks", one.get("certain"))]
    got = ", ".join(str(name) for name in blocking[:5]) or f"clear ({len(found)} worth a look)"
    return Row("leak guard", "no feature knows the answer", got, ok=not blocking)


def _unseen(told: Comparison) -> Row:
    days = f"as of {', '.join(told.as_of)}" if told.as_of else "accounts held out"
    got = f"{told.rows:,} rows, {told.events:,} events, {days}"
    if told.seen:
        got = f"{told.seen}; left: {told.rows:,} rows, {told.events:,} events"
    wanted = "rows of both outcomes, later than all that either learned from"
    return Row("unseen window", wanted, got, ok=0 < told.events < told.rows)


def _not_worse(told: Comparison) -> Row:
    wanted = f"log-loss lower in {LIKELY:.0%} of resamples, or not clearly higher than that of a champion that fails"
    if told.champion is None:
        return Row("beats champion", wanted, "no model serves, so there is none to beat", ok=told.rows > 0)
    if told.unfit:
        return Row("beats champion", wanted, f"the champion cannot score: {told.unfit}", ok=told.rows > 0)
    loss = told.differences.get("log_loss")
    if loss is None or loss.better is None or loss.challenger is None or loss.champion is None:
        return Row("beats champion", wanted, "nothing can be told from this window", ok=False)
    tired = _no_longer_holds(told.champion)
    clearly_worse = loss.better <= 1 - CLEARLY
    got = f"{loss.challenger:.4f} against {loss.champion:.4f}, lower in {loss.better:.0%}"
    if loss.low == loss.high == 0:
        got = f"{loss.challenger:.4f}, both foretell the same"
    if tired:
        got += f"; the champion fails: {tired}"
    return Row("beats champion", wanted, got, ok=loss.better >= LIKELY or (bool(tired) and not clearly_worse))


def _no_longer_holds(champion: Side) -> str:
    """Why a champion does not hold on this window, beyond chance or by its own figures; empty where it does."""
    if champion.figures is None:
        return "it cannot be measured"
    gain = champion.figures.values["log_loss_gain"].value
    if "calibration" in champion.failed:
        return SENTENCES["calibration"]
    return "its log-loss is no better than the constant rate's" if gain is not None and gain <= 0 else ""


def _beats_rule(bundle: Bundle) -> Row:
    wanted = "out of sample, a lower log-loss than the best rule, or a clearly better order"
    ladder = {row["rung"]: row for row in bundle.manifest["ladder"]}
    mine, rule = ladder.get(bundle.rung), ladder.get("rule")
    if bundle.rung == "rule":
        return Row("beats best rule", wanted, "it is the best rule, and is called one", ok=True)
    if mine is None or rule is None:
        return Row("beats best rule", wanted, "no rule was tried (see rungs in the model sheet)", ok=True)
    ordered = (mine.get("ranks") or 0.0) >= 0.9
    got = f"{mine['log_loss']:.4f} against {rule['log_loss']:.4f}" + (", better order" if ordered else "")
    return Row("beats best rule", wanted, got, ok=mine["log_loss"] < rule["log_loss"] or ordered)


def _calibrated(told: Comparison) -> Row:
    figures = told.challenger.figures
    if figures is None:
        return Row("calibrated", "predicted and observed shares alike", "no rows", ok=False)
    error, limit = calibration_error(figures)
    return Row("calibrated", f"calibration error up to {limit:.3f}", f"{error:.3f}", ok=error <= limit)


def _calibrated_by_segment(told: Comparison) -> Row:
    """Off is what is off beyond chance and by more than the whole may be: a shift of all is told in the row above."""
    segments = told.challenger.segments
    if not segments:
        return Row("calibrated by segment", "no segment clearly off", "no segments of 30 rows", ok=told.rows > 0)
    off = []
    for one in segments:
        away = abs(one["events"] - one["expected"])
        allowed = max(MAX_ERROR_FLOOR, MAX_ERROR_SHARE * one["expected"] / one["n"]) * one["n"]
        if away > allowed and not one["chance_low"] <= one["events"] <= one["chance_high"]:
            off.append(f"{one['column']} {one['value']}: {one['expected']:.0f} expected, {one['events']} came")
    got = "; ".join(off) or f"{len(segments)} segments, none off"
    return Row("calibrated by segment", "no segment off beyond chance", got, ok=not off)


def _reasons(told: Comparison) -> Row:
    wanted = (
        f"concepts agree at {RANKS} or more, first reason stays for {FIRST:.0%}, {SHARED:.0%} of the three strongest "
        "stay, or clearly better"
    )
    if told.champion is None or told.unfit:
        return Row("reasons stable", wanted, "nobody has reasons yet", ok=True)
    if told.rank_agreement is None or told.same_first_reason is None:
        return Row("reasons stable", wanted, "one of them gives no reasons", ok=True)
    loss = told.differences.get("log_loss")
    clearly = loss is not None and (loss.better or 0.0) >= CLEARLY
    shared = 1.0 if told.top_reasons is None else told.top_reasons.shared
    got = f"{told.rank_agreement:.2f}, {told.same_first_reason:.0%}, {shared:.0%}"
    got += ", clearly better" if clearly else ""
    ok = clearly or (told.rank_agreement >= RANKS and told.same_first_reason >= FIRST and shared >= SHARED)
    return Row("reasons stable", wanted, got, ok=ok)


def _not_rolled_back(workspace: Workspace, bundle: Bundle) -> Row:
    at = rolled_back(history(workspace, bundle.question)).get(bundle.folder.name)
    return Row("not rolled back", "nobody took it out of service", f"at {at}" if at else "nobody did", ok=not at)


def promote(
    workspace: Workspace,
    facts: Facts | None,
    question: QuestionName,
    *,
    bundle: str | None = None,
    force: bool = False,
    reason: str = "",
    progress: Progress | None = None,
) -> Promotion:
    """Make the challenger, or another bundle, champion where the gate lets it through.

    Args:
        facts: None where a ready table answers the question.
        bundle: first digits of its hash; the challenger where none is given.
        force: promote it whatever the gate says; `reason` is then needed and recorded.

    Raises:
        GateError: a row says no.
        ConfigError: forced without a reason.
        NotFound, BundleError, NotEnoughData: see `compare`; forcing gets past the last one only.
    """
    if force and not reason.strip():
        raise ConfigError(
            "a forced promotion needs a reason",
            wanted="--reason with a sentence that whoever reads the history will understand",
            got="none",
            do="add --reason, or leave --force out and see what the gate says",
        )
    rows: tuple[Row, ...]
    try:
        told = compare(workspace, facts, question, bundle=bundle, progress=progress)
        chosen, rows = told.challenger.bundle, gate(workspace, told)
    except NotEnoughData as error:
        if not force:
            raise
        chosen = candidate(workspace, question, bundle)
        rows = (Row("unseen window", "a closed window to compare on", error.what, ok=False),)
    failed = failing(rows)
    if failed and not force:
        raise GateError(
            f"{chosen.hash[:12]} of {question} may not be promoted",
            wanted="; ".join(f"{row.name}: {row.wanted}" for row in rows if not row.ok),
            got="; ".join(f"{row.name}: {row.got}" for row in rows if not row.ok),
            do=f"see `revml compare {question}`; to promote it all the same, --force --reason TEXT",
        )
    serving = in_service(workspace, question)
    forced = bool(force and failed)
    appoint(
        chosen.folder.parent,
        chosen.folder.name,
        chosen.registered,
        event="promote",
        forced=forced,
        reason=reason.strip(),
        failed=failed,
    )
    shelve(workspace, chosen)
    note = _told(workspace, question, {"rows": [asdict(row) for row in rows], "forced": forced, "reason": reason})
    return Promotion(question, chosen, serving.hash[:12] if serving else None, rows, forced, note)


def roll_back(workspace: Workspace, question: QuestionName, *, reason: str = "") -> Promotion:
    """Let the champion before serve again; it needs neither data nor MLflow.

    Raises:
        NotFound: there was none before.
        BundleError: it is broken or no longer there.
    """
    target, before = go_back(workspace, question, reason=reason)
    shelve(workspace, target)
    return Promotion(question, target, before, note=_told(workspace, question))


def promote_waiting(
    workspace: Workspace,
    facts: Facts | None,
    question: QuestionName | Literal["all"] = "all",
    *,
    progress: Progress | None = None,
) -> list[str]:
    """Promote every waiting challenger that the gate lets through; a sentence on each, and on those that stay out.

    Meant for a pipeline that nobody watches: a gate that says no is told and stops nothing.
    """
    told = []
    for name in QUESTIONS if question == "all" else (question,):
        if challenger(workspace, name) is None:
            continue
        try:
            told.append(promote(workspace, facts, name, progress=progress).summary())
        except GateError as error:
            told.append(f"{name}: the champion stays; {error.got}")
        except (NotEnoughData, BundleError) as error:
            told.append(f"{name}: the champion stays; {error.what}: {error.got}")
    return told or ["no challenger waits"]


def _told(workspace: Workspace, question: QuestionName, judged: dict[str, Any] | None = None) -> str:
    """Let MLflow follow; empty, or what the user should know where it could not."""
    try:
        with training(workspace.bundles_dir / question, question):
            return follow(workspace, question, judged=judged)
    except Busy:
        return "a training is under way; MLflow is told when it ends"


__all__ = ["Promotion", "Row", "failing", "gate", "promote", "promote_waiting", "roll_back"]
