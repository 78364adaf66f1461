"""The house itself: what must never stand in it, and that its lists agree with each other."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest

from revml import cli
from revml.config import TableName
from revml.contract.tables import LATER_COLUMNS, TABLES
from revml.locales import LANGUAGES, words

ROOT = Path(__file__).parent.parent


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_pickle_anywhere() -> None:
    """No module imports pickle, cloudpickle, dill or joblib."""
    bad = re.compile(r"^\s*(import|from)\s+(pickle|cloudpickle|dill|joblib)\b", re.MULTILINE)
    guilty = [p for p in _tracked() if p.suffix == ".py" and bad.search(p.read_text(encoding="utf-8"))]
    assert guilty == []


def test_no_result_is_left_half_read() -> None:
    """A query of the shared connection is read to its end: DuckDB refuses the next change while one is not."""
    half_read = re.compile(r"\.(fetchone|fetchmany)\(")
    code = {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in _tracked() if p.suffix == ".py"}
    elsewhere = {"src/revml/features/engines/postgres.py", "src/revml/sources/sqlite.py"}  # other databases
    at_the_end = {"src/revml/sources/ledger.py"}  # reads on until nothing comes
    found = {name for name, text in code.items() if name.startswith("src/") and half_read.search(text)}
    assert found <= elsewhere | at_the_end


def test_no_binary_model_in_git() -> None:
    """Models are made, never committed; pictures, fonts and small sample tables of tests are the only binaries."""
    binaries = [p for p in _tracked() if b"\0" in p.read_bytes()[:4096]]
    assert {p.suffix for p in binaries} <= {".png", ".woff2", ".ico", ".parquet"}
    tables = [p for p in binaries if p.suffix == ".parquet"]
    assert all("samples" in p.parts and p.stat().st_size < 20_000 for p in tables)


def test_the_lock_names_no_index() -> None:
    """The lock can be installed from any mirror: it holds names, versions and hashes only."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index-url|--find-links|file:", lock)
    for name, floor in (("bentoml", (1, 4, 39)), ("mlflow", (3, 17)), ("starlette", (1, 0, 1))):
        found = re.search(rf"^{name}==([\d.]+)", lock, re.MULTILINE)
        assert found, name
        assert tuple(int(part) for part in found.group(1).split(".")) >= floor


def test_configuration_and_contract_name_the_same_tables() -> None:
    """The workspace file may name exactly the contract's tables."""
    assert set(TableName.__args__) == set(TABLES)


def test_later_columns_exist() -> None:
    """Columns that only become true later, and the times that say when, are columns of their tables."""
    for table, later in LATER_COLUMNS.items():
        assert {*later, *later.values()} <= set(TABLES[table].by_name)


def test_both_languages_have_the_same_texts() -> None:
    """Each text exists in English and in Czech, with the same placeholders, and none is empty."""
    english, czech = (words(language) for language in LANGUAGES)
    assert english.keys() == czech.keys()
    for key in sorted(english.keys()):
        forms = [w._texts[key] if isinstance(w._texts[key], tuple) else (w._texts[key],) for w in (english, czech)]
        assert all(text for form in forms for text in form), key
        fields = [{f for text in form for f in re.findall(r"\{(\w+)", text)} for form in forms]
        assert fields[0] == fields[1], key


def test_every_command_is_found_without_importing_the_others() -> None:
    """The map of commands names exactly the commands that the modules of `revml.cli` offer."""
    found = {
        command.name: module.name
        for module in pkgutil.iter_modules(cli.__path__)
        for command in getattr(importlib.import_module(f"revml.cli.{module.name}"), "commands", ())
    }
    assert found == cli.COMMANDS
