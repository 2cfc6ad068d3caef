"""Stock Pipecat services as ears: what is left in the middle, what fails, and streaming ones."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import numpy as np
import pytest
from pipecat.frames.frames import (
    Frame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService

from pipelines.services.protocols import Samples, ServiceError, TranscriptionJob
from pipelines.services.stt.stt_pipecat import PipecatSpeechToText
from tests.pipelines.services.contracts.ears import TONE_TEXTS, TONES, stock_service
from tests.pipelines.services.contracts.leaks import run_leaving_nothing
from tests.pipelines.services.transcription_server import TranscriptionServer

FIRST, SECOND = TONE_TEXTS
Scenario = Callable[[TranscriptionServer, PipecatSpeechToText], Awaitable[None]]


def asked(text: str) -> TranscriptionJob:
    return TranscriptionJob(TONES.spoken(text), final=True)


def with_stock(scenario: Scenario, **changes: float) -> None:
    async def served() -> None:
        server = TranscriptionServer(TONES.heard)
        await server.open()
        given = {"lanes": 1, **changes}
        ears = PipecatSpeechToText(new_service=lambda: stock_service(server), **given)  # type: ignore[arg-type]
        await ears.open()
        try:
            await scenario(server, ears)
        finally:
            await ears.close()
            await server.close()

    run_leaving_nothing(served)


def test_the_words_of_a_job_that_was_left_never_come_with_the_next() -> None:
    async def scenario(server: TranscriptionServer, ears: PipecatSpeechToText) -> None:
        async with asyncio.TaskGroup() as tasks:
            left = tasks.create_task(ears.transcribe(asked(FIRST)))
            await server.asked.wait()
            left.cancel()
        assert (await ears.transcribe(asked(SECOND))).text == SECOND
        assert len(server.forms) == 2

    with_stock(scenario)


def test_what_the_server_refuses_is_an_error_and_the_lane_lives_on() -> None:
    async def scenario(server: TranscriptionServer, ears: PipecatSpeechToText) -> None:
        server.fails = [400]
        with pytest.raises(ServiceError) as error:
            await ears.transcribe(asked(FIRST))
        assert error.value.retryable
        assert (await ears.transcribe(asked(FIRST))).text == FIRST

    with_stock(scenario)


def test_a_segment_without_words_is_not_waited_for() -> None:
    async def scenario(server: TranscriptionServer, ears: PipecatSpeechToText) -> None:
        noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.01
        assert (await ears.transcribe(TranscriptionJob(noise))).text == ""
        assert len(server.forms) == 1

    with_stock(scenario, answer_s=60.0)


def test_two_lanes_ask_twice_at_once() -> None:
    async def scenario(server: TranscriptionServer, ears: PipecatSpeechToText) -> None:
        heard = await asyncio.gather(*(ears.transcribe(asked(FIRST)) for _ in range(6)))
        assert [each.text for each in heard] == [FIRST] * 6
        assert server.most_at_once <= 2

    with_stock(scenario, lanes=2)


def test_a_service_that_cannot_be_made_is_an_error_in_a_line() -> None:
    def broken() -> STTService:
        raise ValueError("no key")

    async def scenario() -> None:
        ears = PipecatSpeechToText(new_service=broken)
        with pytest.raises(ServiceError, match="stt: cannot be made: no key"):
            await ears.open()
        await ears.close()

    run_leaving_nothing(scenario)


class Streaming(STTService):
    """Hears all the time, as those do that keep a socket open: it says what it heard when the
    speech stops, a word a frame."""

    def __init__(self, *, marks_the_last: bool) -> None:
        super().__init__(settings=STTSettings(model=None, language=None), ttfs_p99_latency=0.1)
        self._marks_the_last = marks_the_last
        self._heard = bytearray()

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        self._heard += audio
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._heard.clear()
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            pcm = np.frombuffer(bytes(self._heard), "<i2")
            await self._say((pcm / 32768).astype(np.float32))

    async def _say(self, audio: Samples) -> None:
        words = TONES.heard(audio).split()
        for at, word in enumerate(words, start=1):
            last = self._marks_the_last and at == len(words)
            await self.push_frame(TranscriptionFrame(word, "", "", finalized=last))


@pytest.mark.parametrize("marks_the_last", [True, False])
def test_a_streaming_service_is_done_with_its_last_word_or_when_it_is_quiet(
    marks_the_last: bool,
) -> None:
    async def scenario() -> None:
        quiet_s = 60.0 if marks_the_last else 0.05
        ears = PipecatSpeechToText(
            new_service=lambda: Streaming(marks_the_last=marks_the_last),
            lanes=1,
            quiet_s=quiet_s,
            answer_s=60.0,
        )
        await ears.open()
        try:
            for text in (FIRST, SECOND, FIRST):
                assert (await ears.transcribe(asked(text))).text == text
        finally:
            await ears.close()

    run_leaving_nothing(scenario)


def test_a_streaming_lane_that_was_left_is_made_anew() -> None:
    made: list[Streaming] = []

    def new() -> Streaming:
        made.append(Streaming(marks_the_last=False))
        return made[-1]

    async def scenario() -> None:
        ears = PipecatSpeechToText(new_service=new, lanes=1, quiet_s=0.2)
        await ears.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                left = tasks.create_task(ears.transcribe(asked(FIRST)))
                for _ in range(5):
                    await asyncio.sleep(0)
                left.cancel()
            assert (await ears.transcribe(asked(SECOND))).text == SECOND
        finally:
            await ears.close()

    run_leaving_nothing(scenario)
    assert len(made) == 2
