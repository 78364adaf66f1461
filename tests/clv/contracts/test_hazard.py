"""The monthly hazard, the tie to the published probability, and the laws of survival."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from revml.clv.contracts.hazard import BETWEEN, RENEWAL, ROLLING, UNKNOWN, calendar_codes, fit_hazard
from revml.clv.contracts.tie import months_of, survival_of, tie
from revml.clv.value import MONTH_DAYS

log_odds = arrays(np.float64, (3, 24), elements=st.floats(-9, 3))
probability = st.floats(0.0, 1.0)
YEAR = 365.25


def months_at_risk(n: int, seed: int, *, segment: str = "") -> pd.DataFrame:
    """Account-months of yearly contracts: hazard 0.2 in the month of the renewal, 0.004 in the others."""
    rng = np.random.default_rng(seed)
    left = rng.uniform(0, YEAR, n)
    hazard = np.where(left <= MONTH_DAYS, 0.2, 0.004)
    return pd.DataFrame(
        {
            "account_id": [str(i) for i in range(n)],
            "back": 1,
            "tenure_days": rng.uniform(0, 900, n),
            "mrr": rng.lognormal(5, 1, n),
            "days_to_renewal": left,
            "term_days": YEAR,
            "segment": segment,
            "lost": rng.random(n) < hazard,
        }
    )


def contract(days_to_renewal: float, **values: object) -> pd.DataFrame:
    """One account ahead of its renewal."""
    row = {"tenure_days": 400.0, "mrr": 150.0, "days_to_renewal": days_to_renewal, "term_days": YEAR, "segment": ""}
    return pd.DataFrame([{**row, **values}])


@given(log_odds, st.lists(probability, min_size=3, max_size=3), st.sampled_from([7, 30, 30.4375, 90, 180, 365]))
@settings(deadline=None)
def test_the_tie_is_exact(eta: np.ndarray, p: list[float], days: float) -> None:
    """1 - S(horizon) is the published probability to 1e-9, whatever the horizon in days."""
    survival = tie(eta, np.array(p), days)
    assert 1 - survival.at_days(days) == pytest.approx(p, abs=1e-9)


@given(log_odds)
@settings(deadline=None)
def test_survival_falls_and_adds_up_with_incidence(eta: np.ndarray) -> None:
    """S(k) never rises, stays in [0, 1], and S(H) plus all losses is one."""
    curve = survival_of(eta)
    before = np.column_stack([np.ones(len(curve)), curve[:, :-1]])
    assert (curve <= before).all()
    assert ((curve >= 0) & (curve <= 1)).all()
    assert curve[:, -1] + (before * expit(eta)).sum(axis=1) == pytest.approx(np.ones(len(curve)), abs=1e-12)


@given(log_odds, st.tuples(probability, probability).map(sorted))
@settings(deadline=None)
def test_a_higher_probability_never_gives_a_longer_life(eta: np.ndarray, pair: list[float]) -> None:
    """Survival is monotone in the published probability, in every month."""
    low, high = (tie(eta, np.full(3, p), 90).curve for p in pair)
    assert (high <= low + 1e-12).all()


def test_an_account_without_a_score_keeps_the_hazard_of_its_group() -> None:
    """NaN moves nothing."""
    eta = np.full((1, 12), -3.0)
    assert (tie(eta, np.array([np.nan]), 90).curve == survival_of(eta)).all()


def test_what_the_score_knows_fades_after_its_horizon() -> None:
    """Long after the horizon the hazards are those of the group again."""
    eta = np.full((1, 120), -3.0)
    curve = tie(eta, np.array([0.4]), 90).curve[0]
    assert 1 - curve[-1] / curve[-2] == pytest.approx(expit(-3.0), rel=1e-3)
    assert 1 - curve[0] > 2 * expit(-3.0)


def test_the_hazard_stands_at_the_renewal() -> None:
    """Learnt from yearly contracts, the month of the renewal and the quiet months come back."""
    model = fit_hazard(months_at_risk(40_000, seed=1))
    h = expit(model.log_odds(contract(100.0), 18))[0]
    assert h[3] == pytest.approx(0.2, rel=0.15)
    assert h[15] == pytest.approx(0.2, rel=0.15)
    assert np.delete(h, [3, 15]) == pytest.approx(np.full(16, 0.004), rel=0.6)


def test_expected_losses_are_the_losses_it_learnt_from() -> None:
    """The pooled hazard agrees with the history in total."""
    months = months_at_risk(20_000, seed=2)
    model = fit_hazard(months)
    assert expit(model.log_odds(months, 1)).sum() == pytest.approx(months["lost"].sum(), rel=0.02)


def test_a_small_segment_is_drawn_to_the_average() -> None:
    """Ten months with three losses do not make a segment thirty times as risky."""
    few = months_at_risk(10, seed=3, segment="few").assign(lost=[True] * 3 + [False] * 7, days_to_renewal=200.0)
    model = fit_hazard(pd.concat([months_at_risk(20_000, seed=4, segment="many"), few]))
    few_h, many_h = (expit(model.log_odds(contract(200.0, segment=s), 1))[0, 0] for s in ("few", "many"))
    assert many_h < few_h < 0.1


def test_a_segment_that_was_never_seen_is_an_average_one() -> None:
    """An unknown segment has no effect of its own."""
    model = fit_hazard(months_at_risk(5_000, seed=5, segment="known"))
    assert np.isfinite(model.log_odds(contract(50.0, segment="new"), 12)).all()


def test_without_any_history_there_is_still_a_hazard() -> None:
    """No month at risk leaves the prior: a monthly hazard between nothing and a twentieth."""
    model = fit_hazard(months_at_risk(0, seed=0).astype({"lost": bool}))
    h = expit(model.log_odds(contract(50.0), 12))
    assert ((h > 0) & (h < 0.05)).all()
    assert (model.months, model.losses, model.observed_months) == (0, 0, 0.0)


def test_a_renewal_date_that_has_passed_moves_on_by_the_term() -> None:
    """A date left standing 40 days ago in a yearly contract means the renewal in 325 days."""
    months = np.arange(1, 13)
    assert (
        calendar_codes(np.array([-40.0]), np.array([YEAR]), months)
        == calendar_codes(np.array([YEAR - 40.0]), np.array([YEAR]), months)
    ).all()


def test_calendars_of_all_kinds() -> None:
    """Yearly contracts have one renewal a year, monthly ones roll, and no date means unknown."""
    days, terms = np.array([100.0, 10.0, np.nan, -5.0]), np.array([YEAR, MONTH_DAYS, np.nan, np.nan])
    codes = calendar_codes(days, terms, np.arange(1, 25))
    assert (codes[0] == RENEWAL).sum() == 2
    assert (codes[0] == BETWEEN).sum() == 18
    assert (codes[1] == ROLLING).all()
    assert (codes[2:] == UNKNOWN).all()


def test_a_span_touches_the_months_it_reaches_into() -> None:
    """90 days reach into the third month, and exactly two months touch two."""
    assert (months_of(90), months_of(2 * MONTH_DAYS), months_of(1)) == (3, 2, 1)


@settings(deadline=None)
@given(log_odds, st.lists(st.floats(1e-6, 0.3), min_size=3, max_size=3))
def test_further_horizons_are_met_too(eta: np.ndarray, steps: list[float]) -> None:
    """Published for whole months, the survival passes through every probability, and never rises."""
    n, p = len(eta), np.cumsum(steps)
    further = {MONTH_DAYS: np.full(n, p[0]), 4 * MONTH_DAYS: np.full(n, p[2])}
    curve = tie(eta, np.full(n, p[1]), 2 * MONTH_DAYS, further).curve
    for month, expected in zip((1, 2, 4), p, strict=True):
        assert 1 - curve[:, month - 1] == pytest.approx(np.full(n, expected), rel=1e-8, abs=1e-12)
    assert (np.diff(curve, axis=1) <= 1e-15).all()


def test_a_further_horizon_that_is_not_known_is_not_met() -> None:
    """The account is tied to what is known of it, and its shift goes on to the end of the horizons."""
    eta = np.array([[-4.0, -3.0, -2.0, -5.0, -4.0, -4.0]])
    made = tie(eta, np.array([0.1]), 2 * MONTH_DAYS, {4 * MONTH_DAYS: np.array([np.nan])})
    assert 1 - made.curve[0, 1] == pytest.approx(0.1, abs=1e-9)
    assert made.curve[0, :4] == pytest.approx(survival_of(eta + made.shift[:, None])[0, :4], rel=1e-7)


def ended_at_renewals(n: int, *, early: int = 0) -> pd.DataFrame:
    """Account-months of yearly contracts that end at renewals only, but for the first few."""
    months = months_at_risk(n, 3)
    months["lost"] &= months["days_to_renewal"] <= MONTH_DAYS
    between = np.flatnonzero(months["days_to_renewal"].to_numpy() > MONTH_DAYS)[:early]
    months.loc[between, "lost"] = True
    return months


def test_contracts_that_only_end_at_renewals_cannot_end_between() -> None:
    """Structural zeros: survival falls in the month of a renewal and in no other, whatever the score says."""
    model = fit_hazard(ended_at_renewals(4000))
    assert model.closed
    curve = tie(model.log_odds(contract(100.0), 24), np.array([0.3]), 180.0).curve[0]
    steps = -np.diff(np.append(1.0, curve))
    assert np.flatnonzero(steps > 1e-9).tolist() == [3, 15]
    assert 1 - curve[5] == pytest.approx(0.3, abs=1e-9)


def test_a_score_for_months_that_are_closed_is_not_heeded() -> None:
    """Nothing can be lost before the renewal, and the renewal keeps the hazard of the group."""
    model = fit_hazard(ended_at_renewals(4000))
    scored, plain = (tie(model.log_odds(contract(300.0), 12), np.array([p]), 90.0).curve[0] for p in (0.4, np.nan))
    assert scored[2] == pytest.approx(1.0)
    assert scored == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("months", [ended_at_renewals(4000, early=1), ended_at_renewals(200)])
def test_one_early_end_or_little_history_closes_nothing(months: pd.DataFrame) -> None:
    """What happened once can happen again, and what was hardly looked at is not known."""
    assert not fit_hazard(months).closed
