"""Scoring by partitions: what Spark and Dask call, without either."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.elsewhere import score_partition
from revml.elsewhere.on_dask import setting_of
from revml.errors import BundleError
from revml.models.blend import Blend
from revml.models.learner import dataset, fit_trees
from revml.models.trees import Trees
from tests.models.hand_made import FRAME, RULE, write

SETTING = {"num_leaves": 5, "min_data_in_leaf": 3, "learning_rate": 0.25, "lambda_l2": 1.5, "feature_fraction": 0.9}


def trees(frame: pd.DataFrame, label: np.ndarray, folder: Path) -> Trees:
    """Twelve trees on rows of the hand-made kind."""
    encoding = write(folder, frame=frame).encoding
    made = dataset(encoding.matrix(frame), label, encoding, SETTING)
    return fit_trees(made, encoding, SETTING, rounds=12, seed=3, threads=1)


def rows(n: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with a label that trees can learn."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "account_id": [f"A{i:04d}" for i in range(n)],
            "logins_28d": rng.poisson(9, n).astype(float),
            "seats": rng.integers(1, 60, n),
            "industry": rng.choice(["retail", "banking"], n),
        }
    )
    frame.loc[::11, "logins_28d"] = np.nan
    odds = 0.4 * (frame["logins_28d"].fillna(9) - 9) + (frame["industry"] == "retail")
    return frame, (rng.random(n) < 1 / (1 + np.exp(-odds.to_numpy()))).astype(float)


def test_partitions_score_like_the_bundle(tmp_path: Path) -> None:
    """Each frame of a partition gets the bits that the bundle gives; keys are handed through."""
    bundle = write(tmp_path)
    frame = FRAME.assign(account_id=list("abcd"))
    scorer = score_partition(bundle.folder)
    out = pd.concat(scorer(iter([frame.iloc[:1], frame.iloc[1:]])))
    assert list(out.columns) == ["account_id", *scorer.numbers, "band"]
    assert out["account_id"].tolist() == list("abcd")
    assert (out["raw"] == bundle.raw(FRAME)).all()
    assert (out["probability"] == bundle.predict(FRAME)).all()
    assert out["band"].tolist() == bundle.bands.of(bundle.predict(FRAME)).tolist()


def test_parts_add_up_to_the_log_odds(tmp_path: Path) -> None:
    """Base and contributions of a partition add up."""
    frame = FRAME.assign(account_id=list("abcd"))
    scorer = score_partition(write(tmp_path).folder, parts=True)
    out = scorer.frame(frame)
    assert list(out.columns) == ["account_id", *scorer.numbers, "band"]
    told = out["base"] + out.filter(like="contribution_").sum(axis=1)
    np.testing.assert_allclose(told, out["raw"], atol=1e-12)


def test_another_bundle_in_the_folder_is_refused(tmp_path: Path) -> None:
    """A worker whose folder holds another model does not score with it."""
    folder = tmp_path / "shared"
    shutil.copytree(write(tmp_path / "a").folder, folder)
    scorer = score_partition(folder)
    shutil.rmtree(folder)
    other = write(tmp_path / "b", frame=FRAME.assign(industry=["mining"] * 4))
    shutil.copytree(other.folder, folder)
    with pytest.raises(BundleError, match="another bundle"):
        scorer.frame(FRAME.assign(account_id=list("abcd")))


def test_a_broken_bundle_is_refused_where_it_is_read(tmp_path: Path) -> None:
    """One altered file, and nothing is scored."""
    folder = write(tmp_path).folder
    scorer = score_partition(folder)
    (folder / "model.json").write_text("{}")
    with pytest.raises(BundleError, match=r"model\.json"):
        scorer.frame(FRAME.assign(account_id=list("abcd")))


@pytest.mark.parametrize("blended", [False, True])
def test_the_setting_of_trees_is_read_from_their_text(tmp_path: Path, blended: bool) -> None:
    """A bundle tells by which parameters its trees were made, alone or in a blend."""
    frame, label = rows()
    made = trees(frame, label, tmp_path / "encoding")
    bundle = write(tmp_path, Blend(RULE, made, 0.5) if blended else made, frame)
    setting, rounds, seed = setting_of(bundle)
    assert (rounds, seed) == (12, 3)
    assert {name: setting[name] for name in SETTING} == SETTING


def test_a_rule_has_no_trees(tmp_path: Path) -> None:
    """What no cluster is needed for is refused by name."""
    with pytest.raises(BundleError, match="no trees"):
        setting_of(write(tmp_path))
