"""A whole conversation as one processor of somebody else's pipeline, on virtual time."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputTextRawFrame,
    InterruptionFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from halfsecond import Halfsecond, Policies, Services
from pipelines.cascade import Call
from pipelines.core.hearing.inbox import EVENTS
from pipelines.services.protocols import EAR_RATE_HZ
from replay.virtual_time import run
from tests.pipelines.services.scripted import (
    ScriptedLanguageModel,
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    ScriptedVoice,
    ToneSpeech,
    paced,
)

QUESTION = "what time is it?"
ANSWER = "It is noon, and the sun stands high above the roofs of the town."
FRAME = EAR_RATE_HZ // 50


@dataclass
class Stranger(FrameProcessor):
    """Behind us in the pipeline: keeps what comes, and when."""

    came: list[tuple[float, Frame]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = object.__hash__

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.came.append((asyncio.get_running_loop().time(), frame))
        await self.push_frame(frame, direction)

    def of(self, kind: type[Frame]) -> list[tuple[float, Frame]]:
        return [(at, frame) for at, frame in self.came if isinstance(frame, kind)]

    def texts(self, kind: type[Frame]) -> list[str]:
        return [frame.text for _, frame in self.of(kind)]  # type: ignore[attr-defined]


VOICE = (TTSStartedFrame, TTSAudioRawFrame, TTSStoppedFrame)
TURNS = (UserStartedSpeakingFrame, UserStoppedSpeakingFrame)
Does = Callable[[PipelineWorker], Awaitable[None]]


def conversation(
    does: Does, said: str = "", answer: str = ANSWER, times: int = 1
) -> tuple[Stranger, list[object]]:
    """Returns the frames that came out of it, and the rows of its turns.

    `times`: so often the microphone's rate is the pipeline's, in stereo.
    """
    rows: list[object] = []
    stranger = Stranger()

    async def play() -> None:
        tones = ToneSpeech(said)
        services = Services(
            new_vad=ScriptedVad,
            stt=ScriptedSpeechToText(tones.heard),
            turn=ScriptedTurnModel(lambda audio: 0.95),
            llm=ScriptedLanguageModel(lambda messages: paced(answer)),
            tts=ScriptedVoice(),
        )
        for service in (services.llm, services.stt, services.turn, services.tts):
            await service.open()
        bot = Halfsecond(services, Policies())

        async def keep(_bot: FrameProcessor, row: object) -> None:
            rows.append(row)

        bot.add_event_handler("on_turn_measured", keep)
        worker = PipelineWorker(
            Pipeline([bot, stranger]),
            params=PipelineParams(audio_in_sample_rate=EAR_RATE_HZ, audio_out_sample_rate=24_000),
            enable_rtvi=False,
            idle_timeout_secs=None,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.ensure_future(runner.run())
        await asyncio.sleep(0.1)
        sound = (tones.spoken(said) * 32767).astype(np.int16) if said else np.zeros(0, np.int16)
        speaking = asyncio.ensure_future(_speak(worker, sound, times))
        await does(worker)
        speaking.cancel()
        await runner.cancel()
        await running
        left = {task.get_name() for task in asyncio.all_tasks()} - {"Task-1"}
        assert not {name for name in left if "Halfsecond" in name}

    run(play())
    return stranger, rows


async def _speak(worker: PipelineWorker, sound: np.ndarray, times: int) -> None:
    """From 1 s on; a microphone is never done."""
    silence = np.zeros(EAR_RATE_HZ, np.int16)
    tape = np.concatenate((silence, sound, *([silence] * 12)))
    for at in range(0, len(tape) - FRAME, FRAME):
        await asyncio.sleep(0.02)
        channels = 1 if times == 1 else 2
        pcm = np.repeat(tape[at : at + FRAME], times * channels)
        frame = InputAudioRawFrame(pcm.tobytes(), times * EAR_RATE_HZ, channels)
        await worker.queue_frame(frame)


async def listen(worker: PipelineWorker) -> None:
    await asyncio.sleep(8.0)


def test_a_question_is_transcribed_and_answered_in_stock_frames() -> None:
    stranger, rows = conversation(listen, QUESTION)

    assert stranger.texts(TranscriptionFrame)[-1] == QUESTION
    assert " ".join(stranger.texts(TTSTextFrame)) == ANSWER
    started, stopped = (
        stranger.of(kind)[0][0] for kind in (UserStartedSpeakingFrame, UserStoppedSpeakingFrame)
    )
    (first_s, sound), *_ = stranger.of(TTSAudioRawFrame)
    assert started < stopped <= first_s
    assert isinstance(sound, TTSAudioRawFrame)
    assert sound.sample_rate == 24_000
    assert len(rows) == 1


def test_sound_comes_at_the_pace_at_which_it_is_heard() -> None:
    stranger, _ = conversation(listen, QUESTION)
    sounds = [(at, len(f.audio) / 2 / 24_000) for at, f in stranger.of(TTSAudioRawFrame)]  # type: ignore[attr-defined]
    begun_s, sent_s = sounds[0][0], 0.0
    for at, seconds in sounds:
        sent_s += seconds
        assert sent_s - (at - begun_s) < 0.1


def test_what_is_typed_interrupts_what_the_bot_was_told_to_say() -> None:
    async def does(worker: PipelineWorker) -> None:
        await worker.queue_frame(TTSSpeakFrame("Once upon a time there was a miller. " * 4))
        await asyncio.sleep(2.0)
        await worker.queue_frame(InputTextRawFrame("And now?"))
        await asyncio.sleep(8.0)

    stranger, _ = conversation(does)
    (interrupted_s, _), *_ = stranger.of(InterruptionFrame)
    said = " ".join(stranger.texts(TTSTextFrame))
    assert said.startswith("Once upon a time")
    assert said.endswith(ANSWER)
    assert (
        stranger.of(TTSAudioRawFrame)[0][0] < interrupted_s < stranger.of(TTSAudioRawFrame)[-1][0]
    )


def test_a_microphone_of_another_rate_is_heard() -> None:
    stranger, _ = conversation(listen, QUESTION, times=2)
    assert stranger.texts(TranscriptionFrame)[-1] == QUESTION


def test_the_bots_sound_lies_between_started_and_stopped() -> None:
    stranger, _ = conversation(listen, QUESTION)
    kinds = [kind for _, frame in stranger.came if (kind := type(frame)) in VOICE]
    assert kinds[0] is TTSStartedFrame
    assert kinds[-1] is TTSStoppedFrame
    assert kinds.count(TTSStartedFrame) == kinds.count(TTSStoppedFrame) == 1


def test_a_listeners_mhm_ends_as_it_began() -> None:
    """The bot goes on after it, and the person has stopped speaking all the same."""
    story = "Once upon a time there was a miller who had three sons and a mill by the river. " * 2

    async def does(worker: PipelineWorker) -> None:
        await worker.queue_frame(TTSSpeakFrame(story))
        await asyncio.sleep(14.0)

    stranger, _ = conversation(does, "mhm")
    kinds = [kind for _, frame in stranger.came if (kind := type(frame)) in TURNS]
    assert kinds == [UserStartedSpeakingFrame, UserStoppedSpeakingFrame]


def test_an_interruption_from_elsewhere_silences_the_bot() -> None:
    async def does(worker: PipelineWorker) -> None:
        await worker.queue_frame(TTSSpeakFrame("Once upon a time there was a miller. " * 4))
        await asyncio.sleep(2.0)
        await worker.queue_frame(InterruptionFrame())
        await asyncio.sleep(4.0)

    stranger, _ = conversation(does)
    interrupted_s = stranger.of(InterruptionFrame)[0][0]
    assert stranger.of(TTSAudioRawFrame)[-1][0] <= interrupted_s + 0.05


def test_a_pipeline_that_ends_waits_for_the_last_word() -> None:
    goodbye = "Thank you for your call, and goodbye."

    async def does(worker: PipelineWorker) -> None:
        await worker.queue_frames([TTSSpeakFrame(goodbye), EndFrame()])
        await asyncio.sleep(6.0)

    stranger, _ = conversation(does)
    assert " ".join(stranger.texts(TTSTextFrame)) == goodbye
    kinds = [kind for _, frame in stranger.came if (kind := type(frame)) in (*VOICE, EndFrame)]
    assert kinds[-2:] == [TTSStoppedFrame, EndFrame]


def test_a_conversation_that_breaks_ends_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(call: Call) -> None:
        raise OSError("broken")

    monkeypatch.setattr(Call, "run", breaks)
    stranger, _ = conversation(listen)
    assert len(stranger.of(EndFrame)) == 1


def test_a_call_that_is_past_keeping_up_breaks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears nothing more, and each event after that is no error of its own."""

    async def hangs(call: Call) -> None:
        await asyncio.Event().wait()

    async def does(worker: PipelineWorker) -> None:
        for _ in range(EVENTS + 100):
            await worker.queue_frame(InputTextRawFrame("And now?"))
        await asyncio.sleep(2.0)

    errors: list[str] = []
    sink = logger.add(lambda line: errors.append(str(line)), level="ERROR")
    monkeypatch.setattr(Call, "run", hangs)
    try:
        stranger, _ = conversation(does)
    finally:
        logger.remove(sink)

    assert len(errors) == 1
    assert "the conversation broke" in errors[0]
    assert len(stranger.of(EndFrame)) == 1


def test_a_call_that_has_ended_is_told_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[object] = []

    async def ends(call: Call) -> None: ...

    monkeypatch.setattr(Call, "run", ends)
    monkeypatch.setattr(Call, "push", lambda call, event: pushed.append(event))
    conversation(listen)
    assert len(pushed) <= 1


def test_it_stands_without_the_server_around_it() -> None:
    """A Pipecat user's own file is usually called bot.py."""
    code = "import sys, halfsecond; assert not {'bot', 'client', 'replay'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
