"""Takes the pictures of the page in docs/: one real call, with recordings as the microphone.

`python -m tests.client.web.screenshots`
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.client.web.browser import ALLOWED, chromium, plays, record_tape
from tests.client.web.running import ROOT, running

PICTURES = ROOT / "docs" / "pictures"
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


def talk(page: Page) -> None:
    """Two turns, and a story that a third interrupts; at the end its answer is being spoken."""
    count, word = page.locator("#count"), page.locator("#word")
    page.get_by_role("button", name="Start talking").click()
    expect(count).to_have_text("2", timeout=60_000)
    expect(word).to_have_text("listening", timeout=30_000)
    ask_for_a_story(page)
    expect(page.locator("#lines .note")).to_have_count(1, timeout=60_000)
    expect(count).to_have_text("3", timeout=30_000)


def ask_for_a_story(page: Page) -> None:
    page.get_by_label("Type instead of talking").fill("Tell me a long story.")
    page.keyboard.press("Enter")
    page.locator("#text").blur()


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=PICTURES / f"page-{name}.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as there, sync_playwright() as playwright:
        folder = Path(there)
        parts = ["phone_outgoing_call", 8.0, "cities_best_of_times", 14.0, "wide_first_in_line"]
        tape = record_tape(folder / "tape.wav", 1.5, *parts, 90.0)
        with running(folder, "--profile", "fixed-150") as address:
            with chromium(playwright, ALLOWED, plays(tape)) as browser:
                page = browser.new_page(viewport=DESK)
                page.goto(address)
                talk(page)
                shoot(page, "call")
                page.emulate_media(color_scheme="dark")
                page.wait_for_timeout(500)  # buttons change their colour by and by
                shoot(page, "dark")
                page.emulate_media(color_scheme="light")
                page.set_viewport_size(PHONE)
                page.wait_for_timeout(300)
                shoot(page, "phone")
                page.set_viewport_size({"width": 1280, "height": 900})
                page.locator(".time").screenshot(path=PICTURES / "page-waterfall.png")
            with chromium(playwright, "--deny-permission-prompts") as browser:
                page = browser.new_page(viewport=DESK)
                page.goto(address)
                page.get_by_role("button", name="Start talking").click()
                expect(page.locator("#problem")).to_be_visible()
                shoot(page, "error")


if __name__ == "__main__":
    main()
