"""`revml check` and `revml schema`, as a user runs them."""

from __future__ import annotations

import json
from datetime import date, timedelta
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


def test_the_page_is_written_where_asked_or_into_the_work_folder(tmp_path: Path) -> None:
    """In the workspace's language, over the limit too."""
    workspace(tmp_path, "data: data\nlanguage: cs\n", orders=ORDERS + "3,1,never,a,p,1,1\n")
    code, out, _ = run(tmp_path, "--html", str(tmp_path / "new" / "report.html"))
    assert code == 3
    assert "Report:" in out
    text = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert "Kontrola se zastavila" in text
    assert "ordered_at is not a time" in text
    assert "never" in text
    workspace(tmp_path)
    assert run(tmp_path, "--html")[0] == 0
    assert (tmp_path / ".revml" / "check.html").exists()


def test_a_page_that_cannot_be_written_is_a_mistake_of_the_call(tmp_path: Path) -> None:
    """The folder of the report is a file."""
    workspace(tmp_path)
    code, _, err = run(tmp_path, "--html", str(tmp_path / "revml.yaml" / "report.html"))
    assert (code, "name another file after --html" in err) == (2, True)


def test_retry_tells_by_former_reason_what_came_back(tmp_path: Path) -> None:
    """In words and in JSON."""
    orders = ORDERS + "3,1,2024-02-03,late,p,1,10\n"
    workspace(tmp_path, orders=orders)
    assert run(tmp_path)[0] == 0
    workspace(tmp_path, orders=orders, accounts=ACCOUNTS + "late,2024-01-01\n")
    code, out, _ = run(tmp_path, "--retry")
    assert code == 0
    assert "orders: 1 of 1 rows that were in quarantine are accepted now" in out
    assert "account_id names nothing in accounts: 1 rows: 1 accepted" in out
    assert json.loads(run(tmp_path, "--retry", "--json")[1])["retried"] == []


def test_what_is_gone_since_the_last_check_stops_with_exit_code_3(tmp_path: Path) -> None:
    """The report says so, the way out stands on stderr, and the way out works."""
    usage = "account_id,occurred_at,event\na,2024-02-01,login\n"
    workspace(tmp_path, usage=usage)
    assert run(tmp_path)[0] == 0
    (tmp_path / "data" / "usage.csv").unlink()
    code, out, err = run(tmp_path)
    assert code == 3
    assert "! usage: it had 1 rows and is gone" in out
    assert "--accept-changes" in err
    code, out, _ = run(tmp_path, "--json", "--accept-changes")
    assert code == 0
    assert [one["kind"] for one in json.loads(out)["since_last_check"]["changes"] if one["stops"]] == ["table_gone"]
    assert run(tmp_path)[0] == 0


def test_gaps_are_told_and_stand_in_the_json(tmp_path: Path) -> None:
    """A week without usage, by its first and last day, with what was usual."""
    days = [date(2024, 2, 5) + timedelta(days=n) for n in range(120) if not 70 <= n < 77]
    lines = "".join(f"a,{day}T{hour:02}:00:00,login\n" for day in days for hour in range(20))
    workspace(tmp_path, usage="account_id,occurred_at,event\n" + lines)
    assert "usage: Apr 15, 2024 to Apr 21, 2024: 0 rows, where about 140 are usual" in run(tmp_path)[1]
    usage = next(one for one in json.loads(run(tmp_path, "--json")[1])["tables"] if one["table"] == "usage")
    assert usage["profile"]["gaps"] == [{"first": "2024-04-15", "last": "2024-04-21", "rows": 0, "expected": 140}]
    assert usage["profile"]["months"]["2024-03"] == 620


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
