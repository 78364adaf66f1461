"""Calibration: rising, level, and what it says."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revml.models.calibration import (
    Calibration,
    CalibrationKind,
    choose_calibration,
    fit_calibration,
    fit_line,
    log_odds,
    sigmoid,
)

RNG = np.random.default_rng(0)
TRUE = RNG.normal(-1.0, 1.5, 20_000)
LABEL = (RNG.random(20_000) < sigmoid(TRUE)).astype(float)


def test_line_is_found_again() -> None:
    """Log-odds that are twice too steep and one too high are set right."""
    intercept, slope = fit_line(2 * TRUE + 1, LABEL)
    assert (intercept, slope) == (pytest.approx(-0.5, abs=0.05), pytest.approx(0.5, abs=0.02))


@pytest.mark.parametrize("kind", ["sigmoid", "beta", "isotonic"])
def test_calibrated_share_is_observed_share(kind: CalibrationKind) -> None:
    """In every fifth of the scores, the predicted share is the observed one within three points."""
    p = fit_calibration(2 * TRUE + 1, LABEL, kind).apply(2 * TRUE + 1)
    for part in np.array_split(np.argsort(p), 5):
        assert p[part].mean() == pytest.approx(LABEL[part].mean(), abs=0.03)


@pytest.mark.parametrize("kind", get_args(CalibrationKind))
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


@pytest.mark.parametrize("kind", get_args(CalibrationKind))
def test_json_round_trip(kind: CalibrationKind) -> None:
    """What `calibration.json` holds gives the same bits."""
    fitted = fit_calibration(TRUE, LABEL, kind)
    again = Calibration.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    assert (again.apply(TRUE) == fitted.apply(TRUE)).all()


def test_a_calibration_from_before_there_were_ends_is_read() -> None:
    """A bundle that was written without `ends` still loads."""
    old = {"kind": "sigmoid", "intercept": 0.5, "slope": 2.0, "knots": [], "heights": []}
    assert Calibration.from_json(old) == Calibration("sigmoid", 0.5, 2.0)


SCORED = st.lists(st.tuples(st.floats(-30, 30), st.booleans()), min_size=2, max_size=60)


@settings(deadline=None, max_examples=60)
@given(rows=SCORED, kind=st.sampled_from(get_args(CalibrationKind)))
def test_every_map_rises_whatever_it_was_fitted_on(rows: list[tuple[float, bool]], kind: CalibrationKind) -> None:
    """Any scores and outcomes, few, tied, separated or of one class, give a finite map that never falls."""
    raw, label = np.array([x for x, _ in rows]), np.array([float(y) for _, y in rows])
    p = fit_calibration(raw, label, kind).apply(np.linspace(-40, 40, 2_001))
    assert np.isfinite(p).all()
    assert (np.diff(p) >= 0).all()


def test_beta_finds_a_bend_that_no_sigmoid_has() -> None:
    """Log-odds that were squeezed at the low end alone are set right by beta and not by a sigmoid."""
    low, high = -np.logaddexp(0, -TRUE), np.logaddexp(0, TRUE)
    squeezed = 0.3 * low + 1.5 * high
    errors = {}
    for kind in ("sigmoid", "beta"):
        p = fit_calibration(squeezed, LABEL, kind).apply(squeezed)
        errors[kind] = np.abs(p - sigmoid(TRUE)).mean()
    assert errors["beta"] < 0.4 * errors["sigmoid"]


def test_beta_on_few_events_is_nearly_a_sigmoid() -> None:
    """With a handful of events the two ends of a beta map stay within a factor of two of each other."""
    for start in range(0, 20_000, 1_000):
        raw, label = TRUE[start : start + 40], LABEL[start : start + 40]
        low, high = fit_calibration(raw, label, "beta").ends
        assert max(low, high) < 2 * min(low, high) + 0.5


def _chosen(raw: np.ndarray, label: np.ndarray) -> str:
    accounts = np.arange(len(raw))
    return choose_calibration(raw, label, accounts % 4, accounts)[1].kind


def test_few_events_leave_no_choice() -> None:
    """Below two hundred events the sigmoid is taken, however bent the scores are."""
    assert _chosen(np.sign(TRUE[:400]) * TRUE[:400] ** 2, LABEL[:400]) == "sigmoid"


def test_a_freer_kind_has_to_earn_it() -> None:
    """True log-odds keep the sigmoid; a strong bend at one end takes another kind."""
    assert _chosen(TRUE, LABEL) == "sigmoid"
    bent = np.where(TRUE < -1, -1 + 0.1 * (TRUE + 1), TRUE)
    assert _chosen(bent, LABEL) in ("beta", "isotonic")


def test_copies_of_an_account_are_no_evidence() -> None:
    """Many rows of few accounts do not make a bend certain that as many accounts would."""
    rng = np.random.default_rng(1)
    raw = rng.normal(-1, 1.5, 250)
    label = (rng.random(250) < sigmoid(raw)).astype(float)
    many = np.tile(np.arange(250), 12)
    assert choose_calibration(raw[many], label[many], many % 4, many)[1].kind == "sigmoid"


def test_honest_probabilities_come_from_other_groups() -> None:
    """Turning a group's own labels round leaves its honest probabilities alone."""
    accounts = np.arange(2_000)
    groups, turned = accounts % 4, LABEL[:2_000].copy()
    turned[groups == 0] = 1 - turned[groups == 0]
    for kind in get_args(CalibrationKind):
        first, _ = choose_calibration(TRUE[:2_000], LABEL[:2_000], groups, accounts, kind)
        second, _ = choose_calibration(TRUE[:2_000], turned, groups, accounts, kind)
        assert (first[groups == 0] == second[groups == 0]).all()


def test_probabilities_stay_off_the_ends() -> None:
    """Even absurd scores give probabilities whose log-odds are finite."""
    assert np.isfinite(log_odds(Calibration("none").apply(np.array([-1e9, 1e9])))).all()
