"""The stock Pipecat client, from a page of its own, in a call with a server as anyone starts it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import jiwer
import pytest
from playwright.sync_api import Page, Playwright

from tests.client.web.acting import plain, transcript_of, until
from tests.client.web.browser import ALLOWED, Witness, chromium, plays, record_tape
from tests.client.web.npm import STRANGER, bundle
from tests.client.web.running import running

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.needs("npm"),
    pytest.mark.timeout(400),
]

QUESTION, OBJECTION = "digits_two_nine", "phone_check_the_number"


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    """The address of the stranger's page: another origin than ours."""
    script = bundle(STRANGER / "page.js")
    html = b'<!doctype html><link rel="icon" href="data:,"><script src="page.js"></script>'

    class Home(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = (script, "text/javascript") if "js" in self.path else (html, "text/html")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Home) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(
    playwright: Playwright, home: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """In a call, with a question in its microphone, and seconds later an objection."""
    folder = tmp_path_factory.mktemp("stranger")
    tape = record_tape(folder / "tape.wav", 3.0, QUESTION, 14.0, OBJECTION, 90.0)
    with (
        running(folder, ALLOWED_ORIGINS=home) as address,
        chromium(playwright, ALLOWED, plays(tape)) as browser,
    ):
        page = browser.new_page()
        witness = Witness(page, urlsplit(home).netloc, urlsplit(address).netloc)
        page.goto(home)
        ready = page.evaluate("(server) => begin(server)", address)
        assert ready["version"]
        yield page
        assert witness.strangers == []
        assert [error for error in witness.errors if "unheard-of" not in error] == []


def told(page: Page, *events: str) -> list[Any]:
    """The data of each of these events, in order."""
    return [
        one["data"] if len(events) == 1 else (one["event"], one["data"])
        for one in page.evaluate("() => told")
        if one["event"] in events
    ]


def test_messages_that_nobody_knows_are_answered_and_harm_nobody(page: Page) -> None:
    page.evaluate("() => shout({label: 'rtvi-ai', type: 'unheard-of', id: 'odd-1', data: {a: 1}})")
    until(page, lambda: len(told(page, "messageError")) == 1)
    assert told(page, "messageError")[0]["id"] == "odd-1"
    refused = page.evaluate(
        "() => client.sendClientRequest('unheard-of', {}).then(() => null, (error) => error.data)"
    )
    assert refused["error"]


def test_it_is_heard_and_hears_the_answer(page: Page) -> None:
    until(page, lambda: len(told(page, "botStoppedSpeaking")) == 1)
    spoken = [one for one in told(page, "userTranscript") if one["final"]]
    assert jiwer.wer(plain(transcript_of(QUESTION)), plain(spoken[-1]["text"])) < 0.2
    answer = "".join(one["text"] for one in told(page, "botLlmText"))
    assert plain(spoken[-1]["text"]) in plain(answer)  # the demo engine repeats what it heard
    assert len(told(page, "botOutput")) > 0
    sound = told(page, "sound")
    assert max(one["peak"] for one in sound) > 1000
    order = [event for event, _ in told(page, *FLOOR)]
    assert order == list(FLOOR)


FLOOR = ("userStartedSpeaking", "userStoppedSpeaking", "botStartedSpeaking", "botStoppedSpeaking")


def test_it_is_told_how_long_each_part_took(page: Page) -> None:
    until(page, lambda: len(told(page, "metrics")) == 1)
    [metrics] = told(page, "metrics")
    took = {one["processor"]: one["value"] for kind in metrics.values() for one in kind}
    assert {"stt", "llm", "tts"} == took.keys()
    assert min(took.values()) > 0
    [turn] = [one["row"] for one in told(page, "serverMessage") if one["type"] == "turn"]
    assert turn["end_measured_at"] == "socket"  # it does not say what it has played


def test_it_is_interrupted_by_a_voice_and_goes_on(page: Page) -> None:
    page.evaluate("() => client.sendText('Tell me a long story.')")
    until(page, lambda: len(cuts(page)) == 1)
    [cut] = cuts(page)
    assert len(cut["heard"].split()) > 5
    until(page, lambda: len(told(page, "botStoppedSpeaking")) == 3)
    events = [one for one in page.evaluate("() => told") if one["event"] in ("sound", *FLOOR)]
    told_at = next(i for i, one in enumerate(page.evaluate("() => told")) if is_cut(one))
    after = page.evaluate("(at) => told.slice(at).map(({ event }) => event)", told_at)
    assert "sound" not in after[: after.index("botLlmStarted")]  # silent until the next answer
    assert events[-1]["event"] == "botStoppedSpeaking"
    objection = [one for one in told(page, "userTranscript") if one["final"]][-1]
    assert jiwer.wer(plain(transcript_of(OBJECTION)), plain(objection["text"])) < 0.2


def cuts(page: Page) -> list[Any]:
    return [one["data"] for one in page.evaluate("() => told") if is_cut(one)]


def is_cut(one: Any) -> bool:
    return bool(one["event"] == "serverMessage" and one["data"]["type"] == "cut-off")


def test_it_hangs_up(page: Page) -> None:
    page.evaluate("() => client.disconnect()")
    until(page, lambda: len(told(page, "disconnected")) == 1)
