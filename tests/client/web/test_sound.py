"""The loudspeaker, the microphone and the keys, against our server."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Playwright, expect

from pipelines.core.exchange import (
    Muted,
    Played,
    StopSpeaking,
    Typed,
)
from tests.client.web.acting import SPY, begin, tone, until
from tests.client.web.browser import ALLOWED, chromium, plays, record_tape
from tests.client.web.puppet import OUT_HZ, Puppeteer

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]


# ---- the loudspeaker ----


def test_what_was_played_is_told_to_the_sample_at_least_every_100_ms(
    page: Page, server: Puppeteer
) -> None:
    call = begin(page, server)
    assert call.form.reports_playout
    call.speak(tone(1.0))
    reports = [0]
    while reports[-1] < OUT_HZ:
        report = call.next(Played, lambda report: report.samples != reports[-1])
        assert report.generation == 0
        reports.append(report.samples)
    assert reports[-1] == OUT_HZ
    assert len(reports) > 10
    assert all(0 < later - before <= OUT_HZ // 10 for before, later in pairwise(reports))


def test_a_flush_ends_the_sound_and_the_count_of_its_generation(
    page: Page, server: Puppeteer
) -> None:
    call = begin(page, server)
    call.speak(tone(1.5))
    before = call.next(Played, lambda report: report.samples > 4800)
    call.flush()
    reports = [call.next(Played)]
    while reports[-1].generation == 0 or reports[-1].samples == 0:
        call.speak(tone(0.1))
        reports.append(call.next(Played))
    old = [report.samples for report in reports if report.generation == 0]
    assert old == sorted(old)
    assert before.samples <= old[-1] < 1.5 * OUT_HZ
    assert reports[-1].generation == 1
    assert 0 < reports[-1].samples <= 0.1 * OUT_HZ * len(reports)


def test_the_page_says_what_its_clock_is_while_there_is_nothing_to_hear(
    page: Page, server: Puppeteer
) -> None:
    """The quickest report tells the two clocks apart: before the first answer, too."""
    call = begin(page, server)
    times = [call.next(Played).client_s or 0.0 for _ in range(3)]
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.5


@pytest.mark.parametrize("how", ["suspend", "close"])
def test_sound_that_the_browser_stopped_comes_back(page: Page, server: Puppeteer, how: str) -> None:
    page.add_init_script(SPY)
    page.reload()
    call = begin(page, server)
    call.speak(tone(0.2))
    call.next(Played, lambda report: report.samples == 0.2 * OUT_HZ)
    page.evaluate(f"() => window.contexts.find((c) => c.sampleRate === {OUT_HZ}).{how}()")

    def is_heard() -> bool:
        call.speak(tone(0.02))  # what is old news may be told again meanwhile
        return call.has(Played, lambda report: report.samples > 0.2 * OUT_HZ)

    until(page, is_heard)


# ---- the microphone ----


def test_the_microphone_arrives_as_16_khz_and_asks_for_what_a_call_needs(
    page: Page, server: Puppeteer
) -> None:
    page.add_init_script(SPY)
    page.reload()
    call = begin(page, server)
    until(page, lambda: len(call.audio) >= 2 * 24_000)  # a second and a half: there is a beep
    pcm = np.frombuffer(bytes(call.audio), "<i2")
    assert pcm.size % 320 == 0
    assert np.abs(pcm).max() > 1000  # the beep
    wishes = page.evaluate("() => window.wishes.audio")
    assert [wishes[k] for k in ("echoCancellation", "noiseSuppression", "autoGainControl")] == [
        True
    ] * 3


def test_m_mutes_stops_the_tracks_and_tells_the_server(page: Page, server: Puppeteer) -> None:
    page.add_init_script(SPY)
    page.reload()
    call = begin(page, server)
    page.keyboard.press("m")
    assert call.next(Muted).muted
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#last")).to_have_text("the microphone is off")
    alive = (
        "() => window.streams.flatMap((stream) => stream.getTracks())"
        ".filter((track) => track.readyState === 'live').length"
    )
    assert page.evaluate(alive) == 0
    contexts = "() => window.contexts.filter((c) => c.state !== 'closed').length"
    until(page, lambda: page.evaluate(contexts) == 1)  # the loudspeaker's: nothing listens now
    assert not np.frombuffer(bytes(call.audio[-16_000:]), "<i2").any()
    page.keyboard.press("m")
    assert not call.next(Muted).muted
    assert page.evaluate(alive) == 1
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")


def test_space_talks_while_it_is_held(page: Page, server: Puppeteer) -> None:
    page.get_by_text("Push to talk").click()
    call = begin(page, server)
    assert call.next(Muted).muted
    page.keyboard.down(" ")
    assert not call.next(Muted).muted
    expect(page.locator("#hold")).to_have_text("Let go to send Space")
    page.keyboard.up(" ")
    assert call.next(Muted).muted
    hold = page.locator("#hold")
    hold.dispatch_event("pointerdown", {"pointerId": 1})
    page.get_by_text("Hands-free").click()
    assert not call.next(Muted).muted


def test_space_still_presses_a_button_that_the_keyboard_came_to(
    page: Page, server: Puppeteer
) -> None:
    page.get_by_text("Push to talk").click()
    begin(page, server)
    page.locator("#call").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#mute")).to_be_focused()
    page.keyboard.press(" ")
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")


def test_escape_silences_the_bot(page: Page, server: Puppeteer) -> None:
    call = begin(page, server)
    page.keyboard.press("Escape")
    call.next(StopSpeaking)
    page.locator("#text").focus()
    page.keyboard.press("Escape")
    call.next(StopSpeaking)


def test_the_device_is_remembered(page: Page, server: Puppeteer) -> None:
    page.add_init_script(SPY)
    page.reload()
    begin(page, server)
    choice = page.get_by_label("Microphone", exact=True)
    options = choice.locator("option")
    expect(options.nth(1)).to_contain_text("Fake")
    chosen = options.nth(2).get_attribute("value")
    choice.select_option(chosen)
    used = "() => window.streams.at(-1).getAudioTracks()[0].getSettings().deviceId"
    until(page, lambda: page.evaluate(used) == chosen)
    page.reload()
    begin(page, server)
    expect(choice).to_have_value(chosen or "")
    assert page.evaluate(used) == chosen


def test_a_device_that_is_unplugged_gives_way_to_another(page: Page, server: Puppeteer) -> None:
    page.add_init_script(SPY)
    page.reload()
    call = begin(page, server)
    page.evaluate(
        "() => { const [track] = window.streams[0].getTracks(); track.stop();"
        " track.dispatchEvent(new Event('ended')); }"
    )
    until(page, lambda: page.evaluate("() => window.streams.length") == 2)
    before = len(call.audio)
    until(page, lambda: len(call.audio) > before + 16_000)


def test_five_seconds_of_nothing_are_noticed(
    playwright: Playwright, server: Puppeteer, tmp_path: Path
) -> None:
    tape = record_tape(tmp_path / "silence.wav", 60.0)
    with chromium(playwright, ALLOWED, plays(tape)) as deaf:
        page = deaf.new_page()
        page.goto(server.url)
        call = begin(page, server)
        expect(page.locator("#quiet")).to_contain_text("We can’t hear you")
        assert len(call.audio) >= 2 * 16_000 * 4.5
        page.keyboard.press("m")
        expect(page.locator("#quiet")).to_be_empty()


@pytest.mark.parametrize(
    ("error", "title"),
    [
        ("NotFoundError", "There is no microphone"),
        ("NotReadableError", "Another program has the microphone"),
        ("NotAllowedError", "The microphone is blocked for this page"),
    ],
)
def test_each_refusal_has_its_mend(page: Page, error: str, title: str) -> None:
    page.evaluate(
        "(name) => { navigator.mediaDevices.getUserMedia = async () => "
        "{ throw new DOMException('no', name); } }",
        error,
    )
    page.locator("#call").click()
    expect(page.locator("#problem strong")).to_have_text(title)
    expect(page.locator("#problem .mend")).to_contain_text("type instead")
    expect(page.locator("#word")).to_have_text("ready")


def test_who_may_not_hear_is_told_how_to_allow_it(
    playwright: Playwright, server: Puppeteer
) -> None:
    with chromium(playwright, "--deny-permission-prompts") as strict:
        page = strict.new_page()
        page.goto(server.url)
        page.locator("#call").click()
        expect(page.locator("#problem strong")).to_have_text(
            "The microphone is blocked for this page"
        )
        page.locator("#text").fill("Hello")
        page.keyboard.press("Enter")
        assert server.engine.next_call().next(Typed) == Typed("Hello")
        expect(page.locator("#problem")).to_be_hidden()


def test_an_insecure_address_is_told_the_other_way_in(
    playwright: Playwright, server: Puppeteer
) -> None:
    with chromium(playwright, "--host-resolver-rules=MAP voice.test 127.0.0.1") as far:
        page = far.new_page()
        page.goto(f"http://voice.test:{server.port}/")
        page.locator("#call").click()
        expect(page.locator("#problem .mend")).to_contain_text("--tls-cert")


@pytest.mark.parametrize(
    ("lacks", "title"),
    [
        ("isSecureContext", "Browsers allow no live sound at this address"),
        ("AudioWorkletNode", "This browser cannot play or record live sound"),
    ],
)
def test_where_no_sound_is_possible_text_is(
    page: Page, server: Puppeteer, lacks: str, title: str
) -> None:
    page.add_init_script(f"Object.defineProperty(window, '{lacks}', {{ value: undefined }})")
    page.reload()
    page.locator("#text").fill("Hello")
    page.keyboard.press("Enter")
    call = server.engine.next_call()
    assert call.next(Typed) == Typed("Hello")
    expect(page.locator("#word")).to_have_text("listening")
    expect(page.locator("#problem strong")).to_have_text(title)
    call.speak(tone(0.3))
    call.next(Played, lambda report: report.samples == 0.3 * OUT_HZ)
    call.flush()
    call.speak(tone(0.1))
    call.next(Played, lambda report: report == Played(1, 2400, report.client_s))
