"""Golden rows: what training wrote is what this machine says, and any other answer is refused with its place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revml.config import Workspace
from revml.errors import BundleError
from revml.models.baselines import Rung
from revml.models.bundle import Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import Calibration
from revml.models.encoding import Encoding
from revml.models.golden import GOLDEN, ROWS, check_golden, golden, golden_text
from revml.models.sheet import load_sheet
from revml.training import train_dataset
from tests.made_dataset import made_dataset
from tests.models.hand_made import FRAME, RULE, write


@pytest.fixture(scope="module", params=["rule", "logistic", "lightgbm", "blend"])
def trained(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Bundle:
    """A bundle of each rung, trained on a small dataset."""
    rungs = {"blend": ("logistic", "lightgbm", "blend")}.get(request.param, (request.param,))
    workspace = Workspace().at(tmp_path_factory.mktemp(request.param))
    told = {"bootstrap_rounds": 20, "max_rounds": 40, "rungs": rungs}
    sheet = load_sheet(workspace, "churn").model_copy(update=told)
    return train_dataset(workspace, made_dataset(accounts=250), sheet=sheet).bundle


def test_a_trained_bundle_agrees_with_its_golden_rows(trained: Bundle) -> None:
    """Read back from its folder, it says to the bit what training wrote."""
    bundle = load_bundle(trained.folder)
    assert check_golden(bundle) is True
    told = json.loads((bundle.folder / GOLDEN).read_text())
    matrix = bundle.encoding.rows([dict(zip(told["features"], row["values"], strict=True)) for row in told["rows"]])
    assert bundle.model.raw(matrix).tolist() == [row["raw"] for row in told["rows"]]
    assert bundle.model.contributions(matrix)[1].tolist() == [row["parts"] for row in told["rows"]]


def test_golden_rows_hold_what_is_rare(trained: Bundle) -> None:
    """All unknown, every category, and both ends of the risk are among them; ids and dates are not."""
    told = json.loads((trained.folder / GOLDEN).read_text())
    industry = told["features"].index("industry")
    values = [row["values"] for row in told["rows"]]
    assert len(values) <= ROWS
    assert [None] * len(told["features"]) in values
    assert {row[industry] for row in values} == {"banking", "mining", "retail", None}
    assert "a00" not in json.dumps(told)


def _with(folder: Path, model: Rung, told: dict[str, Any]) -> Bundle:
    """A bundle whose golden rows are these."""
    encoding = Encoding.fit(FRAME, ("logins_28d", "seats", "industry"), categorical=("industry",))
    manifest = {"question": "churn", "rung": model.name, "definition": {"horizon_days": 90}, "base_rate": 0.1}
    files = {
        **model_files(model),
        "features.json": to_text(encoding.to_json()),
        "calibration.json": to_text({**Calibration("none").to_json(), "bands": {"medium": 0.1, "high": 0.3}}),
        "reference.json": to_text({}),
        GOLDEN: golden_text(told),
    }
    return load_bundle(write_bundle(folder, manifest, files, {}))


def _told() -> dict[str, Any]:
    encoding = Encoding.fit(FRAME, ("logins_28d", "seats", "industry"), categorical=("industry",))
    return golden(RULE, Calibration("none"), encoding, encoding.matrix(FRAME))


def test_another_model_under_the_same_rows_is_refused(tmp_path: Path) -> None:
    """A level that is off by 1e-8 moves a probability by more than is allowed, and the error says which row."""
    off = replace(RULE, levels=(1.0, -1.0 + 1e-8, -3.0))
    with pytest.raises(BundleError) as caught:
        check_golden(_with(tmp_path, off, _told()))
    assert "golden row" in str(caught.value)
    assert "train again here" in str(caught.value)


def test_rounding_of_another_processor_is_allowed(tmp_path: Path) -> None:
    """A difference in the twelfth digit is none."""
    assert check_golden(_with(tmp_path, replace(RULE, levels=(1.0, -1.0 + 1e-12, -3.0)), _told()))


def test_contributions_are_checked_apart(tmp_path: Path) -> None:
    """Right probabilities with wrong parts are refused: what explains must agree too."""
    bundle = _with(tmp_path, RULE, _told())

    def says(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        base, parts = RULE.contributions(matrix)
        return RULE.raw(matrix), bundle.calibration.apply(RULE.raw(matrix)), base, parts[:, ::-1]

    with pytest.raises(BundleError, match="contributions"):
        check_golden(bundle, says)


def test_what_is_no_number_is_off(tmp_path: Path) -> None:
    """A probability that is NaN does not pass as close enough."""
    bundle = _with(tmp_path, RULE, _told())

    def says(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        base, parts = RULE.contributions(matrix)
        return RULE.raw(matrix), np.full(len(matrix), np.nan), base, parts

    with pytest.raises(BundleError, match="probability"):
        check_golden(bundle, says)


def test_a_bundle_of_before_is_told_as_unchecked(tmp_path: Path) -> None:
    """Without golden rows there is nothing to check, and that is not refused."""
    assert check_golden(write(tmp_path)) is False


def test_the_same_matrix_gives_the_same_rows() -> None:
    """The text that is hashed depends on the data alone."""
    assert golden_text(_told()) == golden_text(_told())
