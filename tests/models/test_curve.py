"""The curve of risk: its laws, and what it finds in hazards that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from revml.models.calibration import sigmoid
from revml.models.curve import TERMS, Curve, Interval, Renewals, _design, fit_curve
from revml.models.curve_loop import LEAST, MOST

ENDS = (30, 60, 90, 180, 365)
weights = st.lists(st.floats(-3, 3), min_size=len(TERMS), max_size=len(TERMS)).map(tuple)
probabilities = arrays(np.float64, 6, elements=st.floats(0.0, 1.0))
days = arrays(np.float64, 6, elements=st.one_of(st.just(float("nan")), st.floats(-30, 800)))


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Any curve that training could make."""
    made, start = [], 0
    for end in ENDS:
        kind = draw(st.sampled_from(["fitted", "average"]))
        own = draw(weights) if kind == "fitted" else ()
        made.append(Interval(start, end, kind, draw(st.floats(-8, 3)), own))
        start = end
    return Curve(draw(st.sampled_from(ENDS)), draw(st.integers(0, 30)), draw(st.booleans()), tuple(made))


@given(curves(), probabilities, days, days)
@settings(deadline=None)
def test_the_laws_of_a_curve(curve: Curve, p: np.ndarray, ahead: np.ndarray, term: np.ndarray) -> None:
    """Within [0, 1], never turning back, and at the question's horizon the published bits."""
    found = curve.apply(p, Renewals(ahead, term))
    assert found[:, curve.horizons.index(curve.main)].tobytes() == p.tobytes()
    assert ((found >= 0) & (found <= 1)).all()
    steps = np.diff(found, axis=1)
    assert (steps <= 0).all() if curve.falls else (steps >= 0).all()


@given(curves())
@settings(deadline=None)
def test_json_keeps_every_bit(curve: Curve) -> None:
    """What is read is what was written."""
    assert Curve.from_json(curve.to_json()) == curve


def _lived(n: int, seed: int, *, peak: float = 0.35) -> tuple[np.ndarray, Renewals, np.ndarray]:
    """Yearly contracts that end on the day of renewal with chance `peak`, else 1 in 3,000 a day by a risk of their own.

    Returns the true risk by 90 days, the renewals, and the day of the end.
    """
    rng = np.random.default_rng(seed)
    own = np.exp(rng.normal(0, 1.0, n))
    ahead = rng.uniform(1, 365, n)
    leaves = np.clip(peak * own / own.mean(), 0, 0.9)
    daily = own / own.mean() / 3000
    end = np.minimum(rng.exponential(1 / daily), np.where(rng.random(n) < leaves, ahead, np.inf))
    risk = 1 - np.exp(-daily * 90) * np.where(ahead <= 90, 1 - leaves, 1.0)
    return risk, Renewals(ahead, np.full(n, 365.0)), end


def _happened(end: np.ndarray, closed: float | np.ndarray = 365) -> dict[int, np.ndarray]:
    return {h: np.where(closed >= h, (end <= h).astype(float), np.nan) for h in (30, 90, 180, 365)}


def test_a_renewal_ahead_is_found() -> None:
    """Accounts that renew after 90 days and before 180 get the events of that interval, the others do not."""
    risk, renewals, end = _lived(20_000, 1)
    curve = fit_curve(risk, _happened(end), renewals, main=90)
    risk, renewals, end = _lived(20_000, 2)
    found = curve.apply(risk, renewals)
    for low, high in ((0, 30), (30, 90), (90, 180), (180, 365)):
        mine = (renewals.ahead > low) & (renewals.ahead <= high)
        for k, horizon in enumerate(curve.horizons):
            assert found[mine, k].mean() == pytest.approx((end[mine] <= horizon).mean(), rel=0.12, abs=0.01)
    soon, late = (renewals.ahead > 90) & (renewals.ahead <= 180), renewals.ahead > 180
    assert found[soon, 2].mean() > 3 * found[late, 2].mean()


def test_open_windows_still_teach_what_has_closed() -> None:
    """Half of the snapshots are 100 days old: the first intervals learn from all, the others from the older half."""
    risk, renewals, end = _lived(6_000, 3)
    closed = np.where(np.arange(6_000) < 3_000, 400, 100)
    curve = fit_curve(risk, _happened(end, closed), renewals, main=90)
    assert [one.rows > 3_000 for one in curve.intervals] == [True, True, False, False]
    assert [one.kind for one in curve.intervals] == ["fitted"] * 4
    assert curve.extrapolated == (False,) * 4


def test_a_short_history_is_extrapolated_and_says_so() -> None:
    """Beyond what has closed every account gets the average hazard a day of the last interval that has."""
    risk, renewals, end = _lived(4_000, 4)
    curve = fit_curve(risk, _happened(end, 100), renewals, main=90)
    assert [one.kind for one in curve.intervals] == ["fitted", "fitted", "extrapolated", "extrapolated"]
    assert curve.extrapolated == (False, False, True, True)
    last = curve.intervals[1]
    daily = 1 - (1 - (last.events + 0.5) / (last.rows + 1)) ** (1 / 60)
    assert 1 - (1 + np.exp(curve.intervals[2].intercept)) ** (-1 / 90) == pytest.approx(daily, rel=1e-6)


