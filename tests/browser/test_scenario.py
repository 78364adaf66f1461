"""The scenarios below the company's forecast, in a real browser and in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.literal_scenarios import scenarios_document

pytestmark = pytest.mark.browser


def test_three_scenarios_stand_below_the_forecast(watched: Watched) -> None:
    """Each with its effect in money; what is assumed is a click away; a segment has none."""
    page = watched.page
    page.goto("/#/forecast")
    panel = page.locator(".scenarios")
    expect(panel.locator("tbody tr")).to_have_count(3)
    saving = scenarios_document()["scenarios"][2]
    expect(panel.locator("tbody tr").nth(2)).to_contain_text(f"+€{saving['clv']:,.0f}")
    panel.get_by_text("What is assumed").click()
    expect(panel).to_contain_text("Nobody leaves or buys less because of the price")
    page.get_by_role("combobox", name="Industry").select_option("Machinery")
    expect(page.get_by_role("heading", level=1)).to_have_text("Forecast: Machinery")
    expect(panel).to_have_count(0)


def test_the_scenarios_speak_czech(watched: Watched) -> None:
    """Titles, heads and assumptions follow the language of the page."""
    page = watched.page
    page.goto("/#/forecast")
    page.locator(".languages [lang=cs]").click()
    panel = page.locator(".scenarios")
    expect(panel).to_contain_text("Co kdyby")
    expect(panel).to_contain_text("ze sta smluvních zákazníků")
    expect(panel.locator("li").first).to_contain_text("Šance na odchod")
