"""`revml check` and `revml schema`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from revml.cli import main
from revml.config import Workspace, load_workspace
from tests.sources.workspaces import ACCOUNTS, ORDERS, workspace


def run(folder: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `revml check`."""
    result = CliRunner(env={"COLUMNS": "120"}).invoke(main, ["check", "-w", str(folder), *options])
    return result.exit_code, result.stdout, result.stderr


def test_check_tells_rows_reasons_costs_and_what_next(tmp_path: Path) -> None:
    """All that the report knows, in words."""
    workspace(
        tmp_path,
        accounts=ACCOUNTS.replace("created_at\n", "created_at,score\n")
        .replace("01\n", "01,1\n")
        .replace("00\n", "00,2\n"),
        orders=ORDERS + "3,1,never,a,p,1,1\n",
    )
    code, out, _ = run(tmp_path)
    assert code == 0
    for words in (
        "ordered_at is not a time",
        "quarantine/orders.parquet",
        "orders.cost: margin by order",
        "usage: adoption and its decline",
        "accounts: score",
        "revml preview lapse",
    ):
        assert words in out


def test_check_prints_nothing_but_json(tmp_path: Path) -> None:
    """Stdout is one JSON value whose counts add up."""
    workspace(tmp_path, orders=ORDERS + "3,1,never,a,p,1,1\n")
    code, out, _ = run(tmp_path, "--json")
    tables = {one["table"]: one for one in json.loads(out)["tables"]}
    assert code == 0
    assert tables["orders"]["rows_in"] == 3
    assert tables["orders"]["accepted"] + sum(tables["orders"]["quarantined"].values()) == 3


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_over_the_limit_the_report_is_printed_and_the_exit_code_is_3(tmp_path: Path, options: tuple[str, ...]) -> None:
    """The reasons stand on stdout, the way out on stderr."""
    workspace(tmp_path, "data: data\n", orders=ORDERS + "3,1,never,a,p,1,1\n")
    code, out, err = run(tmp_path, *options)
    assert code == 3
    assert "ordered_at is not a time" in out
    assert "quarantine_limit" in err


def test_a_mistake_in_the_workspace_file_has_exit_code_2(tmp_path: Path) -> None:
    """An unknown key names the nearest known one."""
    (tmp_path / "revml.yaml").write_text("tabels: {}\n")
    code, out, err = run(tmp_path)
    assert (code, out) == (2, "")
    assert "did you mean 'tables'" in err


def test_the_schema_knows_every_key_of_a_workspace(tmp_path: Path) -> None:
    """What the schema lists is what the workspace file may hold."""
    schema = json.loads(CliRunner().invoke(main, ["schema"]).stdout)
    assert schema["additionalProperties"] is False
    defaults = {name: spec["default"] for name, spec in schema["properties"].items() if spec.get("default") is not None}
    (tmp_path / "revml.yaml").write_text(yaml.safe_dump(defaults))
    assert load_workspace(tmp_path).model_dump() == Workspace().model_dump()
