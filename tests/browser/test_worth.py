"""What an account is worth and the company's forecast, as a reader sees them in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from revml.service.process import start_service
from revml.store import Store
from tests.browser.conftest import Watched
from tests.literal_runs import literal_run
from tests.service.conftest import free_port, make_workspace

pytestmark = pytest.mark.browser


def amounts(row: Locator) -> list[float]:
    """The amounts in the cells of a row."""
    cells = row.locator("td").all_text_contents()
    return [float(re.sub(r"[^\d.−]", "", cell).replace("−", "-")) for cell in cells if any(c.isdigit() for c in cell)]


@pytest.fixture
def acme(watched: Watched) -> Page:
    """The account with everything."""
    watched.page.goto("/#/account/acme")
    watched.page.locator(".worth").wait_for()
    return watched.page


def test_the_value_stands_at_each_horizon_with_its_range(acme: Page) -> None:
    """Two horizons, what the ranges are, LTV/CAC and payback, the discount; no horizon is added to another."""
    worth = acme.locator(".worth")
    for text in ("€12,100", "€22,000", "€8,100 to €15,100 in 8 of 10 cases", "5.5", "5.7 months", "10% a year"):
        expect(worth).to_contain_text(text)
    expect(worth).not_to_contain_text("€34,100")
    expect(worth).not_to_contain_text("null")


def test_components_and_drivers_add_up_on_the_page(acme: Page) -> None:
    """Each column's parts add up to its last row, and each row's relations to the whole; so do the drivers."""
    rows = [amounts(row) for row in acme.locator("table.components tbody tr").all()]
    for column in zip(*rows, strict=True):
        assert sum(column[:-1]) == pytest.approx(column[-1], abs=0.005)
    for row in rows:
        assert sum(row[:-1]) == pytest.approx(row[-1], abs=0.005)
    assert rows[-1][-1] == 22_000
    assert rows[2][0] == -2_500
    steps = [amounts(row)[0] for row in acme.locator("table.drivers tbody tr").all()]
    assert sum(steps[:-1]) == steps[-1] == 22_000
    expect(acme.locator("table.drivers")).to_contain_text("A similar account")
    expect(acme.locator("table.drivers")).to_contain_text("Use of the product")


def test_the_months_have_a_band(acme: Page) -> None:
    """The read-out tells a month's revenue and its range."""
    chart = acme.locator(".chart.revenue").first
    chart.get_by_role("img").focus()
    chart.get_by_role("img").press("ArrowLeft")
    expect(chart.locator(".readout")).to_have_text("month 23: €628 (€440 to €817)")
    assert chart.locator("path.range").count() == 1


def test_the_next_order_stands_with_the_orders(acme: Page) -> None:
    """Its day, how likely one is, and the families of the year, which add up to its orders and revenue."""
    orders = acme.locator(".relation").filter(has=acme.get_by_role("heading", name="Orders", exact=True))
    for text in ("Next order by", "Apr 20, 2026", "as likely before that day as after it", "70%", "95%", "€4,000"):
        expect(orders).to_contain_text(text)
    rows = [amounts(row) for row in orders.locator("table.families tbody tr").all()]
    assert rows == [[3, 2_500], [1, 1_500]]


def test_tables_that_scroll_take_the_keyboard(acme: Page) -> None:
    """Each has a name, can be reached with Tab, and its columns have headers."""
    regions = acme.locator(".worth .scroll")
    assert regions.count() >= 3
    for region in regions.all():
        assert region.get_attribute("role") == "region"
        assert region.get_attribute("tabindex") == "0"
        assert region.get_attribute("aria-label")
        assert region.locator("thead th[scope=col]").count() >= 2
        assert region.locator("tbody th[scope=row]").count() == region.locator("tbody tr").count()


def test_what_is_not_known_is_said_in_words(watched: Watched) -> None:
    """Without an acquisition cost there is no LTV/CAC and no zero, and a sentence says why."""
    watched.page.goto("/#/account/bolt")
    worth = watched.page.locator(".worth")
    expect(worth).to_contain_text("What it cost to win this customer is not known")
    expect(worth).not_to_contain_text("Payback")
    expect(worth.locator("table.drivers")).to_have_count(0)
    expect(worth).to_contain_text("know nothing that sets it apart")
    expect(worth).not_to_contain_text("Next order")


@pytest.fixture
def forecast(watched: Watched) -> Page:
    """The company's forecast, by the menu."""
    watched.page.goto("/")
    watched.page.get_by_role("link", name="Forecast").click()
    watched.page.locator(".segments").wait_for()
    return watched.page


