"""The truth of a sample company agrees with what happened, and is no clairvoyant."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from revml.config import QuestionSpec
from revml.labels import label
from revml.snapshots import population
from revml.sources.facts import Facts
from revml.sources.samples.draws import LatinDraws, Tilt
from tests.literal_facts import stage
from tests.sources.samples import sample

QUESTIONS = [
    ("saas", "churn"),
    ("saas", "contraction"),
    ("saas", "upsell"),
    ("machinery", "churn"),
    ("manufacturing", "lapse"),
    ("manufacturing", "growth"),
]
# Snapshots whose 90-day windows do not overlap, so that the same event is not counted twice.
AS_OFS = [pd.Timestamp(d).to_pydatetime() for d in pd.date_range("2023-10-01", "2026-01-01", freq="3MS")]


def _facts(tmp_path, kind) -> Facts:
    made = sample(kind)
    names = [n for n in ("accounts", "subscriptions", "orders") if n in made.tables]
    rows = {}
    for name in names:
        frame = made.table(name).astype(object)
        rows[name] = frame.where(frame.notna(), None).to_dict("records")
    return stage(tmp_path / "staged", observed_until="2026-07-01", **rows)


def _told(tmp_path, kind, question) -> pd.DataFrame:
    """Labels by revml's own definition beside the true chance."""
    facts, spec = _facts(tmp_path, kind), QuestionSpec()
    rows = label(facts, question, spec, population(facts, question, spec, AS_OFS)).dropna(subset=["label"])
    truth = sample(kind).table("account_months")
    both = rows.merge(truth, on=["account_id", "as_of"], how="left")
    return both.assign(y=both["label"].astype(int), p=both[f"p_{question}_90d"])


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "question"), QUESTIONS)
def test_the_oracle_is_calibrated(tmp_path, kind, question):
    """True chances agree with revml's labels within sampling error, overall and in each fifth, and leave nobody out."""
    rows = _told(tmp_path, kind, question)
    assert rows["p"].notna().all()
    assert rows["p"].between(0, 1).all()
    for part in [rows, *(g for _, g in rows.groupby(pd.qcut(rows["p"], 5)))]:
        error = np.sqrt((part["p"] * (1 - part["p"])).sum())
        assert abs(part["y"].sum() - part["p"].sum()) < 4 * error + 0.002 * len(part)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "question", "low", "high"),
    [("saas", "churn", 0.77, 0.90), ("saas", "upsell", 0.75, 0.90), ("manufacturing", "lapse", 0.85, 0.95)],
)
def test_the_oracle_does_not_know_the_future(tmp_path, kind, question, low, high):
    """The oracle ranks well and far from perfectly, and its log-loss beats the constant rate."""
    rows = _told(tmp_path, kind, question)
    assert low < roc_auc_score(rows["y"], rows["p"]) < high
    constant = np.full(len(rows), rows["y"].mean())
    assert log_loss(rows["y"], rows["p"]) < log_loss(rows["y"], constant)


def test_truth_tells_every_account_and_month():
    """One row an account and month start after it came; chances exactly where the account is at risk."""
    made = sample("saas")
    months, accounts = made.table("account_months"), made.table("accounts").set_index("account_id")["created_at"]
    assert not months.duplicated(["account_id", "as_of"]).any()
    assert (months["as_of"] > months["account_id"].map(accounts)).all()
    assert (months["p_churn_90d"].notna() == months["alive"]).all()
    alive = months[months["alive"]]
    assert alive[["p_churn_90d", "p_upsell_90d", "hazard_churn", "hazard_expansion"]].stack().between(0, 1).all()


def test_causes_are_told_and_some_are_unforewarned():
    """Every churn has a cause; a fair share of churns has one that nothing foretells."""
    events = sample("saas").table("events")
    churn = events[events["kind"] == "churn"]
    assert churn["cause"].notna().all()
    assert churn["cause"].nunique() >= 8
    assert 0.08 < 1 - churn["forewarned"].mean() < 0.4
    assert set(churn.loc[~churn["forewarned"], "cause"]) <= {"acquired", "insolvent", "other"}


def test_a_tilt_changes_no_expectation():
    """Making something rare happen more often, with its weights, leaves its mean where it was."""
    rng = np.random.default_rng(1)
    draws, tilt = LatinDraws(rng, 400, 256), Tilt(0.3, 400, 256)
    chance = np.full((400, 256), 0.02, np.float32)
    happened = tilt(draws.uniform(), chance) < chance
    assert happened.mean() == pytest.approx(0.3, abs=0.01)
    assert (happened * tilt.weight).mean() == pytest.approx(0.02, rel=0.02)
    assert tilt.weight.mean() == pytest.approx(1, rel=0.01)


def test_stratified_numbers_are_even():
    """Each account's numbers fall once into each of as many equal parts as there are paths."""
    u = LatinDraws(np.random.default_rng(2), 5, 64).uniform()
    gaps = np.diff(np.sort(u, axis=1), axis=1)
    assert u.min() > 0
    assert u.max() < 1
    assert gaps == pytest.approx(np.full(gaps.shape, 1 / 64), abs=1e-4)
