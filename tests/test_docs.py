"""The documents agree with the code: lists are generated, commands exist, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from revml.cli import main
from revml.cli.describe import commands_markdown, features_markdown, tables_markdown
from revml.config import QUESTIONS, Workspace

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _commands() -> dict[str, click.Command]:
    context = click.Context(main)
    return {name: main.get_command(context, name) for name in main.list_commands(context)}  # type: ignore[misc]


def test_the_list_of_tables_is_current() -> None:
    """`docs/tables.md` is what `revml tables --markdown` prints."""
    assert (ROOT / "docs/tables.md").read_text(encoding="utf-8") == tables_markdown()


def test_the_list_of_features_is_current() -> None:
    """`docs/features.md` is what `revml features --markdown` prints."""
    assert (ROOT / "docs/features.md").read_text(encoding="utf-8") == features_markdown()


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_command_shows_an_example(name: str) -> None:
    """The help of a command holds an example of its use."""
    assert re.search(rf"Example:\s+revml {name}\b", _commands()[name].help or "")


def test_the_list_of_commands_is_current() -> None:
    """`docs/commands.md` is what `revml commands --markdown` prints."""
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == commands_markdown()


def test_every_question_is_described() -> None:
    """`docs/questions.md` has a row for each question, and no row for another."""
    text = (ROOT / "docs/questions.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(QUESTIONS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_documents_name_only_commands_and_files_that_exist(page: Path) -> None:
    """No `revml x` without such a command, no relative link without its file."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    for name in re.findall(r"(?:^|`)revml ([a-z]+)", code, re.MULTILINE):
        assert name in _commands(), name
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_workspace_examples_in_documents_are_valid(page: Path) -> None:
    """Each YAML example that starts with a workspace key is read by the real schema."""
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        example = yaml.safe_load(block)
        if isinstance(example, dict) and set(example) <= set(Workspace.model_fields):
            Workspace.model_validate(example)
