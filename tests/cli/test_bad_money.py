"""Money that is odd, missing or wrong, by the real commands: a clear error, or an honest answer that says so."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from revml.cli import main
from revml.config import load_workspace
from revml.sources.facts import Facts
from tests.cli.commands import answer, call
from tests.clv.companies import accounts_of, line, order, yearly_contracts
from tests.order_company import hand_made_champion

Rows = Sequence[Mapping[str, Any]]
LATER = line("late", 10, "2025-12-01")  # so that the data goes on after all that matters


def company(root: Path, settings: str = "", **tables: Rows) -> Path:
    """A workspace whose tables are CSV files, checked by the command."""
    data = root / "data"
    data.mkdir()
    if "accounts" not in tables:
        money = [[dict(row) for row in tables[name]] for name in ("subscriptions", "orders") if name in tables]
        tables["accounts"] = accounts_of(*money)
    for name, rows in tables.items():
        columns = sorted({column for row in rows for column in row})
        with (data / f"{name}.csv").open("w", encoding="utf-8", newline="") as sink:
            writer = csv.DictWriter(sink, columns)
            writer.writeheader()
            writer.writerows(rows)
    (root / "revml.yaml").write_text(f"data: data\n{settings}", encoding="utf-8")
    return root


def checked(root: Path, settings: str = "", **tables: Rows) -> Path:
    """The same, whose check went well."""
    made = company(root, settings, **tables)
    result = call(made, "check")
    assert result.exit_code == 0, result.output
    return made


def figures(root: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The KPIs by name."""
    return {kpi["name"]: kpi for kpi in answer(root, "kpis", *options)["kpis"]}


