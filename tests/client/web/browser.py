"""Chromium with a recording as its microphone, and what it did that it should not have done."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import soundfile
import soxr
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request

FLAGS = (
    "--use-fake-device-for-media-stream",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ALLOWED = "--use-fake-ui-for-media-stream"
"""The person says yes when asked for the microphone."""

RECORDINGS = Path(__file__).parents[2] / "recordings"
TAPE_HZ = 48_000


@contextmanager
def chromium(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


def plays(tape: Path) -> str:
    """The flag that makes a recording the microphone; it is played once, from the click on."""
    return f"--use-file-for-fake-audio-capture={os.fspath(tape)}%noloop"


def record_tape(path: Path, *parts: object) -> Path:
    """Seconds of silence and names of recordings, one after the other."""
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pcm, rate_hz = soundfile.read(RECORDINGS / f"{part}.wav", dtype="float32")
            pieces.append(soxr.resample(pcm, rate_hz, TAPE_HZ))
        elif isinstance(part, float):
            pieces.append(np.zeros(round(part * TAPE_HZ), np.float32))
    soundfile.write(path, np.concatenate(pieces), TAPE_HZ, subtype="PCM_16")
    return path


class Witness:
    """The faults of a page: errors in its console, and requests to others."""

    def __init__(self, page: Page, *hosts: str) -> None:
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self._hosts = hosts
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)
        page.on("websocket", lambda socket: self._look(socket.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        self._look(request.url)

    def _look(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc not in self._hosts and parts.scheme not in ("blob", "data"):
            self.strangers.append(url)
