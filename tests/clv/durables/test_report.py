"""The installed base in figures, counted by hand."""

from pathlib import Path

import pytest

from revml.clv.durables.report import InstalledReport, installed_report
from revml.config import Economics
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, line
from tests.clv.machines import MILL, OIL, machine, machine_company, sold

SAW = {**MILL, "product": "saw", "family": "saws", "life_months": 50}


def company(folder: Path) -> Facts:
    """`a` has two mills and a saw and a contract; `b` has a mill, `c` had one."""
    return machine_company(
        folder,
        products=[MILL, SAW, OIL],
        subscriptions=[line("a", 10.0, "2024-01-01"), line("b", 10.0, "2022-01-01", "2023-01-01")],
        assets=[
            machine("m1", "a", "2024-01-01"),
            machine("m2", "a", "2025-01-01"),
            machine("m3", "a", "2019-01-01", product="saw"),
            machine("m4", "b", "2023-01-01"),
            machine("m5", "c", "2016-01-01", "2024-01-01"),
        ],
        orders=[
            sold("a", "2025-06-01", 300.0, "oil"),
            sold("b", "2025-03-01", 100.0, "oil"),
            sold("c", "2025-03-01", 70.0, "oil"),
            sold("b", "2021-01-01", 5.0, "oil"),
        ],
    )


def made(facts: Facts) -> InstalledReport:
    """The report at `AS_OF`."""
    found = installed_report(facts, AS_OF, Economics())
    assert found is not None
    return found


def test_families_and_all(tmp_path: Path) -> None:
    """Three mills at two owners, a saw past its life; one of two owners has a contract."""
    report = made(company(tmp_path))
    assert [(one.family, one.machines, one.owners) for one in report.families] == [
        ("machines", 3, 2),
        ("saws", 1, 1),
        ("", 4, 2),
    ]
    mills, saws, every = report.families
    assert mills.mean_age_months == pytest.approx((24 + 12 + 36) / 3, abs=0.05)
    assert (saws.beyond_life, mills.beyond_life, every.beyond_life) == (1.0, 0.0, 0.25)
    assert (mills.penetration, mills.accounts_under_contract) == (pytest.approx(2 / 3), 0.5)
    assert (every.penetration, every.accounts_under_contract) == (0.75, 0.5)


def test_parts_a_machine_year(tmp_path: Path) -> None:
    """`a` bought 100 for each of three machines, `b` 100 for its one; orders of who owns none are nobody's parts."""
    mills, saws, every = made(company(tmp_path)).families
    assert mills.parts_per_machine_year == pytest.approx(300 / 3, rel=0.01)
    assert saws.parts_per_machine_year == pytest.approx(100)
    assert every.parts_per_machine_year == pytest.approx(100, rel=0.01)


def test_families_add_up_to_all(tmp_path: Path) -> None:
    """Replacements, and their money, of all are those of the families."""
    report = made(company(tmp_path))
    *families, every = report.families
    assert sum(one.replacements_per_year for one in families) == pytest.approx(every.replacements_per_year)
    assert sum(one.replacement_money for one in families) == pytest.approx(every.replacement_money)
    assert every.replacements_per_year > 0


def test_old_machines_have_less_left(tmp_path: Path) -> None:
    """The saw is past the life it was sold with; a mill has most of its life before it."""
    mills, saws, _ = made(company(tmp_path)).families
    assert saws.life_left_months is not None
    assert mills.life_left_months is not None
    assert saws.life_left_months < 40 < mills.life_left_months


def test_nothing_in_service_is_no_zero(tmp_path: Path) -> None:
    """Ages and lives of a fleet that is gone cannot be told."""
    facts = machine_company(
        tmp_path, assets=[machine("m", "c", "2016-01-01", "2024-01-01")], orders=[sold("c", "2020-01-01", 1.0, "oil")]
    )
    [every] = made(facts).families
    assert (every.machines, every.mean_age_months, every.parts_per_machine_year) == (0, None, None)
    assert made(facts).to_dict()["families"][0]["mean_age_months"] is None


def test_without_machines_there_is_no_report(tmp_path: Path) -> None:
    """A company of orders alone has no installed base."""
    assert (
        installed_report(machine_company(tmp_path, orders=[sold("a", "2025-01-01", 1.0)]), AS_OF, Economics()) is None
    )
