"""Bad input by the real commands: a message with the place and the way out, its exit code, nothing half-written."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from revml.cli import main
from revml.config import load_workspace
from revml.models.bundle import load_bundle
from revml.models.sheet import load_sheet
from revml.training import train_dataset
from tests.made_dataset import made_dataset
from tests.order_company import order_company
from tests.sources.workspaces import ACCOUNTS, ORDERS, workspace

HEADER = "order_id,line,ordered_at,account_id,product,quantity,amount\n"
FOLDER = "data: data\n"


def refused(folder: Path, code: int, *command: str, says: Sequence[str]) -> str:
    """Run a command that must fail: exit code, words of the message on stderr, and no traceback."""
    result = CliRunner(env={"COLUMNS": "250"}).invoke(main, [*command, "-w", str(folder)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    for word in (*says, "to do:"):
        assert word in result.stderr
    return result.stdout


def made(folder: Path) -> set[str]:
    """All files of the work folder except the quarantine."""
    work = folder / ".revml"
    return {str(p.relative_to(work)) for p in work.rglob("*") if p.is_file() and "quarantine" not in p.parts}


def mapped(**tables: str) -> str:
    """A workspace file with sources table by table; each value is the rest of the source in braces."""
    rows = "".join(f"  {name}: {{path: data/{name}.csv{rest}}}\n" for name, rest in tables.items())
    return "quarantine_limit: 0\ntables:\n" + rows


@pytest.mark.parametrize(
    ("yaml", "code", "says"),
    [
        ("data: data\nquestions: {churn: {horizn_days: 3}}\n", 2, ["questions.churn", "did you mean 'horizon_days'"]),
        ("data: nowhere\n", 2, ["revml.yaml: data", "nowhere"]),
        ("{}\n", 2, ["names no data", "data: data"]),
        ("data: [\n", 2, ["not YAML", "line 2, column 1"]),
        (mapped(accounts=", columns: {acount_id: x}", orders=""), 2, ["acount_id", "did you mean 'account_id'"]),
        (mapped(accounts=", columns: {account_id: Customer}", orders=""), 2, ["no column 'Customer'", "created_at"]),
        (mapped(accounts=", where: 'plan = 3'", orders=""), 2, ["tables.accounts.where", "plan"]),
        (mapped(accounts=", static: [plan]", orders=""), 2, ["tables.accounts.static", "plan"]),
        (mapped(accounts="", orders="", usage=""), 3, ["tables.usage.path", "usage.csv"]),
        ("tables:\n  orders: {path: data/orders.csv}\n", 3, ["the table accounts is missing"]),
        ("tables:\n  accounts: {path: data/accounts.csv}\n", 3, ["neither", "subscriptions", "orders"]),
    ],
)
def test_a_mistake_in_the_workspace_is_named_and_writes_nothing(
    tmp_path: Path, yaml: str, code: int, says: list[str]
) -> None:
    """Unknown keys and columns, missing files and tables."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "data" / "orders.csv").write_text(ORDERS)
    (tmp_path / "revml.yaml").write_text(yaml)
    refused(tmp_path, code, "check", says=says)
    assert made(tmp_path) == set()


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"orders": ORDERS + "3,1,2024-02-03,a,p,1,ten\n"}, "amount is not an amount of money"),
        ({"orders": ORDERS + "3,1,2024-02-03,a,p,1,NaN\n"}, "amount is not finite"),
        ({"orders": ORDERS + "3,1,2024-02-03,a,p,1,-inf\n"}, "amount is not finite"),
        ({"orders": ORDERS + "3,1,2024-02-03,a,p,1,\n"}, "amount is missing"),
        ({"orders": ORDERS + "3,1,2019-02-03,a,p,1,10\n"}, "ordered_at is before the account was created"),
        ({"orders": ORDERS + "3,1,2024-02-03,nobody,p,1,10\n"}, "account_id names nothing in accounts"),
        ({"orders": ORDERS + "1,1,2024-02-03,a,p,1,99\n"}, "another row has the same order_id"),
        ({"accounts": ACCOUNTS + "a,2024-03-01\n"}, "another row has the same account_id but differs"),
        ({"accounts": b"account_id,created_at,name\na,2024-01-01,\x8akoda\nb,2024-01-01,x\n"}, "not UTF-8"),
        ({"orders": HEADER + "".join(f"{n},1,2024-02-03,a,p,1,{n}\n" for n in range(9_000))
          + "".join(f"{n},1,03.02.2024,a,p,1,{n} EUR\n" for n in range(9_000, 18_000))}, "ordered_at is not a time"),
    ],
)  # fmt: skip
def test_bad_rows_over_the_limit_leave_only_the_quarantine(
    tmp_path: Path, tables: dict[str, str | bytes], reason: str
) -> None:
    """The reason stands in the report, the file with the rows is named, the facts before stay."""
    workspace(tmp_path, FOLDER)
    assert CliRunner().invoke(main, ["check", "-w", str(tmp_path)]).exit_code == 0
    before = {p.name: p.read_bytes() for p in (tmp_path / ".revml" / "staged").iterdir()}
    workspace(tmp_path, FOLDER, **tables)
    out = refused(tmp_path, 3, "check", says=["quarantine_limit", ".parquet"])
    assert reason in out
    assert {p.name: p.read_bytes() for p in (tmp_path / ".revml" / "staged").iterdir()} == before


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        (
            {"orders": ORDERS + "3,1,2024-02-03T10:00:00+02:00,a,p,1,1\n4,1,2024-02-03T10:00:00,a,p,1,1\n"},
            ["mixes times with a zone", "row 4", "timezone"],
        ),
        ({"orders": HEADER}, ["no accepted row in subscriptions or orders"]),
        ({"usage": "\n"}, ["usage.csv", "header"]),
        ({"accounts": "account_id,created_at,currency\na,2024-01-01,EUR\nb,2024-01-05,USD\n"}, ["several currencies"]),
        (
            {"orders": HEADER.replace("amount", "amount,currency") + "1,1,2024-02-03,a,p,1,1,USD\n"},
            ["table orders, column currency", "USD (1 rows)", "sql"],
        ),
    ],
)
def test_what_cannot_be_added_up_or_read_stops_the_check(
    tmp_path: Path, tables: dict[str, str], says: list[str]
) -> None:
    """Mixed zones, mixed currencies, and tables without anything in them."""
    workspace(tmp_path, FOLDER, **tables)
    refused(tmp_path, 3, "check", says=says)
    assert made(tmp_path) == set()


