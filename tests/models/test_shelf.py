"""The champion's card in `models/`: whole, the same each time, and never in the way of a promotion."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.config import Workspace
from revml.models.bundle import Bundle
from revml.models.sheet import load_sheet
from revml.models.shelf import shelve
from revml.training import train_dataset
from tests.made_dataset import made_dataset


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small trained model."""
    workspace = Workspace().at(tmp_path_factory.mktemp("shelf"))
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 50, "rungs": ("constant", "rule")})
    return train_dataset(workspace, made_dataset(accounts=120), sheet=sheet).bundle


def _workspace(folder: Path) -> Workspace:
    (folder / "models").mkdir()
    return Workspace().at(folder)


def test_both_cards_stand_beside_the_sheet(tmp_path: Path, bundle: Bundle) -> None:
    """English and Czech, each with the bundle's name and the bundle's own card."""
    written = shelve(_workspace(tmp_path), bundle)
    assert [p.name for p in written] == ["churn.card.md", "churn.card.cs.md"]
    for path, language in zip(written, ("en", "cs"), strict=True):
        told = path.read_text(encoding="utf-8")
        assert told.endswith(bundle.card(language))
        assert bundle.hash[:12] in told.splitlines()[0]
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["churn.card.cs.md", "churn.card.md"]


def test_the_same_champion_changes_nothing(tmp_path: Path, bundle: Bundle) -> None:
    """Written again, the files are not touched: git sees no change and no new time."""
    workspace = _workspace(tmp_path)
    before = [p.stat().st_mtime_ns for p in shelve(workspace, bundle)]
    assert [p.stat().st_mtime_ns for p in shelve(workspace, bundle)] == before


def test_an_older_card_is_replaced(tmp_path: Path, bundle: Bundle) -> None:
    """The card of the champion before gives way, whatever is in its file."""
    workspace = _workspace(tmp_path)
    (tmp_path / "models" / "churn.card.md").write_bytes(b"\xff\xfe of another")
    shelve(workspace, bundle)
    assert (tmp_path / "models" / "churn.card.md").read_text(encoding="utf-8").endswith(bundle.card("en"))


def test_no_folder_no_card(tmp_path: Path, bundle: Bundle) -> None:
    """Where there is no `models/`, none is made."""
    assert shelve(Workspace().at(tmp_path), bundle) == []
    assert not (tmp_path / "models").exists()


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path, bundle: Bundle) -> None:
    """A folder in the card's place (as a read-only checkout would) leaves the other card written and raises nothing."""
    workspace = _workspace(tmp_path)
    (tmp_path / "models" / "churn.card.md").mkdir()
    assert [p.name for p in shelve(workspace, bundle)] == ["churn.card.cs.md"]
    assert len(list((tmp_path / "models").iterdir())) == 2
