"""`revml sample`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from revml.cli import main
from revml.cli.sample import KindName
from revml.sources.samples.kinds import KINDS


def run(*arguments: str):
    """The result of a command line."""
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, ["sample", *arguments])


def test_sample_tells_rows_and_what_next(tmp_path: Path) -> None:
    """A table with the rows written, where the truth is, and the next step."""
    result = run(str(tmp_path / "data"), "--accounts", "20", "--months", "6", "--kind", "manufacturing")
    assert result.exit_code == 0
    assert "orders" in result.stdout
    assert f"Next: revml init my-company, say `data: {tmp_path / 'data'}`" in result.stdout
    assert (tmp_path / "data" / "truth" / "README.md").read_text(encoding="utf-8").startswith("# The truth")


def test_sample_inside_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a workspace stands already, the next step is its check and no second workspace."""
    monkeypatch.chdir(tmp_path)
    Path("revml.yaml").write_text("data: data\n", encoding="utf-8")
    told = run("data", "--accounts", "20", "--months", "6").stdout
    assert "Next: say `data: data` in revml.yaml if it does not yet, then revml check" in told


def test_sample_as_json(tmp_path: Path) -> None:
    """JSON and nothing else on stdout, with rows as they were written."""
    result = run(str(tmp_path), "--accounts", "20", "--months", "6", "--seed", "5", "--events", "500", "--json")
    told = json.loads(result.stdout)
    assert told["kind"] == "saas"
    for name, rows in told["rows"].items():
        assert pq.read_metadata(tmp_path / f"{name}.parquet").num_rows == rows


def test_sample_refuses_a_companys_own_folder(tmp_path: Path) -> None:
    """Tables that no sample wrote are not written over; the exit code is that of a wrong configuration."""
    pq.write_table(pa.table({"account_id": ["ours"]}), tmp_path / "accounts.parquet")
    result = run(str(tmp_path))
    assert result.exit_code == 2
    assert "give another folder" in result.stderr


def test_the_command_knows_all_kinds() -> None:
    """The choices of the command are the kinds that there are."""
    assert get_args(KindName) == tuple(KINDS)
