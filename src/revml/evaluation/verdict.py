"""Whether a model may serve: it must rank, beat the constant rate, and be calibrated, each beyond chance.

A rule that passes may be champion; it is then called a rule. Reasons are plain sentences for the tags and the card.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from revml.evaluation.figures import Figure, Figures

# How far predicted and observed may differ on average: a share of the base rate, three points in any case, and always
# as much as a test of this size shows by chance.
MAX_ERROR_SHARE = 0.25
MAX_ERROR_FLOOR = 0.03
# A test with fewer events than this has wide intervals; then the rows the rung was chosen on may settle the matter.
SMALL_TEST_EVENTS = 100
SETTLED = 0.975
# A small test's calibration was learned from about as few events as it is tested on, so the noise is there twice.
BOTH_NOISY = 2**0.5
HALF_WAY = 0.5  # of its 90 % interval's lower half, by which a small test must itself lie above chance
# One test in twenty clears chance by luck. On noise the rows that the rung was chosen on do not say the same; with a
# real mechanism they do, be it ever so small.
AGREES = 0.80


@dataclass(frozen=True)
class Verdict:
    """`passed`, and why not: `reasons` are catalogue keys (`card.verdict.<reason>`), empty when it passed.

    `borrowed` says that the test is small and points the right way, and that what settled it are the rows on which the
    rung was chosen, none of which the model that was judged there had seen.
    """

    passed: bool
    reasons: tuple[str, ...]
    borrowed: bool = False

    def sentence(self) -> str:
        """The verdict in one English line, for terminals and tags."""
        return "passed" if self.passed else "not passed: " + "; ".join(SENTENCES[r] for r in self.reasons)


SENTENCES: Mapping[str, str] = {
    "rank": "it does not rank better than chance (90 % interval of the ROC-AUC reaches 0.5)",
    "loss": "it does not beat the constant rate (90 % interval of the log-loss gain reaches 0)",
    "calibration": "its probabilities are off by too much",
    "constant": "only the constant rate was left standing",
    "chosen": "where it was chosen it did not beat the constant rate in 8 of 10 resamples; the test may be luck",
    "unknown": "the test window holds one class only, so nothing can be said",
    "leak": "a feature knows the answer (see the findings); leave it out, or allow it in the sheet with the reason",
}


def judge(figures: Figures, rung: str, *, over_constant: float | None = None) -> Verdict:
    """The verdict on a model's test figures.

    Args:
        over_constant: share of account resamples in which the rung beat the constant rate where it was chosen; None
            where that is not known, then the test alone decides.
    """
    if rung == "constant":
        return Verdict(False, ("constant",))
    auc, gain = figures.values["roc_auc"], figures.values["log_loss_gain"]
    if auc.value is None or gain.value is None:
        return Verdict(False, ("unknown",))
    small = figures.events < SMALL_TEST_EVENTS
    error, limit = calibration_error(figures)
    settled = small and over_constant is not None and over_constant >= SETTLED
    alone = _above(auc, 0.5), _above(gain, 0.0)
    ranks, gains = (_half_above(auc, 0.5), gain.value > 0.0) if settled else alone
    doubted = over_constant is not None and over_constant < AGREES
    failed = (("rank", not ranks), ("loss", not gains), ("chosen", doubted), ("calibration", error > limit))
    reasons = tuple(name for name, wrong in failed if wrong)
    return Verdict(not reasons, reasons, borrowed=not reasons and not all(alone))


def calibration_error(figures: Figures) -> tuple[float, float]:
    """How far predicted and observed shares differ on average, and how far they may."""
    error, chance = (figures.values[n].value or 0.0 for n in ("calibration_error", "calibration_chance"))
    noisy = BOTH_NOISY if figures.events < SMALL_TEST_EVENTS else 1.0
    return error, max(MAX_ERROR_FLOOR, MAX_ERROR_SHARE * figures.base_rate, chance * noisy)


def stopped(verdict: Verdict, leaks: Collection[str]) -> Verdict:
    """The verdict where features know the answer: whatever a model shows then, it does not show that it can foresee.

    Args:
        leaks: what blocks, see `evaluation.guard`.
    """
    return Verdict(False, (*verdict.reasons, "leak")) if leaks else verdict


def _above(figure: Figure, limit: float) -> bool:
    return figure.low is not None and figure.low > limit


def _half_above(figure: Figure, limit: float) -> bool:
    """Whether a figure lies above a limit by at least half of what would be beyond chance."""
    if figure.value is None or figure.low is None:
        return False
    return figure.value - limit > HALF_WAY * (figure.value - figure.low)
