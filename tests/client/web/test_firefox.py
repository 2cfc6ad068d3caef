"""The page in Firefox: where there is nothing to play sound on, and with a null sink."""

from collections.abc import Iterator

import numpy as np
import pytest

from pipelines.core.exchange import Caption, Muted, Played, StateChanged, Typed
from tests.client.web.acting import tone
from tests.client.web.firefox import FirefoxPage, firefox
from tests.client.web.loudspeaker import null_sink
from tests.client.web.puppet import OUT_HZ, PuppetCall, Puppeteer

pytestmark = [pytest.mark.needs("firefox-esr"), pytest.mark.timeout(180)]

LIVE = "document.body.dataset.word === 'listening'"


@pytest.fixture(scope="module")
def without_sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirefoxPage]:
    """Where there is nothing to play sound on."""
    with firefox(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def silent(without_sound: FirefoxPage, server: Puppeteer) -> FirefoxPage:
    without_sound.goto("about:blank")
    without_sound.goto(server.url)
    return without_sound


def heard_of(call: PuppetCall, samples: int) -> None:
    call.next(Played, lambda played: played.samples >= samples)


def test_without_a_loudspeaker_text_works_and_the_page_says_what_is_missing(
    silent: FirefoxPage, server: Puppeteer
) -> None:
    silent.type("Hello")
    call = server.engine.next_call()
    assert call.next(Typed) == Typed("Hello")
    silent.until(LIVE)
    assert "nothing to play sound on" in silent.text("#problem")
    call.say(StateChanged("speaking"), Caption("bot", "Hello to you.", final=True, turn=1))
    silent.until("document.querySelector('#lines').innerText.includes('Hello to you.')")
    silent.type("And again")
    assert call.next(Typed) == Typed("And again")


def test_without_a_loudspeaker_an_answer_counts_as_heard_at_the_pace_of_speech(
    silent: FirefoxPage, server: Puppeteer
) -> None:
    silent.type("Hello")
    call = server.engine.next_call()
    silent.until(LIVE)
    call.speak(tone(0.5))
    heard_of(call, 12_000)


def test_without_a_loudspeaker_a_call_with_a_microphone_begins_all_the_same(
    silent: FirefoxPage, server: Puppeteer
) -> None:
    silent.click("#call")
    call = server.engine.next_call()
    silent.until(LIVE)
    assert "nothing to play sound on" in silent.text("#problem")
    silent.type("Hello")
    assert call.next(Typed) == Typed("Hello")
    silent.click("#call")
    assert call.left.wait(20)
    silent.until("document.body.dataset.word === 'ready'")


def test_typing_while_the_microphone_is_asked_for_begins_without_it(
    silent: FirefoxPage, server: Puppeteer
) -> None:
    silent.run("void (navigator.mediaDevices.getUserMedia = () => new Promise(() => {}))")
    silent.click("#call")
    silent.until("document.querySelector('#last').innerText.includes('asking')")
    silent.type("Hello")
    call = server.engine.next_call()
    assert call.next(Muted).muted
    assert call.next(Typed) == Typed("Hello")


@pytest.mark.parametrize(
    ("error", "title"),
    [("NotFoundError", "There is no microphone"), ("NotAllowedError", "microphone is blocked")],
)
def test_without_a_microphone_the_page_says_so_and_text_works(
    silent: FirefoxPage, server: Puppeteer, error: str, title: str
) -> None:
    refused = f"Promise.reject(new DOMException('', '{error}'))"
    silent.run(f"void (navigator.mediaDevices.getUserMedia = () => {refused})")
    silent.click("#call")
    silent.until(f"document.querySelector('#problem').innerText.includes('{title}')")
    silent.until("document.body.dataset.word === 'ready'")
    silent.type("Hello")
    assert server.engine.next_call().next(Typed) == Typed("Hello")


@pytest.fixture(scope="module")
def with_sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirefoxPage]:
    """Where there is a loudspeaker, though nobody hears it."""
    with null_sink() as sink, firefox(tmp_path_factory.mktemp("profile"), sink) as page:
        yield page


@pytest.fixture
def loud(with_sound: FirefoxPage, server: Puppeteer) -> FirefoxPage:
    with_sound.goto("about:blank")
    with_sound.goto(server.url)
    return with_sound


def typed_call(page: FirefoxPage, server: Puppeteer) -> PuppetCall:
    page.type("Hello")
    call = server.engine.next_call()
    assert call.next(Typed) == Typed("Hello")
    page.until(LIVE)
    return call


@pytest.mark.needs("pulseaudio")
def test_with_a_loudspeaker_what_was_played_is_told_to_the_sample_at_its_own_pace(
    loud: FirefoxPage, server: Puppeteer
) -> None:
    call = typed_call(loud, server)
    assert loud.text("#problem").strip() == ""
    call.speak(tone(1.0))
    reports = [call.next(Played, lambda report: report.samples > 0)]
    while reports[-1].samples < OUT_HZ:
        reports.append(call.next(Played, lambda report: report.samples > reports[-1].samples))
    assert reports[-1].samples == OUT_HZ
    assert len(reports) > 5
    passed_s = (reports[-1].client_s or 0.0) - (reports[0].client_s or 0.0)
    played_s = (reports[-1].samples - reports[0].samples) / OUT_HZ
    assert passed_s > played_s - 0.15  # a report counts in quanta of the audio's thread


@pytest.mark.needs("pulseaudio")
def test_with_a_loudspeaker_a_flush_ends_the_sound_before_its_end(
    loud: FirefoxPage, server: Puppeteer
) -> None:
    call = typed_call(loud, server)
    call.speak(tone(1.5))
    before = call.next(Played, lambda report: report.samples > 4800)
    call.flush()
    over = call.next(Played, lambda report: report.generation == 0 and report.samples > 0)
    assert before.samples <= over.samples < 1.5 * OUT_HZ
    call.speak(tone(0.2))
    call.next(Played, lambda report: report.generation == 1 and report.samples == 0.2 * OUT_HZ)


@pytest.mark.needs("pulseaudio")
def test_with_a_loudspeaker_a_call_hears_and_is_heard(loud: FirefoxPage, server: Puppeteer) -> None:
    loud.click("#call")
    call = server.engine.next_call()
    loud.until(LIVE)
    call.speak(tone(0.3))
    heard_of(call, 7200)
    sound = np.frombuffer(bytes(call.audio), "<i2")
    assert np.abs(sound).max() > 1000  # the microphone hums
    loud.click("#call")
    assert call.left.wait(20)
