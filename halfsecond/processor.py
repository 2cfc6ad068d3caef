"""One Pipecat processor: stock audio frames in, stock text, audio and interruptions out.

A stock transport does not say what its listener has heard: here that goes by the clock, and the
history marks it as estimated.
"""

import asyncio
import contextlib
from collections import deque

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    EndWorkerFrame,
    Frame,
    InputAudioRawFrame,
    InputTextRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.time import time_now_iso8601

from pipelines.audio.mono_stream import MonoStream
from pipelines.cascade import Call, CallFormat, Policies, Services
from pipelines.core.exchange import (
    AudioIn,
    AudioOut,
    CallState,
    Caption,
    Flush,
    FromCaller,
    Say,
    StateChanged,
    StopSpeaking,
    ToCaller,
    TurnMeasured,
    Typed,
)

TURN_MEASURED = "on_turn_measured"
LAST_WORDS_S = 30.0
"""An `EndFrame` waits so long at most for what the bot is saying, or was told to say."""
LEAD_S = 0.06
"""How far ahead of the clock sound is pushed: a transport sends in pieces of 40 ms."""


class Halfsecond(FrameProcessor):
    """A conversation. `add_event_handler("on_turn_measured", ...)` is given each turn's ledger row.

    In: audio of any rate; `TTSSpeakFrame`, to have something said; `InputTextRawFrame`, for what
    was typed; `InterruptionFrame`, to be silent. An `EndFrame` waits for the bot's last word.
    Out: transcriptions, the bot's text and audio, interruptions, and who is speaking.
    """

    def __init__(self, services: Services, policies: Policies | None = None) -> None:
        """`services` are open, and may serve any number of conversations."""
        super().__init__()
        self._services = services
        self._policies = policies
        self._rate_hz = 0
        self._microphone = MonoStream(0)
        self._call: Call | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._going: deque[Frame] = deque()
        """Half a minute of sound at most: the call paces it."""
        self._wake = asyncio.Event()
        self._state: CallState = "listening"
        self._is_overrun = asyncio.Event()
        """The call is past keeping up with what it is told."""
        self._is_sounding = False
        """Sound was pushed since the bot last fell silent."""
        self._has_said = asyncio.Event()
        """The bot says nothing, and has nothing to say."""
        self._has_said.set()
        self._register_event_handler(TURN_MEASURED)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case StartFrame():
                await self.push_frame(frame, direction)
                self._begin()
                return
            case EndFrame():
                await self._finish()
            case CancelFrame():
                await self._end()
            case InterruptionFrame():
                self._tell(StopSpeaking())
            case InputAudioRawFrame(audio=audio):
                pcm = self._microphone.feed(audio, frame.sample_rate, frame.num_channels)
                self._tell(AudioIn(pcm.tobytes()))
            case TTSSpeakFrame(text=text):
                if self._call is not None:
                    self._has_said.clear()
                self._tell(Say(text))
                return
            case InputTextRawFrame(text=text):
                self._tell(Typed(text))
                return
            case _:
                pass
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        await self._end()
        await super().cleanup()  # type: ignore[no-untyped-call]

    def _begin(self) -> None:
        in_rate_hz = self.processor_setup.audio_in_sample_rate
        self._rate_hz = self.processor_setup.audio_out_sample_rate
        self._microphone = MonoStream(in_rate_hz)
        form = CallFormat(in_rate_hz=in_rate_hz, out_rate_hz=self._rate_hz, lead_s=LEAD_S)
        self._call = Call(self._services, form, self._take, self._policies)
        self._tasks = [self.create_task(self._run(self._call)), self.create_task(self._push())]

    async def _run(self, call: Call) -> None:
        """Until the bot has hung up; the pipeline ends with it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_raise_when(self._is_overrun))
                await call.run()
                watching.cancel()
        except Exception as error:  # noqa: BLE001 - nobody is to be left in silence
            await self.push_error("the conversation broke", exception=error)
        self._call = None
        self._has_said.set()
        await self.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)

    async def _finish(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._has_said.wait()
        await self._end()

    async def _end(self) -> None:
        tasks, self._tasks, self._call = self._tasks, [], None
        for task in tasks:
            await self.cancel_task(task)

    def _tell(self, event: FromCaller) -> None:
        if self._call is None:
            return
        try:
            self._call.push(event)
        except asyncio.QueueFull:
            self._call = None
            self._is_overrun.set()

    # ---- what the call sends ----

    def _take(self, message: ToCaller) -> None:
        match message:
            case AudioOut(pcm, tell=tell):
                if not self._is_sounding:
                    self._is_sounding = True
                    self._send(TTSStartedFrame())
                self._send(TTSAudioRawFrame(pcm, self._rate_hz, 1))
                if tell:
                    self._tell(message.sent(self.get_event_loop().time()))
            case Flush():
                self._going = deque(one for one in self._going if not _is_sound(one))
                self._send(InterruptionFrame())
            case Caption("user", text, final):
                self._send(_transcription(text, final=final))
            case Caption("bot", text, False):
                self._send(TTSTextFrame(text, "sentence"))
            case StateChanged(state):
                self._change(state)
            case TurnMeasured(row):
                self.create_task(self._call_event_handler(TURN_MEASURED, dict(row)))
            case _:
                pass

    def _change(self, state: CallState) -> None:
        before, self._state = self._state, state
        if self._is_sounding and state != "speaking":
            self._is_sounding = False
            self._send(TTSStoppedFrame())
        if before == "hearing":
            self._send(UserStoppedSpeakingFrame())
        if state == "hearing":
            self._send(UserStartedSpeakingFrame())
        if state in ("thinking", "speaking"):
            self._has_said.clear()
        else:
            self._has_said.set()

    def _send(self, frame: Frame) -> None:
        self._going.append(frame)
        self._wake.set()

    async def _push(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._going:
                await self.push_frame(self._going.popleft())


async def _raise_when(overrun: asyncio.Event) -> None:
    await overrun.wait()
    raise asyncio.QueueFull("more came to the call than it can keep up with")


def _is_sound(frame: Frame) -> bool:
    return isinstance(frame, TTSAudioRawFrame | TTSTextFrame)


def _transcription(text: str, *, final: bool) -> Frame:
    kind = TranscriptionFrame if final else InterimTranscriptionFrame
    return kind(text, "", time_now_iso8601())
