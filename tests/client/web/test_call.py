"""End to end: Chromium with recordings as its microphone, and the server as anyone starts it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import jiwer
import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from tests.client.web.acting import plain, transcript_of
from tests.client.web.browser import ALLOWED, Witness, chromium, plays, record_tape
from tests.client.web.running import running
from tests.client.web.wire import wire

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

ANSWERED_S = 7.0
"""Silence after a recording: what a short echo of it takes to be said, and more."""

TURNS = ["command_go_forward", "digits_two_nine", "phone_check_the_number"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of its own, with the demo engine behind it."""
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def page(
    playwright: Playwright, address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """In a call, with three recordings in its microphone."""
    parts = [part for name in TURNS for part in (name, ANSWERED_S)]
    tape = record_tape(tmp_path_factory.mktemp("tape") / "turns.wav", 1.0, *parts, 60.0)
    with chromium(playwright, ALLOWED, plays(tape)) as browser:
        page = browser.new_page()
        witness = Witness(page, urlsplit(address).netloc)
        page.goto(address)
        page.get_by_role("button", name="Start talking").click()
        yield page
        assert witness.errors == []
        assert witness.strangers == []


def test_three_turns_are_heard_answered_and_measured(page: Page) -> None:
    expect(page.locator("#count")).to_have_text("3", timeout=60_000)
    expect(page.locator("#word")).to_have_text("listening", timeout=15_000)
    heard = page.locator("#lines .you p").all_inner_texts()
    answers = page.locator("#lines .bot p").all_inner_texts()
    assert len(heard) == len(answers) == 3
    assert (
        jiwer.wer(
            [plain(text) for text in map(transcript_of, TURNS)], [plain(text) for text in heard]
        )
        < 0.15
    )
    for question, answer in zip(heard, answers, strict=True):
        assert plain(question) in plain(answer)  # the demo engine repeats what it heard


def test_every_row_ends_at_the_ear_and_adds_up(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="Export JSON").click()
    kept = json.loads(download.value.path().read_text())
    assert len(kept["turns"]) == 3
    for row in kept["turns"]:
        assert row["end_measured_at"] == "client"
        assert sum(row["segments"].values()) == pytest.approx(row["voice_to_voice_s"], abs=1e-6)
        assert row["segments"]["played"] > 0
        assert {"stt", "llm", "tts", "profile"} <= row["facts"].keys()
    waits = sorted(row["voice_to_voice_s"] for row in kept["turns"])
    assert kept["percentiles"] == {"p50_s": waits[1], "p95_s": waits[2]}
    expect(page.locator("#p50")).to_have_text(f"{round(waits[1] * 1000)} ms")


def test_a_typed_turn_is_answered_in_the_same_conversation_and_can_be_stopped(page: Page) -> None:
    page.get_by_label("Type instead of talking").fill("Tell me a long story.")
    page.keyboard.press("Enter")
    expect(page.locator("#word")).to_have_text("speaking", timeout=15_000)
    page.locator("#lines").focus()
    expect(page.locator("#lines .bot")).to_have_count(4)
    expect(page.locator("#lines .you p").last).to_have_text("Tell me a long story.")
    cut = page.locator("#lines .bot").last
    expect(cut).to_have_text(re.compile(".{60}"), timeout=15_000)
    page.keyboard.press("Escape")
    expect(page.locator("#word")).to_have_text("listening", timeout=15_000)
    expect(cut.locator(".note")).to_have_text("interrupted")
    assert cut.locator("s").inner_text() != ""


def test_who_is_muted_can_still_type(page: Page) -> None:
    page.keyboard.press("m")
    expect(page.locator("body")).to_have_class("muted")
    page.get_by_label("Type instead of talking").fill("What did I say first?")
    page.keyboard.press("Enter")
    expect(page.locator("#lines .bot")).to_have_count(5, timeout=15_000)
    page.get_by_role("button", name="End call").click()
    expect(page.locator("#word")).to_have_text("ready")


@contextmanager
def in_a_call(playwright: Playwright, address: str, tape: Path) -> Iterator[Page]:
    """With its own microphone, from the click on."""
    with chromium(playwright, ALLOWED, plays(tape)) as browser:
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#word")).to_have_text("listening", timeout=15_000)
        yield page


def tell_a_story(page: Page) -> Locator:
    """Returns the line in which it is told, once it has been begun."""
    page.get_by_label("Type instead of talking").fill("Tell me a long story.")
    page.keyboard.press("Enter")
    story = page.locator("#lines .bot").first
    expect(story).to_have_text(re.compile(".{40}"), timeout=15_000)
    return story


def test_speech_stops_the_bot_and_what_was_not_heard_is_struck(
    playwright: Playwright, address: str, tmp_path: Path
) -> None:
    tape = record_tape(tmp_path / "tape.wav", 8.0, "phone_check_the_number", 60.0)
    with in_a_call(playwright, address, tape) as page:
        story = tell_a_story(page)
        expect(story.locator(".note")).to_have_text("interrupted", timeout=30_000)
        expect(page.locator("#lines .you")).to_have_count(2, timeout=15_000)
        expect(page.locator("#lines .bot")).to_have_count(2, timeout=15_000)
        heard = story.locator("p").evaluate("(p) => p.firstChild.textContent")
        assert len(heard.split()) > 5


def test_a_line_that_is_cut_in_mid_answer_goes_on_with_the_same_answer(
    playwright: Playwright, address: str, tmp_path: Path
) -> None:
    tape = record_tape(tmp_path / "tape.wav", 90.0)
    port = urlsplit(address).port
    assert port is not None
    with wire(port) as line, in_a_call(playwright, line.url, tape) as page:
        story = tell_a_story(page)
        line.cut()
        expect(page.locator("#word")).to_have_text("reconnecting", timeout=15_000)
        before = len(story.locator("p").inner_text())
        expect(page.locator("#word")).to_have_text("speaking", timeout=15_000)
        expect(story.locator("p")).to_have_text(re.compile(f".{{{before + 40}}}"), timeout=30_000)
        expect(page.locator("#lines li")).to_have_count(2)
        expect(story.locator(".note")).to_have_count(0)
        expect(page.locator("#problem")).to_be_hidden()
