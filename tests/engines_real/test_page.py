"""Ten questions through the page: Chromium's microphone is espeak-ng, and nothing is a stand-in."""

import asyncio
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from playwright.sync_api import expect, sync_playwright

from client.caller.microphone import MICROPHONE_RATE_HZ
from pipelines.core.turn.wording import words
from tests.client.web.browser import ALLOWED, TAPE_HZ, chromium, plays
from tests.client.web.running import running
from tests.engines_real import llama_server
from tests.engines_real.calling import SYSTEM_PROMPT, spoken
from tests.pipelines.services.contracts.ears import TINY_WHISPER

pytestmark = [
    pytest.mark.needs("llama-server"),
    pytest.mark.needs("chromium"),
    pytest.mark.soak,
    pytest.mark.timeout(300),
]
ANSWERED_S = 9.0
"""Silence after each question: the longest answer takes seven seconds."""
SCRIPT = {
    "What is your name?": "I am a very small test assistant, trained from nothing on one machine.",
    "What are your opening hours?": (
        "We are open from nine in the morning to five in the afternoon, Monday to Friday."
    ),
    "What is your address?": "Our office is at twelve Harbour Street, next to the library.",
    "How much does it cost?": "The basic plan costs ten dollars a month. The first month is free.",
    "Where is my order?": "Your parcel was sent yesterday and should arrive in two days.",
    "Tell me a joke.": "Why did the computer go to the doctor? Because it had a virus.",
    "Count to ten.": "One, two, three, four, five, six, seven, eight, nine, ten.",
    "Do you take credit cards?": "You can pay by card or by bank transfer.",
    "Reset my password.": (
        "Open the login page, press forgot password, and follow the link in the mail."
    ),
    "How are you?": "I am fine, thank you for asking. What can I do for you?",
}
"""Such as have no "I" in them: these ears write it small, and the scripted model never saw that."""


@contextmanager
def answering() -> Iterator[str]:
    """A llama-server with the scripted Gemma: its address, up to and including /v1."""
    program, port = llama_server.find(), llama_server.free_port()
    assert program is not None
    with subprocess.Popen(
        [program, "-m", str(llama_server.FAQ), "-np", "2", "-c", "8192", "--port", str(port),
         "-t", "1", "--fit", "off", "--no-webui"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert any(llama_server.READY in line for line in server.stdout)
        with ThreadPoolExecutor(1) as reader:
            reader.submit(server.stdout.read)
            try:
                yield f"http://127.0.0.1:{port}/v1"
            finally:
                server.terminate()


def tape_of(file: Path, *questions: str) -> Path:
    pieces = [np.zeros(round(2.0 * TAPE_HZ), np.float32)]
    for one in asyncio.run(spoken(*questions)):
        pcm = one.pcm.astype(np.float32) / 32768
        pieces.append(soxr.resample(pcm, MICROPHONE_RATE_HZ, TAPE_HZ))
        pieces.append(np.zeros(round(ANSWERED_S * TAPE_HZ), np.float32))
    soundfile.write(file, np.concatenate([*pieces, np.zeros(60 * TAPE_HZ)]), TAPE_HZ)
    return file


def test_ten_questions_get_ten_right_answers_on_the_page(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "questions.wav", *SCRIPT)
    ears = {"STT_ENGINE": "faster-whisper", "STT_MODEL": str(TINY_WHISPER)}
    model = {"LLM_MODEL": "faq", "LLM_TEMPERATURE": "0", "LLM_SYSTEM_PROMPT": SYSTEM_PROMPT}
    with (
        answering() as llm,
        running(tmp_path, **ears, **model, LLM_BASE_URL=llm) as address,
        sync_playwright() as playwright,
        chromium(playwright, ALLOWED, plays(tape)) as browser,
    ):
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#count")).to_have_text("10", timeout=200_000)
        expect(page.locator("#word")).to_have_text("listening", timeout=15_000)
        heard = page.locator("#lines .you p").all_inner_texts()
        answers = page.locator("#lines .bot p").all_inner_texts()

    assert [words(each) for each in heard] == [words(each) for each in SCRIPT]
    assert answers == list(SCRIPT.values())
