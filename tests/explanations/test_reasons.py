"""Reasons: the right concepts, told by facts that are true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.explanations import REASON_COLUMNS, contributions, explain
from revml.explanations.choosing import CIRCUMSTANCE_WEIGHT, CIRCUMSTANCES, LEAST, LEAST_SHARE, strongest
from revml.explanations.facts import AMOUNTS, declared
from revml.explanations.peers import peer_values
from revml.explanations.sentences import Teller, Told
from revml.features.catalog import feature_words
from revml.features.spec import Feature
from revml.locales import LANGUAGES
from revml.models.baselines import Constant, Logistic, Rule, Scaler, Term
from revml.models.bundle import Bundle
from revml.models.encoding import Encoding
from revml.store import runs
from tests.explanations.literal_bundles import FEATURES, bundle, frame, linear

WEIGHTS = {
    "active_users_28d": -0.8,
    "mrr": 0.3,
    "days_to_renewal": -0.4,
    "auto_renew": -0.2,
    "seats_trend_84d": -0.5,
    "plan": 0.6,
}


@pytest.fixture
def rows() -> pd.DataFrame:
    """A hundred made accounts."""
    return frame(100)


@pytest.fixture
def past() -> pd.DataFrame:
    """Eighty of them 12 weeks before."""
    return frame(80, seed=2)


@pytest.fixture
def made(tmp_path: Path, rows: pd.DataFrame) -> Bundle:
    """A linear model over all features."""
    return bundle(tmp_path, linear(WEIGHTS, rows), rows)


def _one(rows: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Rows whose first account has given values."""
    rows = rows.copy()
    for name, value in values.items():
        rows.loc[0, name] = value
    return rows


def test_the_columns_are_those_that_a_run_publishes() -> None:
    """Explanations and the store agree on a reason's columns."""
    assert REASON_COLUMNS == runs.REASON_COLUMNS


def test_the_calendar_takes_the_place_of_half_its_strength(made: Bundle, rows: pd.DataFrame) -> None:
    """Each side is sorted by strength, what nobody can act on by half of it; some change places."""
    reasons = explain(made, rows, None, currency="EUR")
    halved = reasons["concept"].isin(CIRCUMSTANCES)
    place = reasons["contribution"].abs() * np.where(halved, CIRCUMSTANCE_WEIGHT, 1.0)
    sides = [reasons["account_id"], reasons["side"]]
    assert place.groupby(sides).apply(lambda p: p.is_monotonic_decreasing).all()
    assert not reasons["contribution"].abs().groupby(sides).apply(lambda p: p.is_monotonic_decreasing).all()


def test_a_concept_weighs_the_sum_of_its_features(made: Bundle, rows: pd.DataFrame) -> None:
    """Each reason's contribution is the sum over all features of its concept."""
    reasons = explain(made, rows, None, currency="EUR")
    explained = contributions(made, rows)
    for reason in reasons.itertuples():
        row = int(np.flatnonzero(rows["account_id"] == reason.account_id)[0])
        mine = [declared(f, categorical=f == "plan").concept == reason.concept for f in FEATURES]
        assert reason.contribution == pytest.approx(explained.values[row, mine].sum())
        assert reason.side == ("raises" if reason.contribution > 0 else "lowers")


def test_the_story_is_told_by_a_feature_that_pulls_the_same_way(made: Bundle, rows: pd.DataFrame) -> None:
    """The chosen feature's own contribution has the sign of its concept's."""
    explained = contributions(made, rows)
    for reason in explain(made, rows, None, currency="EUR").itertuples():
        row = int(np.flatnonzero(rows["account_id"] == reason.account_id)[0])
        own = explained.values[row, FEATURES.index(reason.feature)]
        assert np.sign(own) == np.sign(reason.contribution)


