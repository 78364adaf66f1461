"""The company's figures by hand, and their words."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from revml.cli.kpis import kpis
from revml.clv import forecast_clv
from revml.clv.kpis.report import KpiReport, company_kpis
from revml.clv.kpis.words import with_words
from revml.config import Economics
from revml.locales import LANGUAGES, words
from tests.clv.companies import AS_OF, accounts_of, company, line, order
from tests.literal_facts import stage

ECONOMICS = Economics(margin=0.5, order_margin=0.5)


def report(folder: Path, **tables: Any) -> KpiReport:
    """The figures of a company written by hand, with its forecast."""
    facts = stage(folder, **tables)
    clv = forecast_clv(facts, AS_OF, ECONOMICS, horizon_months=12).clv
    return company_kpis(facts, AS_OF, ECONOMICS, clv=clv)


def contracts() -> list[dict[str, Any]]:
    """A year ago 100 + 200 + 300; today 150 + 100, and a new one of 50."""
    return [
        line("a", 100, "2024-01-01", "2025-03-01"),
        line("a", 150, "2025-03-01"),
        line("b", 200, "2024-01-01", "2025-04-01"),
        line("b", 100, "2025-04-01"),
        line("c", 300, "2024-01-01", "2025-05-01"),
        line("d", 50, "2025-07-01"),
    ]


def test_retention_by_hand(tmp_path: Path) -> None:
    """Of 600 a year ago 200 stay at most as they were, 250 with growth; one of three accounts left."""
    made = report(tmp_path, accounts=accounts_of(contracts()), subscriptions=contracts())
    assert made["mrr"].value == 300
    assert made["grr"].value == pytest.approx(200 / 600)
    assert made["nrr"].value == pytest.approx(250 / 600)
    assert made["logo_churn"].value == pytest.approx(1 / 3)
    assert made["arpc"].value == pytest.approx(100)


def test_acquisition_cost_and_payback(tmp_path: Path) -> None:
    """Two joined for 600 and 200, a third without a recorded cost: CAC 400; 100 a month at half: 8 months."""
    accounts = accounts_of(contracts())
    new = [
        {"account_id": n, "created_at": "2025-07-01", "acquisition_cost": c} for n, c in (("d", 600.0), ("e", 200.0))
    ]
    accounts = [*accounts[:-1], *new, {"account_id": "f", "created_at": "2025-07-01"}]
    made = report(tmp_path, accounts=accounts, subscriptions=contracts())
    assert made["cac"].value == 400
    assert made["payback"].value == pytest.approx(8.0)
    assert made["ltv_cac"].value == pytest.approx(made["clv"].value / 400)


def test_missing_acquisition_cost_is_absent_not_zero(tmp_path: Path) -> None:
    """CAC, LTV/CAC and payback have no value but a reason."""
    made = report(tmp_path, accounts=accounts_of(contracts()), subscriptions=contracts())
    for name in ("cac", "ltv_cac", "payback"):
        assert (made[name].value, made[name].reason) == (None, "no_acquisition_cost")
        assert made[name].shown(words("en"), "EUR") == "—"


def test_a_young_company_has_no_retention_yet(tmp_path: Path) -> None:
    """Nobody paid a year ago: retention is absent, with its reason."""
    rows = [line("a", 10, "2025-10-01")]
    made = report(tmp_path, accounts=accounts_of(rows), subscriptions=rows)
    assert (made["grr"].value, made["nrr"].reason) == (None, "short_history")


def test_order_figures_by_hand(tmp_path: Path) -> None:
    """Two buyers in the year, one of them twice; returns come off; a buyer of three years ago is not active."""
    rows = [
        order("a", "2025-02-01", 100),
        order("a", "2025-12-15", 300),
        order("a", "2025-12-20", -40),
        order("b", "2025-12-31", 240),
        order("c", "2023-01-01", 999),
    ]
    made = report(tmp_path, accounts=accounts_of(rows), orders=rows)
    assert made["order_revenue"].value == 600
    assert (made["active_customers"].value, made["repeat_rate"].value, made["purchases"].value) == (2, 0.5, 1.5)
    assert made["mrr"].reason == "no_subscriptions"
    assert made.movements.empty
    december = made.orders.iloc[-1]
    assert (december["revenue"], december["customers"]) == (500_00, 2)


def test_every_figure_has_its_words_in_both_languages(tmp_path: Path) -> None:
    """Name, definition, caveat and every reason, in English and Czech."""
    made = report(tmp_path, accounts=accounts_of(contracts()), subscriptions=contracts())
    for language in LANGUAGES:
        told = with_words(made.to_dict(), words(language))
        assert all(k["label"] and k["definition"] and k["caveat"] for k in told["kpis"])
        assert all(bool(k["reason_text"]) == (k["value"] is None) for k in told["kpis"])
    english, czech = ({k for k in words(la).keys() if k.startswith(("kpi.", "clv."))} for la in LANGUAGES)  # noqa: SIM118
    assert english == czech


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_prints_figures_and_json(tmp_path: Path, language: str) -> None:
    """`revml kpis` prints a definition beside each figure; `--json` gives movements that add up."""
    company(tmp_path / ".revml" / "staged", n=40)
    (tmp_path / "revml.yaml").write_text(f"data: data\nlanguage: {language}\n", encoding="utf-8")
    shown = CliRunner().invoke(kpis, ["-w", str(tmp_path)], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "MRR" in shown.output
    told = json.loads(CliRunner().invoke(kpis, ["-w", str(tmp_path), "--json"], catch_exceptions=False).stdout)
    for month in told["movements"]:
        moved = sum(month[k] for k in ("new", "expansion", "contraction", "churn", "reactivation"))
        assert month["start"] + moved == pytest.approx(month["end"], abs=1e-6)
