"""The report of a replay, opened from a file in Chromium."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from replay.call_folder import load
from replay.comparison import compare
from replay.page import page_of
from replay.run import Marks, ReplayRun, as_it_went
from replay.suite import BOX
from tests.client.web.browser import Witness

pytestmark = pytest.mark.needs("chromium")

DRAWN = "document.querySelector('canvas').toDataURL()"


def recorded() -> ReplayRun:
    run = as_it_went(load(BOX / "smoke" / "browser"))
    return replace(run, name="as recorded")


def test_it_draws_every_turn_zooms_and_asks_nobody(browser: Browser, tmp_path: Path) -> None:
    run = recorded()
    file = tmp_path / "report.html"
    file.write_text(page_of([run, run], compare(run, run), sound=True), encoding="utf-8")
    page = browser.new_context().new_page()
    witness = Witness(page, "")
    page.goto(file.as_uri())
    assert page.locator(".turns li").count() == 4
    assert page.locator(".turns svg").count() == 8  # before and after
    assert page.get_by_text("The gate opens.").is_visible()
    whole: str = page.evaluate(DRAWN)
    page.locator("canvas").press("+")
    page.locator("canvas").press("ArrowRight")
    assert page.evaluate(DRAWN) != whole
    page.get_by_role("button", name="show").nth(1).click()
    page.get_by_role("button", name="stop").click()
    page.context.close()
    assert witness.errors == []
    assert witness.strangers == []


def test_many_calls_are_folded_and_those_at_fault_come_first(
    browser: Browser, tmp_path: Path
) -> None:
    one = recorded().played[0]
    plays = [replace(one, name=f"call {number}") for number in range(1, 7)]
    plays[4] = replace(plays[4], marks=Marks(cut_ins_s=[3.2]))
    file = tmp_path / "report.html"
    file.write_text(page_of([replace(recorded(), played=plays)]), encoding="utf-8")
    page = browser.new_context().new_page()
    witness = Witness(page, "")
    page.goto(file.as_uri())
    assert page.locator(".turns li").count() == 0
    page.get_by_role("button", name="faults first").click()
    first = page.locator("summary").first
    assert first.inner_text().startswith("call 5")
    assert "1 cut-in" in first.inner_text()
    first.click()
    expect(page.locator(".turns li")).to_have_count(4)
    page.context.close()
    assert witness.errors == []
