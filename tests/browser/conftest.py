"""A real headless Chromium on the real service of a small published company."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from revml.config import Workspace
from revml.service.process import RunningService, start_service
from revml.store import Store
from revml.store.runs import ScoreRun
from tests.literal_runs import literal_run, made_run, with_horizons
from tests.literal_scenarios import scenarios_document
from tests.literal_values import BESIDE, FORECAST, with_values
from tests.service.conftest import free_port, make_workspace

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


def published(as_of: str, shift: float) -> ScoreRun:
    """The five companies that are known by name, and sixty made ones with little money at stake."""
    churn = {"acme": 0.42 + shift, "bolt": 0.05, "skoda": 0.12, "cogs": 0.9, "dent": 0.3}
    asked = literal_run(as_of, churn=churn, contraction={"bolt": 0.3}, upsell={"acme": 0.1, "bolt": 0.4})
    known = with_values(with_horizons(asked), FORECAST, BESIDE)
    made = made_run(as_of, 60)
    made.scores["expected_money"] /= 1e4
    made.scores["money"] /= 1e4
    joined = {
        name: pd.concat([getattr(known, name), getattr(made, name)]) for name in ("accounts", "scores", "reasons")
    }
    reports = {**known.reports, "scenarios": scenarios_document()}
    return replace(known, **joined, reports=reports)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with three runs."""
    workspace = make_workspace(tmp_path_factory.mktemp("browser"))
    with Store.open(workspace.store_url) as store:
        for month, shift in ((1, -0.2), (2, -0.1), (3, 0.0)):
            store.publish(published(f"2026-0{month}-01", shift))
    return workspace


@pytest.fixture(scope="session")
def service(company: Workspace) -> Iterator[RunningService]:
    """The service of that company."""
    with start_service(company.root, port=free_port()) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; REVML_TEST_CHROMIUM names another."""
    path = os.environ.get("REVML_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here: install it, or set REVML_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


class Watched:
    """A page of which every request and every complaint is kept."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def watched(browser: Browser, service: RunningService) -> Iterator[Watched]:
    """A fresh page at 1280 px; at the end: nothing asked of any other host, no complaint in the console."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=service.url, locale="en-GB")
    opened = Watched(context)
    yield opened
    context.close()
    assert [url for url in opened.requests if not url.startswith((service.url, "blob:", "data:"))] == []
    assert opened.complaints == []


@pytest.fixture
def page(watched: Watched) -> Page:
    """The list of accounts, drawn."""
    watched.page.goto("/")
    watched.page.locator("tbody tr").first.wait_for()
    return watched.page
