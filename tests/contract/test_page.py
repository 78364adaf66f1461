"""The report as a page: one file, nothing from outside, every value escaped, both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from revml.contract.page import Examples, render
from revml.contract.profile import Gap, Jump, Month, Profile
from revml.contract.report import CheckReport, Missing, Suspect, TableReport
from revml.contract.retried import Retried, Retry
from revml.contract.since import Change, Since
from revml.contract.tables import TABLES
from revml.locales import LANGUAGES, words
from revml.windows import instant

NASTY = '<script>alert("1")</script>'
PROFILE = Profile(
    first=date(2025, 1, 6),
    days=tuple([20] * 60 + [1] * 7 + [20] * 100),
    months={"2025-01": Month(500)},
    gaps=(Gap(date(2025, 3, 7), date(2025, 3, 13), 7, 140),),
    jumps=(Jump("amount", "2025-03", 100.0, 40, {"2025-01": 10.0, "2025-02": 11.0, "2025-03": 1050.0}),),
)
ORDERS = TableReport(
    table="orders",
    source=NASTY,
    rows_in=110,
    filtered=10,
    accepted=90,
    duplicates=4,
    quarantined={"amount is not an amount of money": 6},
    quarantine_file="quarantine/orders.parquet",
    limit=0.05,
    first=instant("2025-01-01"),
    last=instant("2025-06-01"),
    missing=(Missing("cost", TABLES["orders"].by_name["cost"].without),),
    left_out=(NASTY,),
    suspects=(Suspect("quantity", NASTY),),
    notes=(NASTY,),
    profile=PROFILE,
)
REPORT = CheckReport(
    (ORDERS,),
    tuple(Missing(table.name, table.without) for table in TABLES.values() if table.without),
    instant("2025-06-01"),
    "f" * 64,
    (NASTY,),
    Since(datetime(2025, 5, 1, tzinfo=UTC), (Change("table_gone", "usage", NASTY, stops=True),)),
)
EXAMPLES = {"orders": {"amount is not an amount of money": Examples(("amount",), ((NASTY,), ("y" * 500,)))}}
RETRIED = (Retried("orders", (Retry(NASTY, 5, accepted=3, remaining={"line is missing": 2}),)),)


def page(language: str = "en", report: CheckReport = REPORT, stopped: str = "") -> str:
    """The page of a report with everything in it."""
    return render(report, company=NASTY, language=language, examples=EXAMPLES, retried=RETRIED, stopped=stopped)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_one_file_without_a_script(language: str) -> None:
    """No request, no script, and a policy that forbids both."""
    text = page(language)
    assert "default-src 'none'" in text
    assert not re.search(r"<script|<link|<img|<iframe|https?://|@import|url\(|\son\w+=", text)


def test_every_value_is_escaped_and_long_ones_are_cut() -> None:
    """A company's name, a source, a note, an example, a reason, a change."""
    text = page()
    assert text.count("&lt;script&gt;") >= 8
    assert "y" * 59 + "…" in text
    assert "y" * 61 not in text


def test_every_cost_of_a_missing_column_stands_in_the_catalogues() -> None:
    """The English text is the contract's own."""
    for table in TABLES.values():
        wanted = {table.name: table.without} | {f"{table.name}.{c.name}": c.without for c in table.columns}
        for key, text in wanted.items():
            if text:
                assert words("en").text(f"check.without.{key}") == text


def test_pictures_show_gaps_counts_and_units() -> None:
    """A marked ground, four parts, a line at the month of the jump."""
    text = page()
    assert 'class="gap"' in text
    assert "Mar 7, 2025 to Mar 13, 2025: 7 rows, where about 140 are usual" in text
    assert [f'<rect class="{kind}"' in text for kind in ("accepted", "duplicates", "quarantined", "filtered")] == [
        True
    ] * 4
    assert 'class="mark"' in text


def test_the_verdict_says_what_counts() -> None:
    """Stopped, worth a look, or in order."""
    assert "The check stopped" in page(stopped="too many rows")
    assert "things are worth a look" in page()
    quiet = replace(ORDERS, notes=(), suspects=(), profile=None)
    assert "Everything is in order" in page(report=replace(REPORT, tables=(quiet,), notes=()))


def test_czech_pages_speak_czech() -> None:
    """Headings, explanations, numbers and dates."""
    text = page("cs")
    assert '<html lang="cs">' in text
    for said in ("Kontrola dat", "Od poslední kontroly", "Řádky z karantény", "marže podle objednávky", "7. 3. 2025"):
        assert said in text


def test_a_table_without_rows_has_a_section_all_the_same() -> None:
    """Nothing to draw, nothing that breaks."""
    empty = TableReport("usage", "usage.csv", 0, 0, 0, 0, {}, None, 0.0, None, None, profile=Profile())
    assert 'id="usage"' in page(report=replace(REPORT, tables=(empty,)))
