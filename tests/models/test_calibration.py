"""Calibration: rising, level, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

from revml.models.calibration import Calibration, CalibrationKind, fit_calibration, fit_line, log_odds, sigmoid

RNG = np.random.default_rng(0)
TRUE = RNG.normal(-1.0, 1.5, 20_000)
LABEL = (RNG.random(20_000) < sigmoid(TRUE)).astype(float)


def test_line_is_found_again() -> None:
    """Log-odds that are twice too steep and one too high are set right."""
    intercept, slope = fit_line(2 * TRUE + 1, LABEL)
    assert (intercept, slope) == (pytest.approx(-0.5, abs=0.05), pytest.approx(0.5, abs=0.02))


@pytest.mark.parametrize("kind", ["sigmoid", "isotonic"])
def test_calibrated_share_is_observed_share(kind: CalibrationKind) -> None:
    """In every fifth of the scores, the predicted share is the observed one within three points."""
    p = fit_calibration(2 * TRUE + 1, LABEL, kind).apply(2 * TRUE + 1)
    for part in np.array_split(np.argsort(p), 5):
        assert p[part].mean() == pytest.approx(LABEL[part].mean(), abs=0.03)


@pytest.mark.parametrize("kind", ["none", "sigmoid", "isotonic"])
def test_order_is_kept(kind: CalibrationKind) -> None:
    """A higher score never gets a lower probability."""
    p = fit_calibration(TRUE, LABEL, kind).apply(np.linspace(-12, 12, 500))
    assert (np.diff(p) >= 0).all()


def test_wrong_way_round_becomes_flat() -> None:
    """A score that ranks the wrong way is not turned round but flattened to the base rate."""
    p = fit_calibration(-TRUE, LABEL, "sigmoid").apply(np.array([-3.0, 3.0]))
    assert p == pytest.approx([LABEL.mean()] * 2, abs=1e-3)


def test_separated_classes_stay_finite() -> None:
    """Classes that a score separates give finite numbers."""
    intercept, slope = fit_line(np.array([-1.0, 1.0]), np.array([0.0, 1.0]))
    assert np.isfinite([intercept, slope]).all()


def test_level_is_met() -> None:
    """Levelling moves the mean probability to the rate that was asked."""
    assert Calibration("sigmoid").levelled(TRUE, 0.05).apply(TRUE).mean() == pytest.approx(0.05, abs=1e-9)


def test_json_round_trip() -> None:
    """What `calibration.json` holds gives the same bits."""
    fitted = fit_calibration(TRUE, LABEL, "isotonic")
    again = Calibration.from_json(fitted.to_json())
    assert (again.apply(TRUE) == fitted.apply(TRUE)).all()


def test_probabilities_stay_off_the_ends() -> None:
    """Even absurd scores give probabilities whose log-odds are finite."""
    assert np.isfinite(log_odds(Calibration("none").apply(np.array([-1e9, 1e9])))).all()