def test_a_currency_that_the_mapping_converts_is_no_mix(tmp_path: Path) -> None:
    """An amount computed from the source's currency is the user's own conversion."""
    amount = ", columns: {amount: {sql: \"CASE cur WHEN 'USD' THEN 0.9 ELSE 1 END * TRY_CAST(paid AS DOUBLE)\"}}"
    orders = "order_id,line,ordered_at,account_id,product,quantity,paid,cur\n1,1,2024-02-03,a,p,1,10,USD\n"
    workspace(tmp_path, mapped(accounts="", orders=amount), orders=orders)
    result = CliRunner().invoke(main, ["check", "-w", str(tmp_path)])
    assert result.exit_code == 0, result.output


def test_a_table_with_only_a_header_counts_as_missing(tmp_path: Path) -> None:
    """The check goes on and says what that costs."""
    workspace(tmp_path, FOLDER, usage="account_id,user_id,occurred_at,event\n")
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["check", "-w", str(tmp_path)])
    assert result.exit_code == 0
    assert "usage: no row was accepted, so it counts as missing: adoption and its decline" in result.stdout


def test_ends_after_the_newest_fact_are_told(tmp_path: Path) -> None:
    """Data whose newest start is old cannot show that its ends have happened, unless one says how far they reach."""
    terms = "subscription_id,account_id,product,started_at,ended_at,quantity,mrr\n1,a,p,2024-02-01,2025-02-01,1,10\n"
    for yaml, told in ((FOLDER, True), (FOLDER + "observed_until: 2025-06-01\n", False)):
        workspace(tmp_path, yaml, subscriptions=terms)
        result = CliRunner(env={"COLUMNS": "250"}).invoke(main, ["check", "-w", str(tmp_path)])
        assert ("1 subscriptions end after the newest fact" in result.stdout) is told


