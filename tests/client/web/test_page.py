"""The page's display, in calls that do what the test tells them."""

import json
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from pipelines.core.exchange import (
    CallBegan,
    CallState,
    Caption,
    Fault,
    Muted,
    StateChanged,
    TurnMeasured,
    Typed,
)
from tests.client.web.acting import SPY, begin, row, until
from tests.client.web.puppet import Puppeteer

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]


# ---- captions and the state ----


def test_both_sides_are_captioned_while_they_speak(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    lines = page.locator("#lines li p")
    call.say(Caption("user", "What is", final=False, turn=1))
    expect(lines).to_have_text(["What is"])
    expect(page.locator("#lines li")).to_have_class("line you partial")
    call.say(Caption("user", "What is it?", final=True, turn=1))
    call.say(Caption("bot", "Well,", final=False, turn=1))
    expect(lines).to_have_text(["What is it?", "Well,"])
    call.say(Caption("bot", "a test.", final=False, turn=1))
    call.say(Caption("bot", "Well, a test.", final=True, turn=1))
    expect(lines).to_have_text(["What is it?", "Well, a test."])
    expect(page.locator("#lines li.partial")).to_have_count(0)
    expect(page.locator("#announcements")).to_have_text("Halfsecond: Well, a test.")


def test_words_are_words_and_never_markup(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    trap = "<img src=x onerror=alert(1)><b>bold</b>"
    call.say(Caption("user", trap, final=True, turn=1), Caption("bot", trap, final=True, turn=1))
    call.say(TurnMeasured(row()))
    expect(page.locator("#lines li p")).to_have_text([trap, trap])
    expect(page.locator("#turns .said")).to_have_text(trap)
    assert page.locator("#lines img, #lines b, #turns img").count() == 0


def test_a_barge_in_strikes_through_what_was_not_heard(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    call.say(
        Caption("user", "Tell me a story.", final=True, turn=1),
        Caption("bot", "There lived a clockmaker", final=False, turn=1),
        Caption("bot", "who could not sleep.", final=False, turn=1),
        Caption("user", "Wait", final=False, turn=2),
        Caption("bot", "There lived a", final=True, turn=1, heard="There lived a"),
    )
    expect(page.locator("#lines s")).to_have_text("clockmaker who could not sleep.")
    expect(page.locator("#lines li.bot p")).to_contain_text("There lived a clockmaker")
    expect(page.locator("#lines li.bot .note")).to_have_text("interrupted")


def test_a_cough_leaves_no_line(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    call.say(StateChanged("hearing"), Caption("user", "Mhm", final=False, turn=1))
    expect(page.locator("#lines li")).to_have_count(1)
    call.say(StateChanged("speaking"))
    expect(page.locator("#lines li")).to_have_count(0)


def test_the_state_is_a_word(page: Page, server: Puppeteer) -> None:
    expect(page.locator("#word")).to_have_text("ready")
    call = begin(page, server)
    words: dict[CallState, str] = {
        "hearing": "hearing you",
        "thinking": "thinking",
        "speaking": "speaking",
        "listening": "listening",
    }
    for state, word in words.items():
        call.say(StateChanged(state))
        expect(page.locator("#word")).to_have_text(word)
    page.get_by_role("button", name="End call").click()
    expect(page.locator("#word")).to_have_text("ready")
    assert call.left.wait(15)


def test_what_the_server_says_went_wrong_is_shown(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    call.say(Fault("the language model does not answer"))
    expect(page.locator("#problem")).to_contain_text("the language model does not answer")
    call.end()
    expect(page.locator("#word")).to_have_text("ready")


# ---- where the time went ----


def test_each_turn_is_drawn_against_the_budget(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    call.say(Caption("user", "First.", final=True, turn=1), TurnMeasured(row(1)))
    call.say(Caption("bot", "One.", final=True, turn=1))
    call.say(Caption("user", "Second.", final=True, turn=2), TurnMeasured(row(2, llm_s=0.5)))
    turns = page.locator("#turns details")
    expect(turns.locator(".said")).to_have_text(["Second.", "First."])
    expect(turns.locator(".took")).to_have_text(["660 ms", "320 ms"])
    expect(turns.locator(".verdict")).to_have_text(
        ["first token overspent by 230 ms", "within budget, though transport overspent by 30 ms"]
    )
    expect(page.locator("#p50")).to_have_text("320 ms")
    expect(page.locator("#p95")).to_have_text("660 ms")
    expect(page.locator("#in-use")).to_have_text("ears-1 · model-1 · voice-1 · profile a100")
    expect(turns.nth(0)).to_have_attribute("open", "")
    expect(turns.nth(1)).not_to_have_attribute("open", "")


def test_what_is_in_use_and_what_each_part_may_take_are_shown_before_the_first_turn(
    page: Page, server: Puppeteer
) -> None:
    call = begin(page, server)
    shares = {"endpointing": 0.2, "stt": 0.06, "llm_first_token": 0.35}
    call.say(CallBegan({"stt": "ears-1", "llm": "model-1", "profile": None}, shares))
    expect(page.locator("#in-use")).to_have_text("ears-1 · model-1")
    expect(page.locator("#shares")).to_have_text(
        "In ms: end of turn 200 · last words 60 · first token 350."
    )
    expect(page.locator("#budget")).to_have_text("610 ms")
    call.say(TurnMeasured(row(1, llm_s=0.4)))
    expect(page.locator("#turns .took")).to_have_class("took")  # 560 ms are within it


def test_the_parts_of_a_turn_join_and_what_was_hidden_lies_before_them(
    page: Page, server: Puppeteer
) -> None:
    call = begin(page, server)
    call.say(TurnMeasured(row()))
    opened = page.locator("#turns .waterfall")
    names = ["end of turn", "last words", "decision", "first token", "first clause"]
    expect(opened.locator("tbody th")).to_have_text([*names, "voice", "send", "playback"])
    cells = opened.locator("tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.querySelectorAll('td')].slice(1))"
        ".map((cells) => cells.map((cell) => cell.textContent))"
    )
    waited = [0 if wait == "–" else int(wait) for wait, _ in cells]
    assert sum(waited) == 320 == int(opened.locator(".total").inner_text())
    assert cells[1] == ["–", "80"]
    assert cells[3] == ["40", "120"]
    edges = opened.locator(".lane > .seg").evaluate_all(
        "(segs) => segs.map((s) => s.getBoundingClientRect()).map((r) => [r.left, r.right])"
    )
    for (_, end), (start, _) in pairwise(edges):
        assert abs(start - end) < 2
    hidden = opened.locator("tbody tr").nth(3).locator(".work:not(.withdrawn)").bounding_box()
    token = opened.locator("tbody tr").nth(3).locator(".seg").bounding_box()
    assert hidden is not None
    assert token is not None
    assert hidden["x"] < token["x"] - 10
    assert abs(hidden["x"] + hidden["width"] - token["x"] - token["width"]) < 2
    expect(opened.locator("tbody .withdrawn")).to_have_count(1)
    expect(opened.locator(".notes")).to_contain_text("1 answer was begun and withdrawn.")


def test_all_of_it_can_be_taken_home(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    measured = row()
    call.say(
        Caption("user", "Hi.", final=True, turn=1),
        Caption("bot", "Hello you there.", final=False, turn=1),
        TurnMeasured(measured),
        Caption("bot", "Hello", final=True, turn=1, heard="Hello"),
    )
    expect(page.locator("#lines s")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export JSON").click()
    kept = json.loads(download.value.path().read_text())
    assert kept["turns"] == [measured]
    assert kept["percentiles"] == {"p50_s": 0.32, "p95_s": 0.32}
    said = [(one["who"], one["text"], one["heard"]) for one in kept["transcript"]]
    assert said == [("user", "Hi.", None), ("bot", "Hello you there.", "Hello")]


# ---- typing ----


def test_what_is_typed_joins_the_conversation(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    page.locator("#text").fill("  Hello there ")
    page.keyboard.press("Enter")
    assert call.next(Typed) == Typed("Hello there")
    expect(page.locator("#text")).to_have_value("")


def test_who_types_first_is_not_asked_for_a_microphone(page: Page, server: Puppeteer) -> None:
    page.add_init_script(SPY)
    page.reload()
    page.locator("#text").fill("Hello")
    page.get_by_role("button", name="Send").click()
    call = server.engine.next_call()
    assert call.next(Muted).muted
    assert call.next(Typed) == Typed("Hello")
    assert page.evaluate("() => window.streams.length") == 0
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Unmute").click()
    assert not call.next(Muted).muted
    assert page.evaluate("() => window.streams.length") == 1


# ---- for everyone ----


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, server: Puppeteer, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    overflow = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    call = begin(page, server)
    call.say(Caption("user", "Un" + "believab" * 20 + "ly long.", final=True, turn=1))
    call.say(TurnMeasured(row(llm_s=0.6)), Fault("something"))
    expect(page.locator("#turns .waterfall")).to_be_visible()
    expect(page.locator("#problem")).to_be_visible()
    assert page.evaluate(overflow) == 0
    for button in page.locator(".buttons button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= width


def test_the_newest_words_stay_in_sight_until_one_scrolls_away(
    page: Page, server: Puppeteer
) -> None:
    """Above the buttons of a phone, and when it is turned or its keyboard comes up."""
    page.set_viewport_size({"width": 390, "height": 844})
    call = begin(page, server)
    for turn in range(1, 13):
        call.say(Caption("user", f"This is sentence {turn}.", final=True, turn=turn))
    newest = page.locator("#lines li").last
    buttons = page.locator(".desk > .buttons").bounding_box()
    expect(newest).to_contain_text("sentence 12")
    box = newest.bounding_box()
    assert box is not None
    assert buttons is not None
    assert box["y"] + box["height"] <= buttons["y"]
    page.set_viewport_size({"width": 390, "height": 600})
    left = "() => lines.scrollHeight - lines.clientHeight - lines.scrollTop"
    until(page, lambda: page.evaluate(left) < 2)
    page.evaluate("() => { lines.scrollTop = 0 }")
    page.wait_for_function("() => new Promise((seen) => requestAnimationFrame(() => seen(true)))")
    page.set_viewport_size({"width": 390, "height": 844})
    call.say(Caption("user", "And one more.", final=True, turn=13))
    expect(page.locator("#lines li")).to_have_count(13)
    assert page.evaluate("() => lines.scrollTop") == 0


def test_the_keyboard_alone_is_enough(page: Page, server: Puppeteer) -> None:
    page.keyboard.press("Tab")
    expect(page.locator("#call")).to_be_focused()
    page.keyboard.press("Enter")
    call = server.engine.next_call()
    call.say(Caption("user", "Hi.", final=True, turn=1), TurnMeasured(row()))
    expect(page.locator("#turns details")).to_have_count(1)
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("() => document.activeElement.id || document.activeElement.tagName")
        )
    assert {"mute", "stop", "microphone", "lines", "text", "export", "SUMMARY"} <= reached


def test_reduced_motion_stands_still(page: Page, server: Puppeteer) -> None:
    page.emulate_media(reduced_motion="reduce")
    call = begin(page, server)
    hand = page.locator(".hand")
    before = hand.get_attribute("transform")
    call.say(StateChanged("thinking"))
    expect(page.locator("#word")).to_have_text("thinking")
    call.say(Caption("user", "Hi.", final=True, turn=1))
    expect(page.locator("#lines li")).to_have_count(1)
    assert hand.get_attribute("transform") == before
    assert page.locator(".cone").get_attribute("r") == "84"
