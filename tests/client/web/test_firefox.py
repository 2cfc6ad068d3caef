"""The page in Firefox, where there is nothing to play sound on."""

from collections.abc import Iterator

import pytest

from pipelines.core.exchange import Caption, Muted, Played, StateChanged, Typed
from tests.client.web.acting import tone
from tests.client.web.firefox import FirefoxPage, firefox
from tests.client.web.puppet import PuppetCall, Puppeteer

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