@pytest.mark.parametrize("damage", ["cut", "garbled", "other"])
def test_a_damaged_parquet_file_is_named(tmp_path: Path, damage: str) -> None:
    """Cut off, with bytes turned, and not Parquet at all."""
    workspace(tmp_path, FOLDER)
    file = tmp_path / "data" / "orders.parquet"
    (tmp_path / "data" / "orders.csv").unlink()
    ids = [str(n) for n in range(3_000)]
    pd.DataFrame({"order_id": ids, "line": 1, "ordered_at": pd.Timestamp("2024-02-03"), "account_id": "a",
                  "product": "p", "quantity": 1, "amount": 3.0}).to_parquet(file)  # fmt: skip
    whole = file.read_bytes()
    turned = bytes(b ^ 0xFF for b in whole[200:400])
    file.write_bytes({"cut": whole[: len(whole) // 2], "garbled": whole[:200] + turned + whole[400:]}.get(damage, b"x"))
    refused(tmp_path, 3, "check", says=["orders.parquet"])
    assert made(tmp_path) == set()


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ("[check, scor]", ["step 2", "did you mean 'score'"]),
        ("[check, train: {question: chrn}]", ["train: question", "did you mean 'churn'"]),
        ("[check, train: {sheet: models/lapse.yaml}]", ["one question"]),
        ("[check, train: {question: lapse, sheet: nope.yaml}]", ["nope.yaml", "no such file"]),
        ("[check, score: 5]", ["as_of, horizon_months"]),
        ("[check, export: {}]", ["'out' is missing"]),
    ],
)
def test_a_mistake_in_a_pipeline_is_found_before_its_first_step(tmp_path: Path, steps: str, says: list[str]) -> None:
    """Not even the check has run."""
    workspace(tmp_path, FOLDER)
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "weekly.yaml").write_text(f"title: t\nsteps: {steps}\n")
    refused(tmp_path, 2, "run", "weekly", says=says)
    refused(tmp_path, 2, "run", "wekly", says=["did you mean 'weekly'"])
    assert made(tmp_path) == set()


@pytest.mark.parametrize(
    ("sheet", "says"),
    [
        ("question: lapse\nmax_round: 3\n", ["unknown key 'max_round'", "did you mean 'max_rounds'"]),
        ("question: churn\n", ["for another question"]),
        ("- lapse\n", ["a mapping was expected"]),
        ("question: lapse\nmonotone: {mrr: {sign: 2, reason: it is so and always was}}\n", ["monotone.mrr.sign"]),
    ],
)
def test_a_broken_model_sheet_is_found_before_the_features_are_built(
    tmp_path: Path, sheet: str, says: list[str]
) -> None:
    """By the command and by a pipeline that trains everything; here the data would not even be enough."""
    workspace(tmp_path, FOLDER)
    CliRunner().invoke(main, ["check", "-w", str(tmp_path)])
    for folder in ("models", "pipelines"):
        (tmp_path / folder).mkdir()
    (tmp_path / "models" / "lapse.yaml").write_text(sheet)
    (tmp_path / "pipelines" / "retrain.yaml").write_text("title: t\nsteps: [train]\n")
    refused(tmp_path, 2, "train", "lapse", says=["models/lapse.yaml", *says])
    refused(tmp_path, 2, "run", "retrain", says=["models/lapse.yaml", *says])


@pytest.mark.parametrize("command", [["train", "all"], ["train", "lapse"], ["score"], ["preview", "lapse"], ["kpis"]])
def test_before_the_check_the_way_out_is_the_check(tmp_path: Path, command: list[str]) -> None:
    """Exit code 7."""
    workspace(tmp_path, FOLDER)
    refused(tmp_path, 7, *command, says=["no checked data yet", "revml check"])


