"""What changed, levers and the what-if form on an account's page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from revml.config import load_workspace
from revml.models.registry import champion
from revml.service.process import RunningService, start_service
from revml.store import Store
from tests.browser.conftest import Watched
from tests.literal_asking import publish_kept, with_kept
from tests.literal_runs import literal_run
from tests.service.conftest import fill, free_port, make_workspace

pytestmark = pytest.mark.browser
OWN_SHEET = """question: churn
actionable:
  active_users_28d: {direction: up, to: 12, reason: {en: "People can be trained.", cs: "Lidi lze školit."}}
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The literal company with kept rows, a model, and one feature that people can move."""
    root: Path = tmp_path_factory.mktemp("asked")
    workspace = make_workspace(root)
    (root / "models").mkdir()
    (root / "models" / "churn.yaml").write_text(OWN_SHEET, encoding="utf-8")
    fill(load_workspace(root))
    with Store.open(workspace.store_url) as store:
        run = literal_run("2026-03-02", churn={"acme": 0.42, "bolt": 0.05})
        publish_kept(workspace, store, with_kept(run, workspace, champion(workspace, "churn")))
    with start_service(root, port=free_port()) as running:
        yield running


def test_the_page_asks_the_model(browser: Browser, asked: RunningService) -> None:
    """The lever of the sheet with its reason, and the form's answer with what moved along; a wrong value is told."""
    context = browser.new_context(viewport={"width": 390, "height": 900}, base_url=asked.url, locale="en-GB")
    opened = Watched(context)
    page = opened.page
    page.goto("/#/account/acme")
    expect(page.locator(".changes")).to_contain_text("What changed since Mar 1, 2026")
    expect(page.locator(".levers")).to_contain_text("3 → 12")
    expect(page.locator(".levers")).to_contain_text("People can be trained.")
    assert page.evaluate("(([at]) => at.scrollWidth <= at.clientWidth)(document.querySelectorAll('.levers .scroll'))")
    page.locator(".levers summary").first.click()
    page.get_by_label("Active users in the last 28 days").fill("12")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator(".answer")).to_contain_text("The model would give 4.7% in place of 26.9%")
    expect(page.locator(".answer details").first).to_contain_text("Active users in the last 84 days: 4 → 12")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="As it is").click()
    expect(page.locator(".answer")).to_be_empty()
    assert opened.complaints == []
    context.close()
