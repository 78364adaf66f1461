"""Pipeline files: what is wrong in them is found before the first step runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.errors import ConfigError
from revml.pipeline import STEPS, load_pipeline


def _file(folder: Path, text: str) -> Path:
    path = folder / "p.yaml"
    path.write_text(text)
    return path


def test_a_step_is_a_name_or_a_name_with_arguments(tmp_path: Path) -> None:
    """Both forms give a validated step, in order."""
    _, steps = load_pipeline(_file(tmp_path, "title: t\nsteps: [check, {train: {question: churn}}]"))
    assert [name for name, _ in steps] == ["check", "train"]
    assert steps[1][1].question == "churn"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("title: t\nsteps: [chek]", ["chek", *STEPS]),
        ("title: t\nsteps: [{train: {quest: churn}}]", ["train", "question"]),
        ("title: t\nsteps: []", ["list of steps"]),
        ("title: t\nstep: [check]", ["step", "steps"]),
    ],
)
def test_a_mistake_names_the_step_and_what_is_known(tmp_path: Path, text: str, names: list[str]) -> None:
    """Unknown steps, unknown arguments and empty lists are refused with the known ones beside them."""
    with pytest.raises(ConfigError) as error:
        load_pipeline(_file(tmp_path, text))
    for name in names:
        assert name in str(error.value)