def test_raising_comes_first_then_lowering_each_by_strength() -> None:
    """Three that raise, then what lowers; a fourth that raises only where nothing lowers."""
    sums = np.array([[0.1, 0.4, 0.3, 0.2, -0.9], [0.1, 0.4, 0.3, 0.2, 0.05], [-0.1, -0.4, -0.3, -0.2, 0.05]])
    row, concept, rank = strongest(sums, top=4)
    told = {r: concept[row == r].tolist() for r in range(3)}
    assert told == {0: [1, 2, 3, 4], 1: [1, 2, 3, 0], 2: [4, 1, 2, 3]}
    assert rank.tolist() == [1, 2, 3, 4] * 3


def test_what_hardly_matters_is_no_reason() -> None:
    """What is too small, by itself or beside the strongest, is left out; equal ones are told in their order."""
    sums = np.array([[LEAST / 2, -LEAST / 2, 0.0], [0.5, 0.5, LEAST], [LEAST, -5.0, 5 * LEAST_SHARE]])
    row, concept, _ = strongest(sums, top=4)
    assert row.tolist() == [1, 1, 1, 2, 2]
    assert concept.tolist() == [0, 1, 2, 2, 1]


@pytest.mark.parametrize("top", [1, 2, 4, 10])
def test_no_account_has_more_reasons_than_asked_for(made: Bundle, rows: pd.DataFrame, top: int) -> None:
    """Ranks count from one without gaps."""
    reasons = explain(made, rows, None, top=top, currency="EUR")
    for _, mine in reasons.groupby("account_id"):
        assert mine["rank"].tolist() == list(range(1, len(mine) + 1))
        assert len(mine) <= top


def test_values_past_and_peers_are_the_data(made: Bundle, rows: pd.DataFrame, past: pd.DataFrame) -> None:
    """Every number of every reason is read back from the frames."""
    reasons = explain(made, rows, past, currency="EUR")
    now, before = rows.set_index("account_id"), past.set_index("account_id")
    usual = peer_values(rows, [f for f in FEATURES if f not in ("auto_renew", "plan")], ["auto_renew"], ["plan"])
    usual = usual.set_index(rows["account_id"])
    for r in reasons.itertuples():
        assert _same(r.value, now.loc[r.account_id, r.feature])
        assert _same(r.past, before[r.feature].get(r.account_id))
        assert _same(r.peers, usual.loc[r.account_id, r.feature])


def _same(told: object, data: object) -> bool:
    if told is None or pd.isna(told):
        return data is None or bool(pd.isna(data))
    return told == data


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_says_the_row(made: Bundle, rows: pd.DataFrame, past: pd.DataFrame, language: str) -> None:
    """Each text is what the row's own value, past and peers read as."""
    teller = Teller(language, "EUR")
    before = rows[["account_id"]].merge(past, on="account_id", how="left")
    there, peers = set(past["account_id"]), _peers_before(rows, before)
    for r in explain(made, rows, past, currency="EUR").itertuples():
        feature = declared(r.feature, categorical=r.feature == "plan")
        numbers = [np.nan if v is None or isinstance(v, str) else v for v in (r.value, r.past, r.peers)]
        texts = [v if isinstance(v, str) else None for v in (r.value, r.past)]
        usual = peers[r.feature].get(r.account_id, np.nan) if r.feature in peers else np.nan
        told = Told(feature, feature_words(feature, language), *numbers, *texts, usual, seen=r.account_id in there)
        assert getattr(r, f"text_{language}") == teller.sentence(told)


