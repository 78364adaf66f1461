"""`revml importance`: what weighs in a model, as a table, as JSON, as a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.config import load_workspace
from revml.models.registry import appoint
from revml.models.sheet import load_sheet
from revml.training import train_dataset
from tests.cli.commands import answer, call
from tests.made_dataset import made_dataset
from tests.models import hand_made


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose champion of churn is a small trained model."""
    folder = tmp_path_factory.mktemp("importance")
    (folder / "revml.yaml").write_text("company: {name: Literal}\nlanguage: cs\n", encoding="utf-8")
    workspace = load_workspace(folder)
    update = {"bootstrap_rounds": 20, "max_rounds": 30, "rungs": ("lightgbm",)}
    sheet = load_sheet(workspace, "churn").model_copy(update=update)
    bundle = train_dataset(workspace, made_dataset(accounts=250), sheet=sheet).bundle
    appoint(workspace.bundles_dir / "churn", bundle.folder.name, "1")
    return folder


def test_what_weighs_is_shown(root: Path) -> None:
    """Concepts with shares, the strongest feature by what it does, segments of three industries."""
    said = call(root, "importance", "churn").output
    for part in ("Adoption by users", "Active users in the last 28 days", "×", "Industry: mining"):
        assert part in said


def test_json_holds_the_numbers(root: Path) -> None:
    """Shares add up to one; segments of another column than asked for are left out."""
    told = answer(root, "importance", "churn", "--by", "industry")
    assert sum(one["share"] for one in told["concepts"]) == pytest.approx(1.0, abs=1e-4)
    assert {one["column"] for one in told["segments"]} == {"industry"}
    assert told["stability"]["seeds"] == 2


def test_the_page_is_in_the_workspace_s_language(root: Path, tmp_path: Path) -> None:
    """Czech where revml.yaml says so, with its pictures inside."""
    place = tmp_path / "deep" / "churn.html"
    assert call(root, "importance", "churn", "--html", str(place)).exit_code == 0
    page = place.read_text(encoding="utf-8")
    assert "Na co se model dívá" in page
    assert "data:image/svg+xml" in page


def test_an_unknown_segment_names_the_known(root: Path) -> None:
    """A misspelt column ends with the one that was meant."""
    result = call(root, "importance", "churn", "--by", "industri")
    assert result.exit_code != 0
    assert "did you mean 'industry'?" in result.output


def test_without_a_model_or_views_it_says_what_to_do(tmp_path: Path) -> None:
    """No champion: train; a champion of before there were views: train too."""
    (tmp_path / "revml.yaml").write_text("company: {name: Literal}\n", encoding="utf-8")
    assert "revml train" in call(tmp_path, "importance", "churn").output
    folder = load_workspace(tmp_path).bundles_dir / "churn"
    appoint(folder, hand_made.write(folder).folder.name, None)
    result = call(tmp_path, "importance", "churn")
    assert "run `revml train churn`" in result.output
    assert result.exit_code != 0
