"""The parts that tests of the page share: a call that is begun, things to say in it, and spies."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from bot.browser.browser_pb2 import Frame, MessageFrame
from pipelines.core.ledger.ledger import Ledger, Milestone
from tests.client.web.browser import RECORDINGS, Witness
from tests.client.web.puppet import OUT_HZ, PuppetCall, Puppeteer

expect.set_options(timeout=15_000)

IN_USE = {"stt": "ears-1", "llm": "model-1", "tts": "voice-1", "profile": "a100"}

SPY = """
window.streams = [];
window.contexts = [];
const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (ask) navigator.mediaDevices.getUserMedia = async (wishes) => {
  const stream = await ask(wishes);
  window.streams.push(stream);
  window.wishes = wishes;
  return stream;
};
const Real = window.AudioContext;
window.AudioContext = class extends Real {
  constructor(options) { super(options); window.contexts.push(this); }
};
"""


def tone(seconds: float) -> bytes:
    at = np.arange(round(seconds * OUT_HZ)) / OUT_HZ
    return (8000 * np.sin(2 * np.pi * 440 * at)).astype("<i2").tobytes()


def begin(page: Page, server: Puppeteer) -> PuppetCall:
    page.get_by_role("button", name="Start talking").click()
    call = server.engine.next_call()
    expect(page.locator("#word")).to_have_text("listening")
    return call


def row(turn: int = 1, *, llm_s: float = 0.16, wait_s: float = 0.2) -> dict[str, object]:
    """As the ledger writes it: the first token was asked for while it was not yet sure."""
    ledger = Ledger()
    reached: list[tuple[Milestone, float]] = [
        ("speech_ended", 0.0),
        ("transcript_final", 0.12),
        ("pause_over", wait_s),
        ("committed", wait_s),
        ("first_token", 0.08 + llm_s),
        ("first_clause", max(wait_s, 0.08 + llm_s) + 0.02),
        ("first_audio", max(wait_s, 0.08 + llm_s) + 0.03),
        ("sent", max(wait_s, 0.08 + llm_s) + 0.031),
        ("played", max(wait_s, 0.08 + llm_s) + 0.08),
    ]
    for milestone, at_s in reached:
        ledger.mark(turn, milestone, at_s, None if at_s <= wait_s else 7)
    ledger.span(turn, "endpointing", 0.0, wait_s, "wait")
    ledger.span(turn, "stt", -0.2, -0.1)
    ledger.span(turn, "stt", 0.04, 0.12)
    ledger.span(turn, "llm", 0.01, 0.05, reply_id=6)
    ledger.span(turn, "llm", 0.08, 0.08 + llm_s, reply_id=7)
    for name, fact in IN_USE.items():
        ledger.note(turn, name, fact)
    closed = ledger.close(turn)
    assert closed is not None
    return closed.as_dict()


def until(page: Page, true: Callable[[], bool]) -> None:
    """Waits for what the page does on its own time; it goes on meanwhile."""
    for _ in range(400):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never came true")


@contextmanager
def witnessed(browser: Browser, server: Puppeteer, *excused: str) -> Iterator[Page]:
    """A page whose console may hold what a refusal leaves there, and no more."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    witness = Witness(page, urlsplit(server.url).netloc)
    page.goto(server.url)
    yield page
    context.close()
    assert [error for error in witness.errors if not any(e in error for e in excused)] == []
    assert witness.strangers == []


def transcript_of(recording: str) -> str:
    labels = json.loads((RECORDINGS / "labels.json").read_text())
    [words] = (r["transcript"] for r in labels["recordings"] if Path(r["file"]).stem == recording)
    return str(words)


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower())


def rtvi(kind: str, data: object, message_id: str = "x") -> bytes:
    content = {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
    return Frame(message=MessageFrame(data=json.dumps(content))).SerializeToString()


def read(message: str | bytes) -> dict[str, Any]:
    assert isinstance(message, bytes)
    frame = Frame.FromString(message)
    content: dict[str, Any] = json.loads(frame.message.data) if frame.message.data else {}
    return content


def scripted(page: Page, play: Callable[[WebSocketRoute, dict[str, Any]], None]) -> None:
    """A server that is no server: `play` gets each message of the page but its audio."""

    def take(socket: WebSocketRoute) -> None:
        def receive(message: str | bytes) -> None:
            if content := read(message):
                play(socket, content)

        socket.on_message(receive)

    page.route_web_socket("**/ws?*", take)
