"""Whether a model may serve: it must rank, beat the constant rate, and be calibrated, each beyond chance.

A rule that passes may be champion; it is then called a rule. Reasons are plain sentences for the tags and the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from revml.evaluation.figures import Figure, Figures

# Largest share by which predicted and observed may differ on average, against the base rate; never below three points.
MAX_ERROR_SHARE = 0.25
MAX_ERROR_FLOOR = 0.03


@dataclass(frozen=True)
class Verdict:
    """`passed`, and why not: `reasons` are catalogue keys (`card.verdict.<reason>`), empty when it passed."""

    passed: bool
    reasons: tuple[str, ...]

    def sentence(self) -> str:
        """The verdict in one English line, for terminals and tags."""
        return "passed" if self.passed else "not passed: " + "; ".join(SENTENCES[r] for r in self.reasons)


SENTENCES: Mapping[str, str] = {
    "rank": "it does not rank better than chance (90 % interval of the ROC-AUC reaches 0.5)",
    "loss": "it does not beat the constant rate (90 % interval of the log-loss gain reaches 0)",
    "calibration": "its probabilities are off by too much",
    "constant": "only the constant rate was left standing",
    "unknown": "the test window holds one class only, so nothing can be said",
}


def judge(figures: Figures, rung: str) -> Verdict:
    """The verdict on a model's test figures."""
    if rung == "constant":
        return Verdict(False, ("constant",))
    auc, gain, error = (figures.values[n] for n in ("roc_auc", "log_loss_gain", "calibration_error"))
    if auc.value is None or gain.value is None:
        return Verdict(False, ("unknown",))
    limit = max(MAX_ERROR_FLOOR, MAX_ERROR_SHARE * figures.base_rate)
    failed = (
        ("rank", not _above(auc, 0.5)),
        ("loss", not _above(gain, 0.0)),
        ("calibration", (error.low if error.low is not None else error.value or 0.0) > limit),
    )
    reasons = tuple(name for name, wrong in failed if wrong)
    return Verdict(not reasons, reasons)


def _above(figure: Figure, limit: float) -> bool:
    return figure.low is not None and figure.low > limit
