"""When the VAD is asked: as soon as its chunk is there, whoever speaks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest
from pipecat.frames.frames import InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner

from pipelines.core.commands import ScoreTurn
from pipelines.core.events import TurnScored
from pipelines.core.hearing.signal import EarSignal
from pipelines.services.protocols import EAR_RATE_HZ, VAD_CHUNK, Samples
from pipelines.stages.hearing import Hearing
from replay.virtual_time import run
from tests.pipelines.services.scripted import ScriptedSpeechToText, ScriptedTurnModel

FRAME = EAR_RATE_HZ // 50
FRAMES = 50


def sound(pcm: bytes) -> InputAudioRawFrame:
    return InputAudioRawFrame(pcm, EAR_RATE_HZ, 1)


class CountingVad:
    def __init__(self) -> None:
        self.chunks: list[Samples] = []

    def reset(self) -> None: ...

    def probability(self, chunk: Samples) -> float:
        self.chunks.append(chunk)
        return 0.0


@asynccontextmanager
async def heard_by(hearing: Hearing) -> AsyncIterator[PipelineWorker]:
    worker = PipelineWorker(
        Pipeline([hearing]), enable_rtvi=False, enable_turn_tracking=False, idle_timeout_secs=None
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.ensure_future(runner.run())
    await asyncio.sleep(0.1)
    yield worker
    await runner.cancel()
    await running


@asynccontextmanager
async def listening(
    vad: CountingVad, signal: EarSignal | None = None
) -> AsyncIterator[PipelineWorker]:
    stt, turn = ScriptedSpeechToText(lambda _: ""), ScriptedTurnModel(lambda _: 0.0)
    signal = signal or EarSignal(EAR_RATE_HZ, EAR_RATE_HZ)
    async with heard_by(Hearing(signal, vad, stt, turn, lambda fact: None)) as worker:
        yield worker


async def asked_after_each_frame(vad: CountingVad, *, bot_begins: int | None) -> list[int]:
    draw = np.random.default_rng(3)
    frames = [(3000 * draw.standard_normal(FRAME)).astype("<i2").tobytes() for _ in range(FRAMES)]
    asked, signal = [], EarSignal(EAR_RATE_HZ, EAR_RATE_HZ)
    async with listening(vad, signal) as worker:
        for number, frame in enumerate(frames):
            if number == bot_begins:
                now = asyncio.get_running_loop().time()
                signal.bot_plays(np.zeros(2 * EAR_RATE_HZ, np.int16), now, now)
            await worker.queue_frame(sound(frame))
            await asyncio.sleep(0.02)
            asked.append(len(vad.chunks))
    return asked


@pytest.mark.parametrize("bot_begins", [None, 0, 7])
def test_the_vad_is_asked_as_soon_as_its_chunk_is_there(bot_begins: int | None) -> None:
    asked = run(asked_after_each_frame(CountingVad(), bot_begins=bot_begins))

    assert asked == [FRAME * (number + 1) // VAD_CHUNK for number in range(FRAMES)]


def test_the_vad_hears_the_same_in_pieces_of_any_length() -> None:
    silent, spoken_over = CountingVad(), CountingVad()
    run(asked_after_each_frame(silent, bot_begins=None))
    run(asked_after_each_frame(spoken_over, bot_begins=FRAMES - 1))

    np.testing.assert_allclose(
        np.concatenate(silent.chunks[:30]), np.concatenate(spoken_over.chunks[:30])
    )


# ---- silence that is made up ----


class HearingVad(CountingVad):
    """Gives each chunk the probability that `chance` has for its number."""

    def __init__(self, chance: Callable[[int], float]) -> None:
        super().__init__()
        self._chance = chance

    def probability(self, chunk: Samples) -> float:
        super().probability(chunk)
        return self._chance(len(self.chunks))


async def asked_of_nobody(vad: CountingVad, seconds: float) -> int:
    """How often the VAD is asked about a second of sound and so much of nothing after it."""
    async with listening(vad) as worker:
        for _ in range(50):
            await worker.queue_frame(sound(bytes(2 * FRAME)))
            await asyncio.sleep(0.02)
        await asyncio.sleep(seconds)
        return len(vad.chunks)


@pytest.mark.parametrize("seconds", [2.0, 30.0])
def test_a_caller_who_has_vanished_is_not_listened_to_on_and_on(seconds: float) -> None:
    assert run(asked_of_nobody(CountingVad(), seconds)) <= 31 + 8


def test_the_vad_is_asked_until_it_has_fallen_for_good() -> None:
    vad = HearingVad(lambda number: 0.5 if number < 60 and number % 5 == 0 else 0.0)
    assert 55 + 8 <= run(asked_of_nobody(vad, 30.0)) <= 60 + 8


def test_sound_that_comes_again_is_listened_to_at_once() -> None:
    async def scenario() -> tuple[int, int]:
        vad = CountingVad()
        async with listening(vad) as worker:
            for _ in range(50):
                await worker.queue_frame(sound(bytes(2 * FRAME)))
                await asyncio.sleep(0.02)
            await asyncio.sleep(10.0)
            before = len(vad.chunks)
            for _ in range(50):
                await worker.queue_frame(sound(b"\1\2" * FRAME))
                await asyncio.sleep(0.02)
            return before, len(vad.chunks)

    before, after = run(scenario())
    assert after - before >= 30


def test_silence_that_is_sent_is_listened_to() -> None:
    async def scenario() -> int:
        vad = CountingVad()
        async with listening(vad) as worker:
            for _ in range(500):
                await worker.queue_frame(sound(bytes(2 * FRAME)))
                await asyncio.sleep(0.02)
            return len(vad.chunks)

    assert run(scenario()) == 500 * FRAME // VAD_CHUNK


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_made_up_silence_is_as_long_and_as_quiet_as_any(rate_hz: int) -> None:
    """The way on which nothing is computed, and the way of sound."""
    draw = np.random.default_rng(1)
    noise = (3000 * draw.standard_normal(rate_hz)).astype(np.int16)
    made_up, sent = EarSignal(rate_hz, 24_000), EarSignal(rate_hz, 24_000)
    for signal in (made_up, sent):
        signal.take(noise, 1.0, None)
    starved = made_up.starve(4.0)
    given = sent.take(np.zeros(3 * rate_hz, np.int16), 4.0, None)
    assert starved[0].made_up
    assert not given[0].made_up
    for one, other in ((starved, given), (made_up.starve(5.0), None)):
        levels = np.array(one[0].levels)
        if other is not None:
            assert levels == pytest.approx(np.array(other[0].levels), abs=1e-6)
            np.testing.assert_array_equal(one[0].chunks, other[0].chunks)
        else:
            assert len(levels) == pytest.approx(100, abs=1)
            assert levels.max() <= -119.9
    assert made_up.media_s == pytest.approx(5.0, abs=0.02)
    assert not made_up.between(4.0, 5.0).any()


# ---- long pieces, and what comes late ----


async def heard_of_bot(piece_s: float) -> tuple[float, float]:
    """The power that the VAD is given and is not, of a microphone that hears the bot alone."""
    draw, vad = np.random.default_rng(5), CountingVad()
    bot = (3000 * draw.standard_normal(8 * EAR_RATE_HZ)).astype("<i2")
    delay, size = round(0.08 * EAR_RATE_HZ), round(piece_s * EAR_RATE_HZ)
    microphone = np.concatenate([np.zeros(delay), 0.3 * bot]).astype("<i2")
    signal = EarSignal(EAR_RATE_HZ, EAR_RATE_HZ)
    async with listening(vad, signal) as worker:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for frame in range(8 * 50):
            at_s = began + 0.02 * frame
            await asyncio.sleep(at_s - loop.time())
            if frame * FRAME % size == 0 and frame:
                piece = microphone[frame * FRAME - size : frame * FRAME]
                await worker.queue_frame(sound(piece.tobytes()))
            signal.bot_plays(bot[frame * FRAME : (frame + 1) * FRAME], at_s, loop.time())
        await asyncio.sleep(0.1)
    left = np.concatenate(vad.chunks)[4 * EAR_RATE_HZ : 6 * EAR_RATE_HZ]
    return float(np.mean(left**2)), float(np.mean((0.3 * bot / 32768) ** 2))


@pytest.mark.parametrize("piece_s", [0.02, 0.1, 0.5, 1.0])
def test_the_bot_does_not_hear_itself_in_pieces_of_any_length(piece_s: float) -> None:
    left, came = run(heard_of_bot(piece_s))

    assert left < 0.01 * came


@pytest.mark.parametrize("stalled_s", [0.5, 2.0, 8.0])
def test_audio_that_comes_late_is_heard_in_order(stalled_s: float) -> None:
    vad = CountingVad()
    ramp = np.arange(300 * FRAME) % 20_000

    async def stalls() -> None:
        pieces = iter(ramp.astype("<i2").reshape(-1, FRAME))
        async with listening(vad) as worker:
            for _ in range(100):
                await worker.queue_frame(sound(next(pieces).tobytes()))
                await asyncio.sleep(0.02)
            await asyncio.sleep(stalled_s)
            for _ in range(200):
                await worker.queue_frame(sound(next(pieces).tobytes()))
            await asyncio.sleep(0.1)

    run(stalls())

    heard = sum(map(len, vad.chunks))
    filled = 9 * VAD_CHUNK  # of silence that is made up little is judged
    assert 300 * FRAME - VAD_CHUNK <= heard <= 300 * FRAME + filled


# ---- the turn model ----


class SlowTurnModel:
    """Takes `takes_s` for each question, and notes when it was asked."""

    def __init__(self, takes_s: float) -> None:
        self.takes_s = takes_s
        self.asked: list[float] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probability(self, audio: Samples) -> float:
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s)
        return 0.5


async def scored(takes_s: float, *wanted: tuple[float, float]) -> tuple[list[float], list[float]]:
    """`wanted`: when, and the pause to ask about. When it was asked, and the pauses told."""
    told: list[float] = []

    def tell(fact: object) -> None:
        if isinstance(fact, TurnScored):
            told.append(fact.paused_s)

    model, stt = SlowTurnModel(takes_s), ScriptedSpeechToText(lambda _: "")
    hearing = Hearing(EarSignal(EAR_RATE_HZ, EAR_RATE_HZ), CountingVad(), stt, model, tell)
    async with heard_by(hearing):
        now = asyncio.get_running_loop().time
        began = now()
        for at_s, paused_s in wanted:
            await asyncio.sleep(began + at_s - now())
            hearing.obey(ScoreTurn(paused_s))
        await asyncio.sleep(5 * takes_s)
    return [round(at - began, 3) for at in model.asked], told


@pytest.mark.parametrize(
    ("wanted", "asked", "told"),
    [
        ([(0.0, 1.0)], [0.0], [1.0]),
        ([(0.0, 1.0), (0.3, 1.0)], [0.0, 0.3], [1.0, 1.0]),
        ([(0.0, 1.0), (0.14, 1.0)], [0.0, 0.2], [1.0, 1.0]),
        ([(0.0, 1.0), (0.05, 1.0), (0.1, 1.0), (0.15, 1.0)], [0.0, 0.2], [1.0, 1.0]),
        ([(0.0, 1.0), (0.14, 1.0), (0.28, 1.0)], [0.0, 0.2, 0.4], [1.0, 1.0, 1.0]),
        ([(0.0, 1.0), (0.1, 1.0), (0.15, 2.0)], [0.0, 0.2], [1.0, 2.0]),
    ],
    ids=["once", "in time", "too soon", "much too soon", "always too soon", "the next pause"],
)
def test_a_slow_turn_model_is_asked_again_as_soon_as_it_has_answered(
    wanted: list[tuple[float, float]], asked: list[float], told: list[float]
) -> None:
    assert run(scored(0.2, *wanted)) == (asked, told)
