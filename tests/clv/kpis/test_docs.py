"""`docs/kpis.md` says what the catalogues say, and its example is what comes out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from revml.clv.kpis.figures import UNITS
from revml.clv.kpis.movements import MONEY, movements_between
from revml.clv.kpis.report import KpiReport, company_kpis
from revml.config import Economics
from revml.locales import words
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, line, order
from tests.literal_facts import stage

TEXT = (Path(__file__).parents[3] / "docs/kpis.md").read_text(encoding="utf-8")


def table(header: str) -> list[list[str]]:
    """The cells of the rows below a header."""
    lines = TEXT[TEXT.index(header) :].splitlines()[2:]
    rows = lines[: next((i for i, one in enumerate(lines) if not one.startswith("|")), len(lines))]
    return [[cell.strip() for cell in one.strip("|").split("|")] for one in rows]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The company of the example, read from the document."""
    contracts = [
        line(who, float(mrr), start, end or None, subscription_id=f"s{i}")
        for i, (who, mrr, start, end) in enumerate(table("| account | mrr |"))
    ]
    orders = [order(who, day, float(amount)) for who, day, amount in table("| account | ordered_at |")]
    new = {who: (at, cost) for who, at, cost in table("| account | created_at |")}
    accounts = [
        {
            "account_id": who,
            "created_at": new.get(who, ("2023-01-01", ""))[0],
            "acquisition_cost": float(new[who][1]) if who in new and new[who][1] else None,
        }
        for who in "abcdefgh"
    ]
    return stage(
        tmp_path_factory.mktemp("example"),
        observed_until="2026-01-01",
        accounts=accounts,
        subscriptions=contracts,
        orders=orders,
    )


@pytest.fixture(scope="module")
def report(facts: Facts) -> KpiReport:
    """Its figures with the default settings."""
    return company_kpis(facts, AS_OF, Economics())


def test_every_figure_stands_with_the_words_of_the_catalogue() -> None:
    """In order, with name, definition and caveat; and every reason and caution."""
    say = words("en")
    rows = {row[0].strip("`"): row for row in table("| key | figure |")}
    assert list(rows) == list(UNITS)
    for name, (_, label, definition, formula, caveat) in rows.items():
        told = [say.text(f"kpi.{name}.{part}") for part in ("name", "definition", "caveat")]
        assert [label, definition, caveat] == told
        assert formula
    for part in ("reason", "caution"):
        known = {key: say.text(key) for key in say.keys() if key.startswith(f"kpi.{part}.")}  # noqa: SIM118
        assert {f"kpi.{part}.{key.strip('`')}": text for key, text in table(f"| {part} | words |")} == known


@pytest.mark.parametrize(("name", "value"), [(row[0].strip("`"), float(row[2])) for row in table("| key | by hand |")])
def test_the_example_is_what_comes_out(report: KpiReport, name: str, value: float) -> None:
    """Each value of the document, to its last digit."""
    assert report[name].value == pytest.approx(value, abs=0.0051 if value > 10 else 0.00051)


def test_the_example_tells_every_figure_but_the_forecasts() -> None:
    """Nothing is left out of the paper except what a forecast brings."""
    assert {row[0].strip("`") for row in table("| key | by hand |")} == set(UNITS) - {"clv", "ltv_cac"}


def test_the_movements_of_the_example_add_up(facts: Facts) -> None:
    """The document's movements are those of the year, and their sum is its end."""
    told = {row[0]: float(row[2]) for row in table("| movement | account |")}
    year = movements_between(facts, AS_OF, [(datetime(2025, 1, 1), AS_OF)]).iloc[0]  # noqa: DTZ001
    assert {name: year[name] / 100 for name in MONEY} == told
    assert sum(told.values()) - told["end"] == told["end"]
