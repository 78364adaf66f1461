"""Model sheets: shipped ones are sound, and mistakes name themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.config import QUESTIONS, QuestionName, Workspace
from revml.errors import ConfigError
from revml.features.catalog import catalog
from revml.models.sheet import load_sheet, read_sheet

TOP = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("question", QUESTIONS)
def test_shipped_sheet_is_the_repositorys(tmp_path: Path, question: QuestionName) -> None:
    """The sheet in the wheel is byte for byte the one at the top of the repository."""
    shipped = Path(__file__).parents[2] / "src/revml/workspace/files/models" / f"{question}.yaml"
    assert shipped.read_bytes() == (TOP / f"{question}.yaml").read_bytes()
    assert load_sheet(Workspace().at(tmp_path), question).question == question


@pytest.mark.parametrize("question", QUESTIONS)
def test_constraints_name_real_features(tmp_path: Path, question: QuestionName) -> None:
    """Every constrained feature exists and has a reason."""
    sheet = load_sheet(Workspace().at(tmp_path), question)
    assert sheet.monotone
    assert set(sheet.monotone) <= set(catalog())


def test_the_workspaces_own_sheet_wins(tmp_path: Path) -> None:
    """A sheet in the workspace replaces the shipped one."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "churn.yaml").write_text("question: churn\nrungs: [rule]\n")
    assert load_sheet(Workspace().at(tmp_path), "churn").rungs == ("rule",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("question: churn\nrung: [rule]\n", "did you mean 'rungs'"),
        ("question: lapse\n", "another question"),
        ("question: churn\nmonotone: {mrr: {sign: 1, reason: no}}\n", "reason"),
        ("question: churn\nrungs: []\n", "rungs"),
    ],
)
def test_mistakes_name_themselves(tmp_path: Path, text: str, told: str) -> None:
    """A wrong sheet is an error that names the key or the way out."""
    (tmp_path / "sheet.yaml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_sheet(tmp_path / "sheet.yaml", "churn")


@pytest.mark.parametrize("question", QUESTIONS)
def test_levers_name_real_features(tmp_path: Path, question: QuestionName) -> None:
    """Every shipped sheet says what people can move: features that there are, why in both languages, no category."""
    sheet = load_sheet(Workspace().at(tmp_path), question)
    assert sheet.actionable
    for name, one in sheet.actionable.items():
        assert catalog()[name].kind != "category"
        assert one.told("en") != one.told("cs")


def test_a_lever_goes_the_way_that_is_good(tmp_path: Path) -> None:
    """No shipped sheet asks people to make worse what is declared good, or better what is declared bad."""
    for question in QUESTIONS:
        for name, one in load_sheet(Workspace().at(tmp_path), question).actionable.items():
            assert (catalog()[name].direction, one.direction) not in {("good", "down"), ("bad", "up")}, (question, name)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{direction: sideways, to: p75, reason: because we can}", "direction"),
        ("{direction: up, to: p100, reason: because we can}", "to"),
        ("{direction: up, to: .nan, reason: because we can}", "to"),
        ("{direction: up, to: p75, reason: why}", "reason"),
        ("{direction: up, to: p75}", "reason"),
    ],
)
def test_a_wrong_lever_names_itself(tmp_path: Path, line: str, told: str) -> None:
    """A direction, bound or reason that cannot be is an error that names the key."""
    (tmp_path / "sheet.yaml").write_text(f"question: churn\nactionable: {{nps_last: {line}}}\n")
    with pytest.raises(ConfigError, match=told):
        read_sheet(tmp_path / "sheet.yaml", "churn")


def test_a_misspelt_lever_is_found(tmp_path: Path) -> None:
    """It would never be tried, so the nearest feature is named."""
    (tmp_path / "sheet.yaml").write_text(
        "question: churn\nactionable: {npslast: {direction: up, to: p75, reason: because we can}}\n"
    )
    with pytest.raises(ConfigError, match="did you mean 'nps_last'"):
        read_sheet(tmp_path / "sheet.yaml", "churn").check_names(catalog(), where="sheet.yaml")