def scored(root: Path) -> Path:
    """The same with a churn model in service."""
    workspace = load_workspace(root)
    hand_made_champion(workspace, Facts.open(workspace.staged_dir), "churn")
    return root


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty contracts, some of which ended, with a model; tests do not change it."""
    return scored(checked(tmp_path_factory.mktemp("ordinary"), subscriptions=yearly_contracts(40, 3)))


@pytest.mark.parametrize(
    "setting",
    [
        "discount_rate: 1.5",
        "discount_rate: -0.1",
        "margin: 0",
        "margin: 1.2",
        "order_margin: 75",
        "horizon_months: 240",
    ],
)
def test_economics_out_of_range_are_refused(tmp_path: Path, setting: str) -> None:
    """The message names the key and what came, and nothing is written."""
    root = company(tmp_path, f"economics: {{{setting}}}\n", subscriptions=[LATER])
    result = call(root, "check")
    key, value = setting.split(": ")
    assert (result.exit_code, f"economics.{key}" in result.stderr, value in result.stderr) == (2, True, True)
    assert not (root / ".revml").exists()


@pytest.mark.parametrize(("written", "near"), [("EURO", "EUR"), ("eur", "EUR"), ("EUX", "EUR"), ("CZC", "CZK")])
def test_an_unknown_currency_is_refused_with_the_nearest(tmp_path: Path, written: str, near: str) -> None:
    """Codes are those of ISO 4217."""
    result = call(company(tmp_path, f"company: {{currency: {written}}}\n", subscriptions=[LATER]), "check")
    assert result.exit_code == 2
    assert f"unknown currency '{written}'" in result.stderr
    assert f"nearest is {near}" in result.stderr


def test_several_currencies_are_refused(tmp_path: Path) -> None:
    """Money of two currencies is never added up."""
    accounts = [{"account_id": a, "created_at": "2024-01-01", "currency": c} for a, c in (("a", "EUR"), ("b", "USD"))]
    lines = [line("a", 1, "2024-01-01"), line("b", 1, "2024-01-01")]
    result = call(company(tmp_path, accounts=accounts, subscriptions=lines), "check")
    assert (result.exit_code, "EUR (1 accounts), USD (1 accounts)" in result.stderr) == (3, True)
    assert not (tmp_path / ".revml" / "staged" / "accounts.parquet").exists()


@pytest.mark.parametrize("months", ["121", "0", "12,,24", "soon"])
def test_a_horizon_that_is_none_is_refused(ordinary: Path, months: str) -> None:
    """Before anything is read; ten years are the most."""
    result = call(ordinary, "forecast", "--horizon-months", months)
    assert (result.exit_code, "--horizon-months" in result.stderr, "1 to 120" in result.stderr) == (2, True, True)


def test_a_horizon_beyond_the_observed_says_how_much_of_it_is(ordinary: Path) -> None:
    """Ten years from four: a share at every horizon, which grows, a caution by account and a sentence."""
    told = answer(ordinary, "forecast", "--horizon-months", "12,120")
    near, far = told["horizons"]
    assert 0 <= near["extrapolated_share"] < far["extrapolated_share"] <= 1
    assert far["extrapolated_share"] > 0.5
    assert told["warnings"]["extrapolated"] > 0
    assert sum("of the value over 120 months lies beyond anything observed" in note for note in told["notes"]) == 1


def test_an_account_that_left_is_told_as_such(ordinary: Path) -> None:
    """Its value is nothing, and the command says why and where a return counts."""
    told = answer(ordinary, "forecast")
    assert sum("worth nothing here" in note for note in told["notes"]) == 1
    _, gone = min((row["ended_at"], row["account_id"]) for row in yearly_contracts(40, 3) if row["ended_at"])
    told_of_it = call(ordinary, "account", gone)
    assert told_of_it.exit_code == 0, told_of_it.output
    assert "lifetime value in 36 months: €0" in told_of_it.output
    assert "no contract and no orders now" in told_of_it.output


def test_a_day_before_all_data_is_refused(ordinary: Path) -> None:
    """Figures of nobody are no figures: both commands name the day."""
    early = call(ordinary, "kpis", "--as-of", "2010-01-01")
    assert early.exit_code == 4
    assert "or later" in early.stderr
    assert call(ordinary, "forecast", "--as-of", "2010-01-01").exit_code == 4


def test_one_account_with_most_of_the_revenue_is_told(tmp_path: Path) -> None:
    """In the KPIs as a caution beside each figure, in the forecast by its name."""
    root = scored(checked(tmp_path, subscriptions=[*yearly_contracts(40, 3), line("big", 60_000, "2023-01-01")]))
    told = figures(root)
    assert told["largest_share"]["value"] > 0.5
    assert "concentrated" in told["mrr"]["cautions"]
    assert any(note.startswith("big alone brings") for note in answer(root, "forecast")["notes"])


def test_without_acquisition_costs_there_is_a_reason(ordinary: Path) -> None:
    """CAC, LTV/CAC and payback are absent, never zero."""
    told = figures(ordinary)
    for name in ("cac", "ltv_cac", "payback"):
        assert (told[name]["value"], told[name]["reason"]) == (None, "no_acquisition_cost")
    assert all(row["ltv_cac"] is None and row["payback_months"] is None for row in answer(ordinary, "forecast")["top"])


def test_a_negative_margin_gives_a_negative_value_and_a_caution(tmp_path: Path) -> None:
    """What costs more than it brings is told, account by account."""
    products = [{"product": "p", "margin_rate": -0.3}]
    told = answer(scored(checked(tmp_path, subscriptions=yearly_contracts(40, 3), products=products)), "forecast")
    assert told["clv"] < 0
    assert told["warnings"]["negative_margin"] == told["relations"][0]["accounts"]


def test_a_margin_above_one_and_two_margins_of_a_product_are_put_aside(tmp_path: Path) -> None:
    """Nobody guesses which of two is right."""
    rows = [
        {"product": "p", "margin_rate": 0.5},
        {"product": "p", "margin_rate": 0.9},
        {"product": "q", "margin_rate": 9},
    ]
    result = call(company(tmp_path, subscriptions=[LATER], products=rows), "check")
    assert result.exit_code == 3
    assert "another row has the same product but differs, 2 rows" in result.stderr


def test_orders_that_are_only_returns_are_no_customers(tmp_path: Path) -> None:
    """No share, no value and no mean of them is told."""
    root = checked(tmp_path, orders=[order(f"b{i}", f"2025-0{1 + i}-03", -100.0) for i in range(9)])
    told = figures(root)
    assert all(told[name]["value"] is None for name in ("clv", "arpc", "largest_share"))
    assert "no account has bought yet" in answer(root, "kpis")["notes"]


def test_contracts_that_cost_nothing(tmp_path: Path) -> None:
    """MRR is zero; what would be divided by it is absent with a reason."""
    told = figures(checked(tmp_path, subscriptions=[line(f"a{i}", 0, "2024-01-01") for i in range(10)]))
    assert told["mrr"]["value"] == 0
    assert all(told[name]["value"] is None and told[name]["reason"] for name in ("grr", "nrr", "logo_churn", "arpc"))


def test_three_months_of_history(tmp_path: Path) -> None:
    """A value is told with the caution that all of it lies beyond what was observed."""
    lines = [line(f"a{i}", 100 + i, f"2025-10-0{1 + i % 8}") for i in range(20)]
    root = checked(tmp_path, subscriptions=[*lines, LATER])
    told = answer(root, "kpis")
    assert "too little history: MRR of surviving accounts is taken to stay as it is" in told["notes"]
    assert "100% of the value over 36 months lies beyond anything observed so far" in told["notes"]
    assert {kpi["name"]: kpi["reason"] for kpi in told["kpis"]}["grr"] == "short_history"


def test_all_accounts_of_one_age(tmp_path: Path) -> None:
    """What lies beyond their one age is told to be extrapolated."""
    lines = [line(f"a{i:02}", 100, "2024-01-01", "2025-06-01" if i < 8 else None) for i in range(40)]
    told = answer(checked(tmp_path, subscriptions=[*lines, LATER]), "kpis")
    assert any("lies beyond anything observed so far" in note for note in told["notes"])
    assert {kpi["name"]: kpi["value"] for kpi in told["kpis"]}["logo_churn"] == pytest.approx(8 / 40)


def test_parents_in_circles_are_cut_and_named(tmp_path: Path) -> None:
    """An account that is its own parent, a circle of two, and a parent whom nobody knows."""
    above = {"a0000": "a0000", "a0001": "a0002", "a0002": "a0001"}
    lines = yearly_contracts(6, 3)
    accounts = [{**row, "parent_account_id": above.get(row["account_id"], "")} for row in accounts_of(lines)]
    notes = answer(checked(tmp_path, subscriptions=lines, accounts=accounts), "kpis")["notes"]
    assert "3 accounts (a0000, a0001, a0002) are their own ancestors: taken as having no parent" in notes


def test_neither_subscriptions_nor_orders(tmp_path: Path) -> None:
    """Without either there is no money to speak of."""
    result = call(company(tmp_path, accounts=[{"account_id": "a", "created_at": "2024-01-01"}]), "check")
    assert (result.exit_code, "neither of the tables subscriptions and orders" in result.stderr) == (3, True)


def test_sixty_accounts_have_wide_ranges_that_are_doubted(tmp_path: Path) -> None:
    """A range for each who stays, and a sentence on how such ranges held or why that is not known."""
    told = answer(scored(checked(tmp_path, subscriptions=yearly_contracts(60, 3))), "forecast")
    (whole,) = [one for one in told["horizons"] if one["horizon_months"] == told["horizon_months"]]
    assert whole["clv_p90"] - whole["clv_p10"] > 0.3 * whole["clv"]
    assert any("intervals" in note for note in told["notes"])


def test_nobody_has_a_score(tmp_path: Path) -> None:
    """Said once for all, not account by account."""
    notes = answer(checked(tmp_path, subscriptions=yearly_contracts(20, 3)), "kpis")["notes"]
    assert sum("no contract account has a churn score" in note for note in notes) == 1
    assert not any("of 1" in note and "churn score" in note for note in notes)


def test_figures_are_never_cut_on_a_narrow_terminal(ordinary: Path) -> None:
    """In 80 columns every month and every amount stands whole, and no line is longer."""
    narrow = shown(ordinary, "kpis", "--by", "industry", "--cohorts")
    assert "…" not in narrow.output
    months = shown(ordinary, "kpis").output
    assert "…" not in months
    assert max(map(len, months.splitlines())) <= 80
    assert "2024-06" in months


def shown(root: Path, *words: str) -> Result:
    """A command in 80 columns."""
    result = CliRunner().invoke(main, [*words, "-w", str(root)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result
