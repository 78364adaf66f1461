"""Datasets: the same frame for learning and for scoring, and no row from the wrong time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.config import QuestionSpec, SnapshotSpec, Workspace
from revml.datasets import asked, build_dataset, build_datasets, feature_frame, scoring_frame, scoring_frames
from revml.errors import ConfigError, NotEnoughData
from revml.snapshots import KEYS
from revml.sources.facts import Facts
from revml.windows import instant
from tests.labels.rows import term
from tests.small_company import UNTIL, orders, small_company, subscriptions

QUARTERS = Workspace(
    snapshots=SnapshotSpec(every="none", dates=tuple(f"{y}-{m:02d}-01" for y in (2025, 2026) for m in (1, 4, 7, 10)))
)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The small company with contracts and orders."""
    return small_company(tmp_path_factory.mktemp("both"), subscriptions=subscriptions(), orders=orders())


def test_a_dataset_holds_keys_label_money_and_features(facts: Facts) -> None:
    """Columns in order, types the models take, rows sorted by time and account, no missing label."""
    data = build_dataset(QUARTERS, facts, "churn")
    assert tuple(data.frame.columns) == (*KEYS, "label", "money", *data.features)
    assert set(data.frame["label"]) == {0, 1}
    assert set(data.categorical) < set(data.features)
    numbers = [name for name in data.features if name not in data.categorical]
    assert {data.frame[name].dtype for name in numbers} == {np.dtype("float32")}
    assert data.frame[list(KEYS)].equals(data.frame[list(KEYS)].sort_values(["as_of", "account_id"], ignore_index=True))


def test_parts_are_whole_snapshots_and_cover_the_frame(facts: Facts) -> None:
    """Each row belongs to exactly one part, and parts share no instant."""
    data = build_dataset(QUARTERS, facts, "churn")
    parts = [data.part(name) for name in ("train", "valid", "test")]
    pd.testing.assert_frame_equal(pd.concat(parts).sort_values(["as_of", "account_id"], ignore_index=True), data.frame)
    times = [set(part["as_of"]) for part in parts]
    assert not times[0] & times[2]
    assert list(data.split.test) == [at.to_pydatetime() for at in sorted(times[2])]


def test_several_questions_at_once_give_what_each_gives_alone(facts: Facts) -> None:
    """Sharing the features changes no value and no fingerprint."""
    together = build_datasets(QUARTERS, facts, ["churn", "lapse"])
    for question, data in together.items():
        alone = build_dataset(QUARTERS, facts, question)
        pd.testing.assert_frame_equal(alone.frame, data.frame)
        assert alone.fingerprint == data.fingerprint


def test_the_fingerprint_tells_datasets_apart(facts: Facts) -> None:
    """Another definition gives another fingerprint."""
    other = QUARTERS.model_copy(update={"questions": {"churn": QuestionSpec(horizon_days=60)}})
    assert build_dataset(QUARTERS, facts, "churn").fingerprint != build_dataset(other, facts, "churn").fingerprint


def test_scoring_sees_what_training_saw(facts: Facts) -> None:
    """The scoring frame of a training snapshot equals its rows in the dataset, but for the label."""
    data = build_dataset(QUARTERS, facts, "churn")
    at = data.split.train[-1]
    rows = data.frame[data.frame["as_of"] == at].drop(columns="label").reset_index(drop=True)
    pd.testing.assert_frame_equal(scoring_frame(facts, QUARTERS, "churn", at), rows)


def test_scoring_starts_from_the_last_midnight(facts: Facts) -> None:
    """Without an instant, everyone at risk at the end of the data is there, with money and without label."""
    frame = scoring_frame(facts, QUARTERS, "churn")
    assert set(frame["as_of"]) == {UNTIL}
    assert len(frame) == 80
    assert "label" not in frame.columns
    assert frame.set_index("account_id").loc["a001", "money"] == 12 * 101.0


def test_scoring_beyond_the_data_is_refused(facts: Facts) -> None:
    """The midnight after the data's end is as far as it goes."""
    assert len(scoring_frame(facts, QUARTERS, "churn", instant("2026-10-01"))) == 80
    with pytest.raises(ConfigError, match="does not reach that far"):
        scoring_frame(facts, QUARTERS, "churn", instant("2026-10-02"))


def test_several_questions_score_their_own_accounts(facts: Facts) -> None:
    """Each question has its own accounts at risk and the same features for an account they share."""
    frames = scoring_frames(facts, QUARTERS, ["churn", "lapse"], instant("2026-07-02"))
    assert len(frames["churn"]) == 81
    assert len(frames["lapse"]) == 92
    both = [frames[q].drop(columns="money").set_index("account_id").loc["a001"] for q in ("churn", "lapse")]
    pd.testing.assert_series_equal(*both)


def test_a_question_without_events_is_set_aside_when_asked(tmp_path: Path) -> None:
    """With `refused` the other questions go on; without it the first refusal is raised."""
    steady = [term(f"a{n:03d}", "2024-01-01") for n in range(60)] + [term("x", "2024-01-01", "2026-09-29")]
    facts = small_company(tmp_path, subscriptions=steady, orders=orders())
    refused: dict[str, NotEnoughData] = {}
    made = build_datasets(QUARTERS, facts, ["churn", "lapse"], refused=refused)  # type: ignore[arg-type]
    assert (set(made), set(refused)) == ({"lapse"}, {"churn"})
    with pytest.raises(NotEnoughData):
        build_datasets(QUARTERS, facts, ["churn", "lapse"])


def test_asked_are_the_questions_that_can_be_answered(tmp_path: Path, facts: Facts) -> None:
    """The workspace's questions as far as the tables go, and where it names none all but kinds of upsell."""
    contracts = small_company(tmp_path)
    assert asked(Workspace(), facts) == ("churn", "contraction", "upsell", "lapse", "growth")
    kinds = {"upsell_seats": QuestionSpec(), "churn": QuestionSpec()}
    assert asked(Workspace(questions=kinds), facts) == ("churn", "upsell_seats")
    named = Workspace(questions={"lapse": QuestionSpec(), "churn": QuestionSpec()})
    assert asked(named, facts) == ("churn", "lapse")
    assert asked(named, contracts) == ("churn",)
    with pytest.raises(NotEnoughData, match="cannot answer 'lapse'"):
        asked(Workspace(questions={"lapse": QuestionSpec()}), contracts)


def test_features_of_given_pairs(facts: Facts) -> None:
    """Any pairs can be asked for, such as the same accounts twelve weeks before."""
    at = instant("2026-01-01")
    frame = feature_frame(facts, pd.DataFrame({"account_id": ["a002", "a001"], "as_of": [at, at]}))
    assert list(frame["account_id"]) == ["a001", "a002"]
    assert list(frame["mrr"]) == [101.0, 102.0]
    assert frame["industry"].isna().sum() == 0