def test_new_business_is_a_layer_that_can_be_taken_off(forecast: Page) -> None:
    """With it MRR of 5,400 in a year, without it 4,800; the choice stands in the address."""
    strip = forecast.locator(".totals")
    expect(strip).to_contain_text("€5.4K")
    assert forecast.locator(".chart .behind").count() == 2
    forecast.get_by_label("with new business").uncheck()
    expect(strip).to_contain_text("€4.8K")
    expect(strip).to_contain_text("Existing customers only.")
    assert "new=off" in forecast.url
    assert forecast.locator(".chart .behind").count() == 0
    forecast.reload()
    expect(forecast.get_by_label("with new business")).not_to_be_checked()


def test_segments_add_up_to_the_company(forecast: Page) -> None:
    """Each column's segments sum to the last row, which is the company's own line."""
    rows = [amounts(row) for row in forecast.locator(".segments tbody tr").all()]
    for column in zip(*rows, strict=True):
        assert sum(column[:-1]) == pytest.approx(column[-1], abs=0.005)
    assert rows[-1][1:3] == [6000, 4800]
    assert sum(rows[-1][3:-1]) == rows[-1][-1]
    forecast.get_by_role("combobox", name="Industry").select_option("Machinery")
    expect(forecast.get_by_role("heading", level=1)).to_have_text("Forecast: Machinery")
    expect(forecast.locator(".totals")).to_contain_text("€4K")


def test_the_factor_history_and_families_are_shown(forecast: Page) -> None:
    """What earlier forecasts missed by, that it is not applied, and orders for production."""
    expect(forecast.locator(".reconciliation")).to_contain_text("the same to the cent")
    expect(forecast.locator(".reconciliation")).to_contain_text("3% less comes than is forecast (factor 0.97)")
    expect(forecast.locator(".reconciliation")).to_contain_text("shown and not applied")
    expect(forecast.locator(".reconciliation")).to_contain_text("+10%")
    expect(forecast.locator(".families")).to_contain_text("seals")
    chart = forecast.locator(".chart.forecast").first
    chart.get_by_role("img").focus()
    expect(chart.locator(".readout")).to_contain_text("€4,800 (€3,600 to €6,000)")
    for _ in range(24):
        chart.get_by_role("img").press("ArrowLeft")
    expect(chart.locator(".readout")).to_have_text("Mar 26, came: €6,000")


def test_what_stands_beside_the_forecast(forecast: Page) -> None:
    """How often ranges held in a sentence, what the back-test said with its document, and the installed base."""
    told = forecast.locator(".reconciliation")
    expect(told).to_contain_text("where 80% were to hold, 79% of 259 outcomes over 12 months did")
    expect(told).to_contain_text(
        "Back-test at 4 earlier dates. Figures in which this forecast was better: against run-rate 6 of 21."
    )
    expect(told.get_by_role("link")).to_have_attribute("href", "/v1/forecast/backtest")
    rows = [row.inner_text().split() for row in forecast.locator(".installed tbody tr").all()]
    assert rows == [["presses", "30", "12", "4", "8", "50%", "€1,200", "2.5", "€250,000"]]


@pytest.mark.parametrize("address", ["/#/account/acme", "/#/forecast"])
@pytest.mark.parametrize("width", [390, 1280])
def test_both_pages_fit_the_screen_in_czech(watched: Watched, address: str, width: int) -> None:
    """Nothing is wider than the screen, no text is missing, and nothing English is left in the headings."""
    page = watched.page
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/")
    page.get_by_role("button", name="CS").click()
    expect(page.locator("html")).to_have_attribute("lang", "cs")
    page.goto(address)
    page.locator(".worth, .totals .value").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    text = page.locator("main").inner_text()
    assert not re.search(r"\b(worth|forecast)\.\w+", text)
    for english in ("Forecast", "Together", "What it is worth", "month "):
        assert english not in text


def test_a_run_without_a_forecast_says_how_to_make_one(browser: Browser, tmp_path: Path) -> None:
    """The page names the command."""
    workspace = make_workspace(tmp_path)
    with Store.open(workspace.store_url) as store:
        store.publish(literal_run())
    with start_service(workspace.root, port=free_port()) as service:
        opened = browser.new_page()
        opened.goto(f"{service.url}/#/forecast")
        expect(opened.locator("pre")).to_have_text("revml forecast")
        opened.close()