def test_no_closed_window_and_an_unanswerable_question_cannot_be_trained(tmp_path: Path) -> None:
    """Two orders of one month: the message names the horizon, or the column that is missing."""
    workspace(tmp_path, FOLDER)
    CliRunner().invoke(main, ["check", "-w", str(tmp_path)])
    refused(tmp_path, 4, "train", "lapse", says=["no label window has closed", "horizon_days"])
    refused(tmp_path, 4, "train", "churn", says=["subscriptions.ended_at", "lapse"])
    assert not list(tmp_path.glob(".revml/bundles/*/*/manifest.json"))


def buyers(folder: Path, accounts: int, *, lapsing: bool = True) -> None:
    """A checked workspace of buyers over three years; every other one stops at some time."""
    draw = np.random.default_rng(1)
    names, orders = "account_id,created_at\n", HEADER
    for number in range(accounts):
        day = date(2022, 1, 1) + timedelta(days=int(draw.integers(90)))
        names += f"a{number},{day}\n"
        until = (
            day + timedelta(days=int(draw.integers(200, 1_000))) if lapsing and number % 2 == 0 else date(2025, 1, 1)
        )
        while day < until:
            orders += f"{number}-{day},1,{day},a{number},p,1,{draw.integers(10, 90)}\n"
            day += timedelta(days=int(draw.integers(10, 40)))
    workspace(folder, FOLDER, accounts=names, orders=orders)


@pytest.mark.parametrize(
    ("accounts", "lapsing", "says"),
    [(30, True, ["30 accounts", "at least 50"]), (60, False, ["lapse", "0"])],
)
def test_too_few_accounts_and_one_class_only_train_nothing(
    tmp_path: Path, accounts: int, lapsing: bool, says: list[str]
) -> None:
    """Exit code 4 with the numbers, and no bundle."""
    buyers(tmp_path, accounts, lapsing=lapsing)
    assert CliRunner().invoke(main, ["check", "-w", str(tmp_path)]).exit_code == 0
    refused(tmp_path, 4, "train", "lapse", says=[*says, "revml preview lapse"])
    assert [p.name for p in tmp_path.glob(".revml/bundles/*/*")] == [".training.lock"]


