"""The page of a back-test in a real browser: drawn, within its width, without a complaint or a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from revml.backtesting.page import render
from tests.backtesting.test_page import made

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "light"), ("cs", 390, "dark")])
def test_the_page_is_drawn_within_its_width(
    browser: Browser, tmp_path: Path, language: str, width: int, scheme: str
) -> None:
    """On a desk and on a phone in the dark: three pictures, bars of some height, nothing wider than the window."""
    place = tmp_path / "backtest.html"
    place.write_text(render(made(6, asked=8), language=language), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(place.as_uri())
    expect(page.locator("svg")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    bar = page.locator("rect.perfect").first.bounding_box()
    assert bar is not None
    assert bar["height"] > 5
    expect(page.locator(".verdict").first).to_be_visible()
    context.close()
    assert complaints == []
    assert requests == [place.as_uri()]
