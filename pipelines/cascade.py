"""The stages of a call, in order, on one screen; and the shell around the call's core."""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import structlog
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner

from pipelines.core.call import CallCore
from pipelines.core.commands import (
    AbortReply,
    ActAfterwards,
    Apologise,
    AskModel,
    CallCommand,
    CancelAnswer,
    CancelPreparation,
    CancelTool,
    CancelVoice,
    CloseReply,
    CountTokens,
    DropAudio,
    EndCall,
    FlushAudio,
    ForgetAct,
    OpenReply,
    PlayAudio,
    RunTool,
    ScoreTurn,
    SumUp,
    Transcribe,
    Utter,
    WarmPrompt,
)
from pipelines.core.events import (
    CallFact,
    CallOpened,
    CallStarted,
    DayBegan,
    SoundHeard,
    TimePassed,
)
from pipelines.core.exchange import (
    AnswerMeasured,
    AudioIn,
    CallBegan,
    Caption,
    Fault,
    FromCaller,
    Say,
    SoundLost,
    StateChanged,
    ToCaller,
    TurnMeasured,
)
from pipelines.core.hearing.inbox import Inbox
from pipelines.core.hearing.signal import EarSignal
from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.tools import Tool
from pipelines.core.policies import CallFormat as CallFormat
from pipelines.core.policies import Policies as Policies
from pipelines.core.recording import Noted, Recorder, Told
from pipelines.services.noting import Notes, recorded
from pipelines.services.protocols import (
    LanguageModel,
    PromptCache,
    SpeechToText,
    TextToSpeech,
    TurnModel,
    VoiceActivity,
)
from pipelines.services.tools.tools_builtin import hang_up
from pipelines.stages.hearing import Hearing
from pipelines.stages.phrasing import Phrasing
from pipelines.stages.playing import Playing
from pipelines.stages.speaking import Speaking
from pipelines.stages.thinking import Thinking
from pipelines.stages.tools import Tools
from pipelines.stages.turning import Turning

BURST_S = 0.5
"""So much sound waits only where it was held up: then more of it is about to come, ..."""
SETTLE_S = 0.05
SETTLED_S = 1.0
"""... and until it comes no faster than it is spoken, none is heard: the oldest may be too old."""
DAY_S = 1.0
"""How often the calendar is looked at, at most."""
AGAIN_S = 0.1
"""A deadline that could not be kept, because something raised, is tried again after this."""

log = structlog.get_logger(__name__)


STAGES = ("hearing", "turning", "thinking", "phrasing", "speaking", "playing")
PLACES = ("caller", *STAGES[:-1])
"""Places for processors of others: before the ears, and behind each stage but the last."""
Between: TypeAlias = Mapping[str, Sequence[FrameProcessor]]
"""Processors of others, by the one of `PLACES` at which they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The models, one of each for the process; only the VAD is made anew for each call."""

    new_vad: Callable[[], VoiceActivity]
    stt: SpeechToText
    turn: TurnModel
    llm: LanguageModel
    tts: TextToSpeech
    prompts: PromptCache | None = None
    """The language model's, where prompts are to be counted and made ready."""
    between: Callable[[], Between] = dict
    """Pipecat processors between the stages, made anew for each call."""

    def recorded(self, recorder: Recorder) -> "Services":
        """The same, for one call, whose questions and answers `recorder` is told of."""
        notes = Notes(recorder)
        return Services(
            new_vad=lambda: recorded(self.new_vad(), "vad", notes),
            stt=recorded(self.stt, "stt", notes),
            turn=recorded(self.turn, "turn", notes),
            llm=recorded(self.llm, "llm", notes),
            tts=recorded(self.tts, "tts", notes),
            prompts=self.prompts,
            between=self.between,
        )


class _Obedient(Protocol):
    def obey(self, command: Any) -> None: ...


