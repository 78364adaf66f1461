"""The page of key figures, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from revml.service.process import RunningService, start_service
from revml.store import Store
from tests.browser.conftest import Watched
from tests.literal_kpis import kpi_document
from tests.literal_runs import literal_run
from tests.service.conftest import free_port, make_workspace

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The service of a company that has published its figures."""
    workspace = make_workspace(tmp_path_factory.mktemp("kpis"))
    with Store.open(workspace.store_url) as store:
        store.publish(replace(literal_run(), reports={"kpis": kpi_document()}))
    with start_service(workspace.root, port=free_port()) as running:
        yield running


def opened(browser: Browser, figures: RunningService, path: str, width: int = 1280) -> Iterator[Page]:
    """The page at a width; at the end: nothing asked of another host, no complaint."""
    context = browser.new_context(viewport={"width": width, "height": 900}, base_url=figures.url, locale="en-GB")
    watched = Watched(context)
    watched.page.goto(path)
    watched.page.locator("article.kpi").first.wait_for()
    yield watched.page
    context.close()
    assert [url for url in watched.requests if not url.startswith((figures.url, "blob:", "data:"))] == []
    assert watched.complaints == []


@pytest.fixture
def page(browser: Browser, figures: RunningService) -> Iterator[Page]:
    """The figures of the whole company."""
    yield from opened(browser, figures, "/#/kpis")


@pytest.fixture
def narrow(browser: Browser, figures: RunningService) -> Iterator[Page]:
    """The same on a telephone."""
    yield from opened(browser, figures, "/#/kpis?by=industry", 390)


def kpi(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A figure of a document."""
    return next(one for one in document["kpis"] if one["name"] == name)


def test_a_card_has_value_definition_caveat_and_caution(page: Page) -> None:
    """The figure as published, with its words; what needs care says so on the card."""
    card = page.locator("[data-kpi=mrr]")
    expect(card.locator("h3")).to_have_text("MRR")
    expect(card.locator(".value")).to_have_text(f"€{round(kpi(kpi_document(), 'mrr')['value']):,}")
    expect(card).to_contain_text("monthly recurring revenue of all subscriptions")
    expect(card).to_contain_text("One-off orders and services are not in it.")
    expect(page.locator("[data-kpi=cac] .caution")).to_contain_text("Only some of the accounts")
    expect(page.locator("article.kpi")).to_have_count(20)
    expect(page.locator("main")).not_to_contain_text("null")
    expect(page.locator("main")).not_to_contain_text("NaN")


def test_movements_are_read_by_the_arrow_keys_and_as_a_table(page: Page) -> None:
    """The newest month first, then the one before; the table has every month to the cent."""
    chart = page.get_by_role("img", name="MRR by month")
    chart.focus()
    expect(page.locator(".movements .readout")).to_contain_text("Feb 26:")
    chart.press("ArrowLeft")
    expect(page.locator(".movements .readout")).to_contain_text("Jan 26:")
    expect(page.locator(".movements table")).to_be_hidden()
    page.get_by_text("As a table").click()
    rows = page.locator(".movements tbody tr")
    expect(rows).to_have_count(24)
    newest = kpi_document()["movements"][-1]
    expect(rows.last.locator("td").nth(6)).to_have_text(f"{newest['end']:,.2f}".rstrip("0").rstrip("."))


def test_cells_of_cohorts_that_have_not_passed_are_empty(page: Page) -> None:
    """A row a cohort and one for all; younger cohorts have fewer cells, and no zero in place of one."""
    table = page.locator("table.heatmap").first
    rows = kpi_document()["cohorts"]["contract"]["rows"]
    expect(table.locator("tbody tr")).to_have_count(len(rows) + 1)
    for i in (0, len(rows) - 1):
        known = sum(cell is not None for cell in rows[i]["retention"])
        expect(table.locator("tbody tr").nth(i).locator("td.heat")).to_have_count(known)
    curve = page.get_by_role("img", name="Accounts still paying")
    expect(curve.locator("path.behind")).to_have_count(len(rows))


def test_a_segment_is_chosen_and_stands_in_the_address(page: Page) -> None:
    """Split by industry; one of them alone; back to the whole; sums stand below the segments."""
    page.get_by_label("Split by").select_option("industry")
    table = page.locator(".panel table").first
    expect(table.locator("tbody th")).to_have_text(["Machinery", "Software", "not known", "Whole company"])
    table.get_by_role("link", name="Software").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Key figures: Software")
    assert "segment=Software" in page.url
    one = next(one for one in kpi_document()["segments"] if one["value"] == "Software")
    expect(page.locator("[data-kpi=mrr] .value")).to_have_text(f"€{round(kpi(one, 'mrr')['value']):,}")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Key figures: Software")
    page.get_by_role("combobox", name="Segment").select_option("")
    expect(page.get_by_role("heading", level=1)).to_have_text("Key figures")


def test_the_page_speaks_czech(page: Page) -> None:
    """Labels, definitions and the menu change with the language."""
    page.get_by_role("button", name="CS").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Klíčové ukazatele")
    expect(page.locator("[data-kpi=logo_churn] h3")).to_have_text("Odchod zákazníků")
    expect(page.locator(".menu [aria-current]")).to_have_text("Ukazatele")


def test_on_a_narrow_screen_nothing_is_wider_than_it(narrow: Page) -> None:
    """Tables scroll in themselves; the page does not."""
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert narrow.locator("table.heatmap").first.evaluate("table => table.offsetWidth > innerWidth")
    expect(narrow.locator("table.heatmap thead").first).to_be_visible()


def test_a_run_without_figures_says_so(watched: Watched) -> None:
    """The menu leads there; the page says what is missing and what to run."""
    watched.page.goto("/")
    watched.page.locator(".menu").get_by_role("link", name="Key figures").click()
    expect(watched.page.get_by_role("heading", level=1)).to_have_text("No key figures in this run")
    watched.complaints.clear()  # the browser itself reports the 404