def test_few_events_give_an_average_and_no_regression() -> None:
    """With five events in 200 rows an interval has one hazard for all."""
    risk = np.full(200, 0.1)
    early = (np.arange(200) < 5).astype(float)
    later = (np.arange(200) < 30).astype(float)
    nothing = Renewals(np.full(200, np.nan), np.full(200, np.nan))
    curve = fit_curve(risk, {30: early, 90: later}, nothing, main=90)
    assert [one.kind for one in curve.intervals] == ["average", "fitted"]
    assert curve.apply(risk, nothing)[0, 0] == pytest.approx(0.1 * 5 / 30, rel=0.2)


def test_risk_far_away_falls_back_to_the_mean() -> None:
    """Where risk at 90 days is half luck, twice the risk now is less than twice the risk later."""
    rng = np.random.default_rng(5)
    n = 30_000
    now = rng.normal(0, 1, n)
    later = 0.4 * now + np.sqrt(1 - 0.16) * rng.normal(0, 1, n)
    first, second = 0.1 * np.exp(now - 0.5), 0.2 * np.exp(later - 0.5)
    happened = (rng.random(n) < np.clip(first, 0, 1)).astype(float)
    year = np.maximum(happened, rng.random(n) < np.clip(second, 0, 1))
    nothing = Renewals(np.full(n, np.nan), np.full(n, np.nan))
    curve = fit_curve(np.clip(first, 0, 0.99), {90: happened, 365: year}, nothing, main=90)
    assert curve.intervals[0].weights[0] > 0.9
    assert 0.2 < curve.intervals[1].weights[0] < 0.6


def test_terms_repeat() -> None:
    """A monthly contract renews in every interval, a yearly one once, one of unknown length when it is known to."""
    renewals = Renewals(np.array([10.0, 10.0, 10.0, np.nan]), np.array([30.0, 365.0, np.nan, 365.0]))
    assert renewals.between(0, 30).tolist() == [True, True, True, False]
    assert renewals.between(90, 180).tolist() == [True, False, False, False]
    assert renewals.between(365, 730).tolist() == [True, True, False, False]


def test_the_gap_moves_the_renewals() -> None:
    """Intervals begin after the gap: a renewal on day 35 falls into the first 30 days of a window that opens on 14."""
    risk, renewals, end = _lived(20_000, 6)
    gone = end <= 14
    risk, renewals, end = risk[~gone], renewals.take(~gone), end[~gone] - 14
    curve = fit_curve(risk, _happened(end), renewals, main=90, gap=14)
    due = dict(zip(TERMS, curve.intervals[0].weights, strict=True))["due"]
    straight = fit_curve(risk, _happened(end), renewals, main=90, gap=0)
    assert due > dict(zip(TERMS, straight.intervals[0].weights, strict=True))["due"]


def _in_numpy(curve: Curve, probability: np.ndarray, renewals: Renewals) -> np.ndarray:
    """`Curve.apply` column by column: hazards, their sums, scaled to the probability, kept from turning back."""
    event = 1.0 - probability if curve.falls else probability
    gained = np.empty((len(event), len(curve.intervals)))
    for k, one in enumerate(curve.intervals):
        odds = np.full(len(event), one.intercept)
        if one.weights:
            design = _design(event, renewals, one.start, one.end, main=curve.main, gap=curve.gap)
            odds = one.intercept + (design * np.array(one.weights)).sum(axis=1)
        gained[:, k] = -np.log1p(-np.clip(sigmoid(odds), LEAST, MOST))
    at = curve.horizons.index(curve.main)
    whole = -np.log1p(-np.clip(event, 0.0, MOST))
    total = np.cumsum(gained, axis=1)
    total[:, :at] *= (whole / total[:, at])[:, None]
    total[:, at:] += (whole - total[:, at])[:, None]
    out = np.exp(-total) if curve.falls else 1.0 - np.exp(-total)
    out[:, at] = probability
    before, after = (np.maximum, np.minimum) if curve.falls else (np.minimum, np.maximum)
    out[:, :at] = before(out[:, :at], probability[:, None])
    out[:, at + 1 :] = after(out[:, at + 1 :], probability[:, None])
    return np.asarray(np.clip(out, 0.0, 1.0))


@given(curves(), probabilities, days, days)
@settings(deadline=None)
def test_the_loop_says_what_numpy_says(curve: Curve, p: np.ndarray, ahead: np.ndarray, term: np.ndarray) -> None:
    """Account by account or column by column: the same probabilities."""
    renewals = Renewals(ahead, term)
    assert np.allclose(curve.apply(p, renewals), _in_numpy(curve, p, renewals), rtol=1e-9, atol=1e-12)
