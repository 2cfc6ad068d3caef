"""One Chromium and one server for each module; a page of its own for each test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.client.web.acting import witnessed
from tests.client.web.browser import ALLOWED, chromium
from tests.client.web.puppet import Puppeteer, puppeteer


@pytest.fixture(scope="module")
def server() -> Iterator[Puppeteer]:
    with puppeteer() as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """It keeps an event loop in this thread, where the tests of other modules want their own."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Its microphone beeps once a second, and it is allowed to use it."""
    with chromium(playwright, ALLOWED) as launched:
        yield launched


@pytest.fixture
def page(browser: Browser, server: Puppeteer) -> Iterator[Page]:
    """Fails a test after which the console has an error, or somebody else was asked something."""
    with witnessed(browser, server) as opened:
        yield opened
