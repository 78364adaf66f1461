"""The page as a reader uses it, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from revml.service.process import start_service
from tests.browser.conftest import Watched
from tests.service.conftest import free_port, make_workspace

pytestmark = pytest.mark.browser


def names(page: Page) -> list[str]:
    """The accounts of the list, from the top."""
    return page.locator("tbody a.name").all_text_contents()


def test_the_list_shows_the_most_money_first(page: Page) -> None:
    """By expected loss, with probability, band, money, trend and the strongest reason that raises it."""
    assert names(page)[:4] == ["Acme", "Boltworks", "=Cogs & Sons", "Škoda Servis"]
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("42%")
    expect(first).to_contain_text("High")
    expect(first).to_contain_text("€12,000")
    expect(first).to_contain_text("€5,040")
    expect(first).to_contain_text("+10 pts")
    expect(first).to_contain_text("Active users fell from 41 to 19")
    expect(page.locator(".totals")).to_contain_text("Money at risk")
    expect(page.locator(".fresh")).to_contain_text("Data as of Mar 1, 2026")


def test_filters_narrow_the_list_and_stand_in_the_address(page: Page) -> None:
    """A chosen band and owner are kept over a reload, and one link clears them."""
    page.get_by_label("Band").select_option("high")
    page.get_by_label("Owner").select_option("Jana Nová")
    expect(page.locator("tbody tr").first).to_contain_text("Acme")
    assert "band=high" in page.url
    page.reload()
    page.locator("tbody tr").first.wait_for()
    expect(page.get_by_label("Band")).to_have_value("high")
    assert all("Jana Nová" in text for text in page.locator("tbody tr").all_text_contents())
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("tbody tr")).to_have_count(25)


def test_search_finds_without_accents_and_keeps_the_cursor(page: Page) -> None:
    """Typing slowly narrows the list while the field keeps focus and letters; nothing found is said."""
    page.get_by_role("searchbox").press_sequentially("skoda ser", delay=230)
    expect(page.locator("tbody tr")).to_have_count(1)
    assert names(page) == ["Škoda Servis"]
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("searchbox").fill("nobody at all")
    expect(page.get_by_text("No account matches")).to_be_visible()


def test_sorting_and_paging(page: Page) -> None:
    """By name from A, page by page; every account is shown once."""
    page.get_by_role("columnheader", name="Account").get_by_role("link").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Account")
    seen = names(page)
    for start in (26, 51):
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".pager")).to_contain_text(f"{start} to")
        seen += names(page)
    assert len(seen) == len(set(seen)) == 65
    assert seen[:3] == ["=Cogs & Sons", "Acme", "Boltworks"]
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".pager")).to_contain_text("26 to 50 of 65 accounts")


def test_another_question(page: Page) -> None:
    """The other question has its own list, words and order."""
    page.get_by_role("link", name="Ready to buy more").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Whose contract may grow within 90 days")
    expect(page.locator("tbody tr").first).to_contain_text("Boltworks")
    expect(page.locator("thead")).to_contain_text("Expected gain")


def test_an_account_with_reasons_and_curves(page: Page) -> None:
    """Reasons split by what they do, CLV figures, the survival curve and the history of the probability."""
    page.get_by_role("link", name="Acme").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Acme")
    expect(page.locator(".side.raises")).to_contain_text("Active users fell from 41 to 19 in 12 weeks")
    expect(page.locator(".side.lowers")).to_contain_text("A customer for 3 years.")
    expect(page.locator(".clv")).to_contain_text("€20,000")
    expect(page.locator(".clv")).to_contain_text("over 24 months")
    expect(page.locator(".clv")).to_contain_text("25%")
    curve = page.get_by_role("img", name="Chance of still being a customer")
    assert (curve.locator("path.curve").get_attribute("d") or "").count("L") == 24
    curve.focus()
    expect(page.locator(".chart.survival .readout")).to_have_text("month 24: 62%")
    curve.press("ArrowLeft")
    expect(page.locator(".chart.survival .readout")).to_have_text("month 23: 63%")
    history = page.get_by_role("img", name="Probability from Jan 1, 2026 to Mar 1, 2026")
    assert history.locator("circle.dot").count() == 3


def test_an_account_has_a_curve_over_four_horizons(page: Page) -> None:
    """Four chances that grow, the last one an estimate, in both languages; nothing where a question has one horizon."""
    page.get_by_role("link", name="Acme").click()
    over_time = page.locator(".horizons")
    expect(over_time.locator("dt")).to_have_text(
        ["within 30 days", "within 90 days", "within 180 days", "within 365 days"]
    )
    expect(over_time.locator("dd").nth(1)).to_have_text("42%")
    expect(over_time.locator("dd").nth(3)).to_contain_text("71%")
    expect(over_time.locator("dd").nth(3)).to_contain_text("estimate")
    expect(over_time).to_contain_text("never falls")
    page.get_by_role("button", name="CS").click()
    expect(over_time.locator("dt").first).to_have_text("do 30 dnů")
    page.locator("a.card").nth(1).click()
    expect(over_time).to_have_count(0)
    expect(page.locator("main")).not_to_contain_text("null")


def test_the_other_question_of_an_account(page: Page) -> None:
    """The score cards switch the reasons and the history."""
    page.get_by_role("link", name="Acme").click()
    page.locator("a.card", has_text="Ready to buy more").click()
    expect(page.locator(".why h2")).to_have_text("Why: Ready to buy more")
    assert "question=upsell" in page.url


def test_contraction_is_a_list_of_its_own_and_a_loss(page: Page) -> None:
    """Its tab stands after leaving, its heading asks the question, and its money is a loss."""
    expect(page.locator("nav.questions a")).to_have_text(["Leaving", "Shrinking", "Ready to buy more"])
    page.get_by_role("link", name="Shrinking").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Whose contract may shrink within 90 days")
    expect(page.locator(".totals")).to_contain_text("Expected loss")
    assert names(page) == ["Boltworks"]


def test_czech_everywhere(page: Page) -> None:
    """Words, numbers, money and reasons change, and stay Czech after a reload."""
    page.get_by_role("button", name="CS").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kdo může do 90 dní ukončit smlouvu")
    expect(page.locator("tbody tr").first).to_contain_text("Aktivních uživatelů ubylo")
    expect(page.locator("tbody tr").first).to_contain_text("5 040 €")
    page.reload()
    page.locator("tbody tr").first.wait_for()
    assert page.locator("html").get_attribute("lang") == "cs"
    expect(page.get_by_label("Pásmo")).to_be_visible()


def test_keyboard_alone(page: Page) -> None:
    """`/` goes to the search, Tab to the list, Enter opens an account, Escape comes back."""
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("bolt")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a.name").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Boltworks")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Who may end")


def test_the_export_is_the_list_as_shown(page: Page) -> None:
    """The button downloads the filtered list."""
    page.get_by_label("Industry").select_option("Machinery")
    expect(page.locator("tbody tr")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    frame = pd.read_csv(download.value.path())
    assert download.value.suggested_filename == "revml-churn-2026-03-01.csv"
    assert frame["account_id"].tolist() == ["bolt", "cogs"]


@pytest.mark.parametrize("address", ["/", "/#/account/acme"])
def test_a_narrow_screen_shows_all_without_scrolling_sideways(watched: Watched, address: str) -> None:
    """At 390 px nothing is wider than the screen."""
    watched.page.set_viewport_size({"width": 390, "height": 844})
    watched.page.goto(address)
    watched.page.locator("tbody tr, header.account").first.wait_for()
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_link_to_an_account_works_on_its_own(watched: Watched) -> None:
    """A bookmarked account opens directly, with the way back."""
    watched.page.goto("/#/account/skoda?question=churn")
    expect(watched.page.get_by_role("heading", level=1)).to_have_text("Škoda Servis")
    watched.page.get_by_role("link", name="All accounts").click()
    expect(watched.page.locator("tbody tr").first).to_contain_text("Acme")


def test_an_account_that_is_not_there(watched: Watched) -> None:
    """The reader's own words are shown, with the way back."""
    watched.page.goto("/#/account/nobody")
    expect(watched.page.locator(".notice")).to_contain_text("This account is not in the current scores.")
    expect(watched.page.get_by_role("link", name="Back to the accounts")).to_be_visible()
    watched.complaints.clear()  # the browser itself reports the 404


def test_a_name_is_never_markup(watched: Watched) -> None:
    """Markup in an address is shown as text and runs nothing."""
    watched.page.goto("/#/account/%3Cimg%20src=x%20onerror=alert(1)%3E")
    expect(watched.page.locator(".notice")).to_contain_text("<img src=x onerror=alert(1)>")
    assert watched.page.locator(".notice img").count() == 0
    watched.complaints.clear()  # the browser itself reports the 404


def test_before_the_first_run(browser: Browser, tmp_path: Path) -> None:
    """An empty workspace says what to run; a service that ended is said to be away."""
    workspace = make_workspace(tmp_path)
    with start_service(workspace.root, port=free_port()) as service:
        opened = browser.new_page()
        opened.goto(service.url)
        expect(opened.locator(".notice")).to_contain_text("No scores yet")
        expect(opened.locator("pre")).to_have_text("revml score")
    opened.evaluate("location.hash = '#/account/acme'")
    expect(opened.locator(".notice")).to_contain_text("The service does not answer")
    opened.close()
