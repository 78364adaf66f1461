"""Signing in and out in the browser, and what a page shows to a key that may not see all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from revml.config import Workspace
from revml.service.process import RunningService, start_service
from revml.service.scopes import ALL_SCOPES
from revml.store import Store
from revml.store.keys import create_key
from tests.browser.conftest import Watched
from tests.service.conftest import fill, free_port, make_workspace

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The literal company, in a workspace of its own for it gets keys."""
    workspace = make_workspace(tmp_path_factory.mktemp("guarded"))
    fill(workspace)
    return workspace


@pytest.fixture(scope="module")
def keys(guarded: Workspace) -> tuple[str, str]:
    """A key that may everything, and one that may read scores alone."""
    with Store.open(guarded.store_url) as store:
        wide = create_key(store.database, ALL_SCOPES, expires_in=timedelta(days=1))[1]
        return wide, create_key(store.database, ["scores:read"], expires_in=timedelta(days=1))[1]


@pytest.fixture(scope="module")
def door(guarded: Workspace, keys: tuple[str, str]) -> Iterator[RunningService]:
    """The service that asks for a key."""
    assert keys
    with start_service(guarded.root, port=free_port()) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, door: RunningService) -> Iterator[Watched]:
    """A browser without a session; nothing is asked of any other host."""
    context = browser.new_context(viewport={"width": 390, "height": 900}, base_url=door.url, locale="en-GB")
    opened = Watched(context)
    yield opened
    context.close()
    assert [url for url in opened.requests if not url.startswith(door.url)] == []


def sign_in(visitor: Watched, key: str) -> None:
    """Give a key to the log-in page that is shown."""
    visitor.page.get_by_label("Key").fill(key)
    visitor.page.get_by_role("button", name="Sign in").click()


def test_a_reader_signs_in_and_out(visitor: Watched, keys: tuple[str, str]) -> None:
    """The page asks for a key, the list follows, no script can read the cookie, and after signing out it asks again."""
    page = visitor.page
    page.goto("/")
    expect(page).to_have_url("/login")
    expect(page.get_by_label("Key")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sign_in(visitor, f" {keys[0]}\t")
    page.locator("tbody tr").first.wait_for()
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()
    page.goto("/")
    expect(page).to_have_url("/login")
    assert visitor.complaints == []


def test_a_wrong_key_is_told_and_can_be_tried_again(visitor: Watched, keys: tuple[str, str]) -> None:
    """In the reader's language, at the field; the right one opens then."""
    page = visitor.page
    page.goto("/login")
    sign_in(visitor, keys[0][:-1])
    expect(page.get_by_role("alert")).to_have_text("This key is unknown, expired or revoked.")
    expect(page.get_by_label("Key")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="CS").click()
    expect(page.get_by_role("heading")).to_have_text("Přihlášení")
    page.get_by_label("Klíč").fill(keys[0])
    page.get_by_role("button", name="Přihlásit se").click()
    page.locator("tbody tr").first.wait_for()
    expect(page.locator("html")).to_have_attribute("lang", "cs")


@pytest.mark.parametrize("address", ["/#/account/acme?question=churn", "/login#/account/acme?question=churn"])
def test_a_link_to_an_account_is_kept_through_signing_in(visitor: Watched, keys: tuple[str, str], address: str) -> None:
    """Who follows a link without a session comes to the account that it names."""
    page = visitor.page
    page.goto(address)
    sign_in(visitor, keys[0])
    expect(page.get_by_role("heading", name="Acme")).to_be_visible()
    expect(page.locator(".why li").first).to_be_visible()
    assert page.url.endswith("/#/account/acme?question=churn")


def test_when_the_session_ends_the_page_asks_and_comes_back(visitor: Watched, keys: tuple[str, str]) -> None:
    """A session that ended while the page was open: the log-in page, then the same view."""
    page = visitor.page
    page.goto("/login")
    sign_in(visitor, keys[0])
    page.locator("tbody tr").first.wait_for()
    page.context.clear_cookies()
    page.get_by_role("link", name="Acme").click()
    expect(page).to_have_url("/login#/account/acme?question=churn")
    sign_in(visitor, keys[0])
    expect(page.get_by_role("heading", name="Acme")).to_be_visible()


def test_a_key_that_may_read_scores_alone_sees_no_more(visitor: Watched, keys: tuple[str, str]) -> None:
    """No reasons, owners or exports, said where it matters; and nothing is asked that would be refused."""
    page = visitor.page
    page.goto("/login")
    sign_in(visitor, keys[1])
    expect(page.locator("tbody tr").first).to_contain_text("Acme")
    expect(page.get_by_role("link", name="Export CSV")).to_have_count(0)
    page.get_by_role("link", name="Acme").click()
    expect(page.locator(".why")).to_contain_text("Your key does not show reasons.")
    expect(page.get_by_text("Jana Nová")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".changes, .levers")).to_have_count(0)
    assert visitor.complaints == []
