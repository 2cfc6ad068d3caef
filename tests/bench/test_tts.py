import asyncio
import io
import json
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator

import numpy as np
import pytest
from rich.console import Console

from bench.tts_measure import LENGTHS, TIMES, WORDS, Texts, measure, say, wanted, whole_rss_mb
from bench.tts_table import as_document, draw_first_audio, print_tables
from bot.settings import Settings, SettingsError
from bot.wiring.second_voice import VoiceChoice
from pipelines.services.protocols import SpeechChunk
from replay.virtual_time import run


class Slow:
    """First audio after 0.2 s, one text at a time; a second of speech takes it 0.1 s."""

    rate_hz = 16_000

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._free = asyncio.Lock()

    async def open(self) -> None:
        await asyncio.sleep(1.5)

    async def close(self) -> None: ...

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        self.texts.append(text)
        async with self._free:
            await asyncio.sleep(0.2)
            yield SpeechChunk(np.zeros(self.rate_hz, np.int16), trimmed_s=0.05)
            await asyncio.sleep(0.2)
            yield SpeechChunk(np.zeros(self.rate_hz, np.int16))


def test_what_is_measured_is_what_the_voice_does() -> None:
    voice = Slow()
    console = Console(file=io.StringIO())
    alone, cells = run(measure([VoiceChoice(voice, "slow", "")], [1, 4], 3, console))

    assert alone[0].opens_s == pytest.approx(1.5)
    assert alone[0].first_audio_s == pytest.approx(dict.fromkeys(LENGTHS, 0.2))
    assert (alone[0].rtf, alone[0].trimmed_s) == pytest.approx((0.2, 0.05))
    assert [one.calls for one in cells] == [1, 4]
    assert (cells[0].p50_s, cells[0].p95_s, cells[0].later_p95_s) == pytest.approx((0.2,) * 3)
    assert cells[1].p50_s > 0.6  # behind the other three
    assert len(voice.texts) == len(set(voice.texts)) == TIMES * len(LENGTHS) + 3 * 3 * (1 + 4)


def test_a_text_that_is_never_spoken_counts_to_its_end() -> None:
    class Silent(Slow):
        async def synthesise(
            self, text: str, *, first: bool = False
        ) -> AsyncGenerator[SpeechChunk, None]:
            await asyncio.sleep(0.3)
            chunks: tuple[SpeechChunk, ...] = ()
            for chunk in chunks:
                yield chunk

    said = run(say(Silent(), "hm"))
    assert (said.first_audio_s, said.whole_s, said.audio_s) == pytest.approx((0.3, 0.3, 0.0))


def test_no_text_is_said_twice() -> None:
    texts = Texts(random.Random(0))
    assert len({texts.new(1) for _ in WORDS}) == len(WORDS)


def test_it_is_told_as_tables_as_a_picture_and_as_json() -> None:
    console = Console(file=io.StringIO(), width=150)
    alone, cells = run(measure([VoiceChoice(Slow(), "slow <1>", "")], [1, 2], 1, console))
    print_tables(console, alone, cells)
    told = console.file.getvalue()  # type: ignore[attr-defined]

    assert "200.0 ms" in told
    assert "1.5 s" in told
    ET.fromstring(draw_first_audio(cells, "Voices & calls"))
    document = json.loads(json.dumps(as_document({"cores": 2}, alone, cells)))
    assert document["calls"][1]["calls"] == 2
    assert document["alone"][0]["engine"] == "slow <1>"


def test_without_a_name_all_that_are_here_are_measured(tmp_path: object) -> None:
    settings = Settings.model_validate({"models_dir": str(tmp_path)})
    assert [one.tts_engine for one in wanted(settings, (), None)] == ["espeak", "hibari", "stub"]
    named = wanted(settings, ["kokoro"], "folder")
    assert [(one.tts_engine, one.tts_model) for one in named] == [("kokoro", "folder")]
    with pytest.raises(SettingsError, match="TTS_ENGINE should be"):
        wanted(settings, ["festival"], None)


def test_the_memory_of_what_was_started_counts() -> None:
    program = "x = bytearray(50_000_000); print(flush=True); input()"
    before = whole_rss_mb()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert whole_rss_mb() - before > 40
        child.communicate(b"\n")