@pytest.mark.slow
def test_a_company_of_sixty_accounts_retrains_and_scores(tmp_path: Path) -> None:
    """Small data gives a small model, or an honest refusal; never a traceback."""
    CliRunner().invoke(main, ["init", str(tmp_path)])
    yaml = (tmp_path / "revml.yaml").read_text()
    buyers(tmp_path, 60)
    (tmp_path / "revml.yaml").write_text(yaml)
    result = CliRunner().invoke(main, ["run", "retrain", "-w", str(tmp_path)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code == 0, result.output
    assert "lapse" in result.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a champion for lapse, made once; tests copy it."""
    folder = tmp_path_factory.mktemp("trained")
    order_company(folder)
    return folder


@pytest.fixture
def company(trained: Path, tmp_path: Path) -> Path:
    """A copy of the company of its own."""
    return Path(shutil.copytree(trained, tmp_path / "company"))


@pytest.mark.parametrize("file", ["manifest.json", "model.json", "features.json", "calibration.json", "reference.json"])
def test_one_flipped_bit_in_a_bundle_stops_scoring(company: Path, file: str) -> None:
    """Exit code 5 names the file; nothing is published."""
    (bundle,) = company.glob(".revml/bundles/lapse/*/manifest.json")
    broken = bundle.with_name(file)
    content = bytearray(broken.read_bytes())
    content[len(content) // 2] ^= 1
    broken.write_bytes(bytes(content))
    refused(company, 5, "score", says=[file, "train again"])
    assert not (company / ".revml" / "scores.db").exists()


@pytest.mark.parametrize("pointer", ["{", "[]", '{"bundle": "0123456789ab", "version": "1"}'])
def test_a_champion_that_cannot_be_found_stops_scoring(company: Path, pointer: str) -> None:
    """A broken pointer never counts as a question without a model, which would be left out in silence."""
    (company / ".revml" / "bundles" / "lapse" / "champion.json").write_text(pointer)
    refused(company, 5, "score", says=["champion.json", "revml train lapse"])


def test_without_a_champion_scoring_says_train(company: Path) -> None:
    """Exit code 7."""
    (company / ".revml" / "bundles" / "lapse" / "champion.json").unlink()
    refused(company, 7, "score", says=["no question has a model in service yet", "revml train all"])


@pytest.mark.parametrize(
    ("as_of", "code", "says"),
    [("2027-01-01", 2, "does not reach"), ("2020-01-01", 4, "nobody to score"), ("soon", 2, "not a date")],
)
def test_a_day_without_data_publishes_nothing(company: Path, as_of: str, code: int, says: str) -> None:
    """Beyond the data, before the first customer, and no day at all."""
    refused(company, code, "score", "--as-of", as_of, says=[says])
    assert not (company / ".revml" / "scores.db").exists()


@pytest.mark.parametrize("file", ["orders.parquet", "facts.json"])
def test_damaged_checked_data_asks_for_a_new_check(company: Path, file: str) -> None:
    """A staged file that was cut off."""
    staged = company / ".revml" / "staged" / file
    staged.write_bytes(staged.read_bytes()[: staged.stat().st_size // 2])
    refused(company, 3, "score", says=["staged", "revml check"])


def test_a_scores_database_that_is_none_is_refused(company: Path) -> None:
    """By those who write and those who read."""
    (company / ".revml" / "scores.db").write_bytes(b"nonsense" * 500)
    for command in ("score", "accounts"):
        refused(company, 6, command, says=["scores.db", "put it aside"])


def test_what_readers_ask_for_in_vain_is_told(company: Path) -> None:
    """No run yet; then no such account, question, run, form or folder."""
    for command in (["accounts"], ["account", "c01"], ["export"]):
        result = CliRunner().invoke(main, [*command, "-w", str(company)])
        assert (result.exit_code, "revml score" in result.stderr) == (7, True)
    assert CliRunner().invoke(main, ["score", "-w", str(company)]).exit_code == 0
    refused(company, 7, "account", "nobody", says=["nobody"])
    refused(company, 7, "accounts", "--question", "churn", says=["not scored", "lapse"])
    refused(company, 2, "export", "--out", "scores.xlsx", says=[".csv or .parquet"])
    refused(company, 3, "export", "--out", str(company / "revml.yaml" / "scores.csv"), says=["cannot be written"])


def test_a_port_in_use_is_told(company: Path) -> None:
    """Exit code 2 and another port to try."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(company, 2, "serve", "--port", str(port), says=[f"port {port}", f"--port {port + 1}"])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace with a small trained model that MLflow does not know."""
    root = tmp_path_factory.mktemp("bundle")
    (root / "revml.yaml").write_text(FOLDER)
    here = load_workspace(root)
    sheet = load_sheet(here, "churn").model_copy(update={"rungs": ("constant", "rule"), "bootstrap_rounds": 50})
    train_dataset(here, made_dataset(accounts=100, months=10), sheet=sheet)
    return root


@pytest.mark.parametrize("state", ["locked", "unwritable", "damaged"])
def test_an_mlflow_that_refuses_costs_no_model(bundle: Path, tmp_path: Path, state: str) -> None:
    """Exit code 8 names the way back; the model is as it was."""
    root = Path(shutil.copytree(bundle, tmp_path / "company"))
    file = root / ".revml" / "mlflow.db"
    holder = None
    if state == "locked":
        holder = sqlite3.connect(file, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
    elif state == "unwritable":
        file.mkdir()
    else:
        file.write_bytes(b"nonsense" * 500)
    try:
        refused(root, 8, "register", "churn", says=["MLflow", "mlflow.db", "revml register"])
    finally:
        if holder:
            holder.close()
    (folder,) = {p.parent for p in root.glob(".revml/bundles/churn/*/manifest.json")}
    assert load_bundle(folder).question == "churn"