class Call:
    """One conversation. `push` facts in; what is to be sent comes out of `send`."""

    def __init__(
        self,
        services: Services,
        form: CallFormat,
        send: Callable[[ToCaller], None],
        policies: Policies | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """`send` must not block: the connection queues, with a limit of its own.

        `recorder` is told of all that comes in, goes out and happens between, and of what the
        models are asked and answer.
        """
        policies = policies or Policies()
        self._recorder = recorder
        self._send = send
        self._over = asyncio.Event()
        self._has_ended = False
        """Nobody is on the line: what tools still tell is noted, and nothing follows from it."""
        self._today, self._day, self._day_due_s = policies.today, "", 0.0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._again_s = 0.0
        """No deadline is looked at before."""
        services = services if recorder is None else services.recorded(recorder)
        if policies.hangs_up:
            policies = replace(policies, tools=(hang_up(self._over.set), *policies.tools))
        self._core = self._new_core(policies, form, has_prompts=services.prompts is not None)
        self._pipeline = self._new_chain(services, form, [*policies.tools, *form.tools])
        self._in_rate_hz = form.in_rate_hz
        self._worker = PipelineWorker(
            self._pipeline,
            params=PipelineParams(
                audio_in_sample_rate=form.in_rate_hz, audio_out_sample_rate=form.out_rate_hz
            ),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        self._started = asyncio.Event()
        self._worker.add_event_handler("on_pipeline_started", self._begin)
        self._inbox = Inbox(form.in_rate_hz)
        self._came = asyncio.Event()
        announcements = form.announcements or policies.announcements
        if announcements.greeting:
            self.push(
                Say(announcements.greeting, must_be_heard=announcements.greeting_must_be_heard)
            )
        if policies.facts:
            self._send_noted(CallBegan(policies.facts, policies.budget.shares_s))

    @property
    def conversation(self) -> Conversation:
        return self._core.conversation

    def _new_core(self, policies: Policies, form: CallFormat, *, has_prompts: bool) -> CallCore:
        asks_model = policies.turn.asks_model
        opened = CallOpened(uuid.uuid4().hex, has_prompts, asks_model)
        now = self._loop.time()
        self._note(Told(opened), now)
        return CallCore(policies, form, opened, now=now, note=self._note)

    def _new_chain(self, services: Services, form: CallFormat, tools: Sequence[Tool]) -> Pipeline:
        signal, tell = EarSignal(form.in_rate_hz, form.out_rate_hz, form.stall_s), self._tell
        hearing = Hearing(signal, services.new_vad(), services.stt, services.turn, tell)
        turning = Turning()
        thinking = Thinking(services.llm, tell, services.prompts, [tool.schema for tool in tools])
        phrasing = Phrasing(tell)
        speaking = Speaking(services.tts, form.out_rate_hz, tell)
        playing = Playing(signal, form.out_rate_hz, self._send_noted, tell)
        self._tools = Tools(tools, thinking.create_task, tell)
        self._addressees = self._addressed(hearing, turning, thinking, speaking, playing)
        others = services.between()
        chain: list[FrameProcessor] = [*others.get("caller", ())]
        for name, stage in zip(
            STAGES, (hearing, turning, thinking, phrasing, speaking, playing), strict=True
        ):
            chain += [stage, *others.get(name, ())]
        return Pipeline(chain)

    def push(self, event: FromCaller) -> None:
        """Hand over what the person's side did; never blocks. Call it from the event loop.

        Raises QueueFull where the call is past keeping up.
        """
        if not self._inbox.put(event):
            raise asyncio.QueueFull
        self._came.set()
        if not isinstance(event, AudioIn):  # sound is noted once it is heard
            self._note(event)

    async def run(self) -> None:
        """Until cancelled, or until the bot ends the call. Leaves nothing behind."""
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(self._feed())
            running = tasks.create_task(runner.run())
            leaving = tasks.create_task(self._over.wait())
            try:
                await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._has_ended = True
                for task in (feeding, leaving):
                    task.cancel()
                if self._timer is not None:
                    self._timer.cancel()
                try:
                    await self._tools.close()
                    await runner.cancel()
                finally:
                    if self._recorder is not None:
                        self._recorder.close()

    # ---- facts and commands ----

    def _tell(self, fact: CallFact) -> None:
        """Decide, and hand each command to its one addressee. None of them tells a fact at once."""
        now = self._loop.time()
        if not isinstance(fact, SoundHeard) and now >= self._day_due_s:
            self._day_due_s = now + DAY_S
            with self._unbroken(fact):
                self._begin_day(self._today(), now)
        commands = self._decide(fact, now)
        if self._has_ended:
            return
        for command in commands:
            with self._unbroken(command):
                self._addressees[type(command)](command)
        self._arm()

    def _decide(self, fact: CallFact, now: float) -> list[CallCommand]:
        if self._recorder is not None:  # a fact comes with every 20 ms of sound
            self._note(Told(fact), now)
        commands: list[CallCommand] = []
        with self._unbroken(fact):
            commands = self._core.handle(fact, now)
        return commands or self._core.decided()

    def _begin_day(self, today: str, now: float) -> None:
        if today != self._day:
            self._day = today
            self._decide(DayBegan(today), now)

    @contextmanager
    def _unbroken(self, item: CallFact | CallCommand) -> Iterator[None]:
        """The call goes on, for somebody is on the line; so do the other commands."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a tool's promised act may raise anything
            if isinstance(item, TimePassed):
                self._again_s = self._loop.time() + AGAIN_S
            broken = {"message": f"{type(item).__name__} broke a call", "exception": error}
            self._loop.call_exception_handler(broken)

    def _addressed(
        self,
        hearing: Hearing,
        turning: Turning,
        thinking: Thinking,
        speaking: Speaking,
        playing: Playing,
    ) -> Mapping[type[CallCommand], Callable[[CallCommand], None]]:
        """Each command goes to one stage, and to no other."""
        table: dict[_Obedient, tuple[type[CallCommand], ...]] = {
            hearing: (Transcribe, ScoreTurn),
            turning: (OpenReply, AskModel, Utter, CloseReply, AbortReply),
            thinking: (CancelAnswer, CountTokens, SumUp, WarmPrompt, CancelPreparation),
            self._tools: (RunTool, CancelTool, ActAfterwards, ForgetAct),
            speaking: (CancelVoice, Apologise),
            playing: (PlayAudio, FlushAudio, DropAudio),
        }
        to_client = (Caption, StateChanged, TurnMeasured, AnswerMeasured, Fault)
        return {
            **{kind: stage.obey for stage, kinds in table.items() for kind in kinds},
            **dict.fromkeys(to_client, self._send_noted),
            EndCall: lambda _: self._over.set(),
        }

    def _arm(self) -> None:
        """One timer, for the core's deadline."""
        deadline = self._core.deadline
        if deadline is not None:
            deadline = max(deadline, self._again_s)
        if self._timer is not None:
            if self._timer.when() == deadline and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._tell(TimePassed())

    def _note(self, item: Noted, now: float | None = None) -> None:
        if self._recorder is not None:
            self._recorder.note(item, self._loop.time() if now is None else now)

    def _send_noted(self, message: ToCaller) -> None:
        self._note(message)
        self._send(message)

    # ---- from the person's side ----

    async def _begin(self, _worker: PipelineWorker, _frame: Frame) -> None:
        self._started.set()

    async def _feed(self) -> None:
        """Straight into the pipeline: the worker's own queue has no limit."""
        await self._started.wait()
        self._tell(CallStarted())
        is_settled = False
        while True:
            if not is_settled and self._inbox.waiting_s > BURST_S:
                await self._settle()
                is_settled = True
            match self._inbox.take():
                case None:
                    is_settled = False
                    self._came.clear()
                    await self._came.wait()
                case AudioIn() as sound:
                    self._note(sound)
                    await self._hear(sound)
                case SoundLost() as lost:
                    log.warning("sound that came too late is left out", seconds=lost.seconds)
                    self._tell(lost)
                case event:
                    self._tell(event)

    async def _settle(self) -> None:
        until = self._loop.time() + SETTLED_S
        came_s = -SETTLE_S
        while self._inbox.came_s - came_s > 2 * SETTLE_S and self._loop.time() < until:
            came_s = self._inbox.came_s
            await asyncio.sleep(SETTLE_S)

    async def _hear(self, sound: AudioIn) -> None:
        frame = InputAudioRawFrame(sound.pcm, self._in_rate_hz, 1)
        frame.pts = None if sound.media_s is None else round(sound.media_s * 1e9)
        await self._pipeline.queue_frame(frame)
        if len(self._inbox):  # the sound of many seconds may have come at once: others have turns
            await asyncio.sleep(0)