def _peers_before(rows: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """What was usual of each amount among today's peers."""
    who = rows[["account_id", *(c for c in ("industry", "employees", "money") if c in rows)]]
    amounts = [f for f in FEATURES if declared(f, categorical=f == "plan").kind in AMOUNTS]
    return peer_values(who.assign(**{f: before[f] for f in amounts}), amounts, [], []).set_index(rows["account_id"])


def test_a_missing_value_is_told_as_such(tmp_path: Path, rows: pd.DataFrame) -> None:
    """A rule that makes much of a missing date says that the date is not known."""
    rows = _one(rows, days_to_renewal=None)
    rule = Rule(2, (100.0,), (-1.0, -3.0), 1.0, -2.0)
    reasons = explain(bundle(tmp_path, rule, rows), rows, None, currency="EUR")
    mine = reasons[reasons["account_id"] == "a00000"]
    assert mine["text_en"].iloc[0].startswith("No renewal date is known; similar accounts ")
    assert mine["text_cs"].iloc[0].startswith("Termín obnovy smlouvy není znám; u podobných zákazníků ")
    assert mine["value"].iloc[0] is None


def test_a_known_fact_is_preferred_to_a_missing_one(tmp_path: Path, rows: pd.DataFrame) -> None:
    """Of two features of a concept that pull the same way, the one with a value tells the story."""
    rows = _one(rows, days_to_renewal=None, auto_renew=0.0)
    encoding_model = linear({"auto_renew": -0.3, "days_to_renewal": 0.4}, rows)
    reasons = explain(bundle(tmp_path, encoding_model, rows), rows, None, currency="EUR")
    mine = reasons[(reasons["account_id"] == "a00000") & (reasons["concept"] == "renewal")]
    assert mine["feature"].tolist() == ["auto_renew"]


def test_a_fact_that_differs_the_right_way_is_preferred(tmp_path: Path, rows: pd.DataFrame) -> None:
    """A renewal that a peer would not have tells more than a flag that everybody has."""
    rows = _one(rows.assign(auto_renew=np.float32(0.0)), days_to_renewal=5.0)
    rows.loc[99, "auto_renew"] = 1.0
    model = linear({"auto_renew": -9.0, "days_to_renewal": -0.05}, rows)
    reasons = explain(bundle(tmp_path, model, rows), rows, None, currency="EUR")
    mine = reasons[(reasons["account_id"] == "a00000") & (reasons["concept"] == "renewal")]
    assert mine["feature"].tolist() == ["days_to_renewal"]


def test_an_account_without_a_past_has_none(made: Bundle, rows: pd.DataFrame, past: pd.DataFrame) -> None:
    """New accounts are compared with peers only."""
    reasons = explain(made, rows, past, currency="EUR")
    new = reasons[reasons["account_id"] >= "a00080"]
    assert len(new) > 0
    assert new["past"].isna().all()
    assert not new["text_en"].str.contains("weeks").any()


def test_a_constant_model_has_no_reasons(tmp_path: Path, rows: pd.DataFrame) -> None:
    """Nothing is invented where every account gets the base rate."""
    reasons = explain(bundle(tmp_path, Constant(-2.0), rows), rows, None, currency="EUR")
    assert len(reasons) == 0
    assert tuple(reasons.columns) == REASON_COLUMNS


def test_nobody_to_explain_is_no_error(made: Bundle, rows: pd.DataFrame) -> None:
    """An empty frame gives an empty frame."""
    assert len(explain(made, rows.iloc[:0], rows.iloc[:0], currency="EUR")) == 0


def test_the_same_data_gives_the_same_reasons_in_any_order(
    made: Bundle, rows: pd.DataFrame, past: pd.DataFrame
) -> None:
    """Reasons do not depend on the order of rows or columns."""
    first = explain(made, rows, past, currency="EUR")
    mixed = rows.sample(frac=1, random_state=3)[list(rows.columns[::-1])]
    pd.testing.assert_frame_equal(explain(made, mixed, past.sample(frac=1, random_state=4), currency="EUR"), first)


def test_a_companys_own_column_is_told_by_its_name(tmp_path: Path, rows: pd.DataFrame) -> None:
    """A flag that only this company has reads as a flag, under the company's own name for it."""
    rows = rows.rename(columns={"auto_renew": "static_vip"})
    encoding = Encoding.fit(rows, ("mrr", "static_vip"))
    model = Logistic(-2.0, (Term(1, 1.0, 0.5, Scaler(0.0, 1.0, log=False, centre=0.0, scale=1.0)),), 1.0)
    made = bundle(tmp_path, model, rows, encoding=encoding)
    own = {"static_vip": Feature("static_vip", "flag", "profile", words="own_column", label="VIP customer")}
    reasons = explain(made, rows, None, currency="EUR", own=own)
    assert len(reasons) == len(rows)
    assert set(reasons["text_en"].str.split("; ", regex=False).str[0]) == {"VIP customer: yes", "VIP customer: no"}
