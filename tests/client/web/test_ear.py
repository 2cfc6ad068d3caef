"""The page's sound, found again in Chromium's own output, against what the server says.

Five times a recording speaks over a story that the stub voice tells: a tone, whose first sample is
audible, and in which a word has its place by the count of its letters.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest
import soundfile
from playwright.sync_api import Page, Playwright, expect

from pipelines.audio.audible import AUDIBLE_DBFS
from pipelines.services.tts.tts_stub import CHARACTER_S
from tests.client.web.acting import until
from tests.client.web.browser import ALLOWED, RECORDINGS, chromium, plays, record_tape
from tests.client.web.running import running
from tests.client.web.tap import Tap, later_by
from tests.client.web.wire import Wire, wire

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.soak]

TIMES = 5
OBJECTION = "command_go_forward"
BETWEEN_S = 13.0
"""For the answer to the objection, and the story to be well under way again."""

APART_S = 0.3
"""Between two answers, or two objections."""


PAUSE_S = 0.1
"""Within the story: it was told to be silent."""

CLAUSES_S = 0.5
"""The blanks between clauses are in the text, and not in the sound; the last word is cut."""

TRUE_TO_S = 0.02
"""At the median: on a busy machine the kernel brings a frame late to the wire between the two."""

FRAME_BYTES = 960
"""20 ms of audio; no caption, and no state, is so long."""


@dataclass
class Call:
    page: Page
    tap: Tap
    line: Wire


@pytest.fixture(scope="module")
def call(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """In which everything has been said; the page is still there."""
    folder = tmp_path_factory.mktemp("ear")
    tape = record_tape(folder / "tape.wav", 8.0, *(OBJECTION, BETWEEN_S) * TIMES, 60.0)
    with (
        running(folder, TTS_ENGINE="stub") as address,
        wire(urlsplit(address).port or 0) as line,
        chromium(playwright, ALLOWED, plays(tape)) as browser,
    ):
        page = browser.new_page(bypass_csp=True)
        call = Call(page, Tap(page), line)
        page.goto(line.url)
        page.get_by_role("button", name="Start talking").click()
        expect(page.locator("#word")).to_have_text("listening", timeout=15_000)
        for time in range(TIMES):
            page.locator("#text").fill("Tell me a long story.")
            page.keyboard.press("Enter")
            until(page, lambda done=time: len(told(call)) > done)  # type: ignore[misc]
            until(page, lambda: page.locator("#word").inner_text() == "speaking")
            expect(page.locator("#word")).to_have_text("listening", timeout=15_000)
        yield call


def told(call: Call) -> list[tuple[float, dict[str, str]]]:
    return call.tap.server_messages("cut-off")


def onsets(call: Call) -> list[float]:
    """When each objection began, by its label, in the microphone."""
    labels = json.loads((RECORDINGS / "labels.json").read_text())
    [label] = (one for one in labels["recordings"] if Path(one["file"]).stem == OBJECTION)
    pcm, rate_hz = soundfile.read(RECORDINGS / f"{OBJECTION}.wav", dtype="float32")
    first_loud_s = float((abs(pcm) > 10 ** (AUDIBLE_DBFS / 20)).argmax()) / rate_hz
    late_s = label["turns"][0]["start_s"] - first_loud_s
    return [sound.start_s + late_s for sound in call.tap.sounds("microphone", 3.0)]


def test_a_voice_silences_the_page_before_the_server_has_judged(call: Call) -> None:
    began, silent = onsets(call), []
    for onset in began:
        sound = next(s for s in call.tap.sounds("speaker", PAUSE_S) if s.end_s > onset)
        silent.append(sound.end_s - onset)
    flushes = [at for at, _ in call.tap.server_messages("flush")]
    figures = " ".join(f"{1000 * one:.0f}" for one in silent)
    print(f"\nsilent after, ms: {figures}; median {1000 * median(silent):.0f}", file=sys.stderr)  # noqa: T201
    assert len(began) == len(told(call)) == TIMES
    for onset, silent_s, (cut, _) in zip(began, silent, told(call), strict=True):
        assert any(onset < flush < cut for flush in flushes)
        assert onset + silent_s < cut


def test_the_history_has_the_words_that_were_played_to_one_word(call: Call) -> None:
    asked = [at for at, said in call.tap.messages("user-transcription") if "story" in said["text"]]
    for cut, data in told(call):
        begun = max(at for at in asked if at < cut)
        sounds = call.tap.sounds("speaker", PAUSE_S)
        played_s = sum(s.end_s - s.start_s for s in sounds if begun < s.start_s < cut)
        word_s = CHARACTER_S * (max(map(len, data["heard"].split())) + 1)
        assert abs(len(data["heard"]) * CHARACTER_S - played_s) < word_s + CLAUSES_S


def test_the_time_to_the_ear_is_true_to_20_ms(call: Call) -> None:
    """Sent, as a wire has it between the two; heard, as Chromium says that it left the device."""
    tap, wrong = call.tap, []
    frames = [at for at, size in call.line.carried if size >= FRAME_BYTES]
    sent = [frames[i] for i in [0, *later_by(APART_S, frames)]]
    spoken = [tap.on_the_wall(sound.start_s) for sound in tap.sounds("speaker", APART_S)]
    for at, data in call.tap.server_messages("turn"):
        row = data["row"]
        assert row["end_measured_at"] == "client"
        begun = max(one for one in sent if one < tap.on_the_wall(at))
        heard = min(one for one in spoken if one > begun)
        wrong.append(row["segments"]["played"] - (heard - begun))
    figures = " ".join(f"{1000 * one:+.1f}" for one in wrong)
    print(f"\nledger against output, ms: {figures}", file=sys.stderr)  # noqa: T201
    assert len(wrong) >= TIMES
    assert median(map(abs, wrong)) < TRUE_TO_S
    assert min(wrong) > -TRUE_TO_S  # it may make a wait look longer, never shorter
