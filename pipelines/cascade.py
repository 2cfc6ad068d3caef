"""The stages of a call, in order, on one screen."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from pipecat.frames.frames import Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.workers.runner import WorkerRunner

from pipelines.core.announcements import Announcements, IdleTimer
from pipelines.core.exchange import (
    AudioIn,
    CallBegan,
    FromCaller,
    Say,
    ToCaller,
    TurnMeasured,
    Typed,
)
from pipelines.core.hearing.dictation import Dictation, DictationPolicy
from pipelines.core.hearing.voicing import Voicing, VoicingPolicy
from pipelines.core.keypad import Keypad, KeypadPolicy
from pipelines.core.ledger.budget import Budget
from pipelines.core.ledger.ledger import Fact
from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.tools import Tool
from pipelines.core.recording import Noted, Recorder
from pipelines.core.speaking.playout import Playout
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.core.thinking.prompt import SYSTEM_PROMPT
from pipelines.core.turn.endpointing import Completes, nothing_known
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import TurnPolicy
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
from pipelines.stages.announcing import Announcing
from pipelines.stages.frames import CallerFrame
from pipelines.stages.hearing import Ears, Hearing
from pipelines.stages.keying import Keying
from pipelines.stages.measuring import Measuring
from pipelines.stages.phrasing import Phrasing
from pipelines.stages.playing import Playing
from pipelines.stages.releasing import Releasing
from pipelines.stages.speaking import Speaking
from pipelines.stages.thinking import Thinking
from pipelines.stages.turning import Turning
from pipelines.words import ENGLISH
from pipelines.words.phrases import Phrases

INBOX_EVENTS = 2048
"""Handed over to a call that has not come to them; one more, and the call has failed. At once there
may be 500 frames and 700 other messages: what a stalled network has kept on the telephone.
"""
INBOX_AUDIO = 1536
"""With so many in it, audio is dropped, and counted: all else is rare, and must not be lost."""

log = structlog.get_logger(__name__)


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
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFormat:
    """The format of this call's other side, and how it can be interrupted."""

    in_rate_hz: int
    out_rate_hz: int
    lead_s: float = 0.06
    """How far ahead of the clock audio may be sent: 0.06 where nothing can be flushed."""
    reports_playout: bool = False
    """The client says what it has played (`Played`) and obeys `Flush`."""
    announcements: Announcements | None = None
    """None: those of the policies."""
    tools: tuple[Tool, ...] = ()
    """Tools for this call alone, beside the policies'."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Facts about this way in, to stand in every ledger row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The rules' constants, and what the bot is told to be."""

    system_prompt: str = SYSTEM_PROMPT
    phrases: Phrases = ENGLISH
    """All that the bot says by itself, beside the announcements."""
    today: Callable[[], str] = str
    """Says which day it is, for the model to be told after the system prompt; "" for nothing."""
    voicing: VoicingPolicy = field(default_factory=VoicingPolicy)
    dictation: DictationPolicy = field(default_factory=DictationPolicy)
    turn: TurnPolicy = field(default_factory=TurnPolicy)
    completes: Completes = nothing_known
    """How probable it is that a thought ends after these words."""
    keypad: KeypadPolicy = field(default_factory=KeypadPolicy)
    announcements: Announcements = field(default_factory=Announcements)
    budget: Budget = field(default_factory=Budget)
    answering: AnsweringPolicy = field(default_factory=AnsweringPolicy)
    prompt_tokens: int | None = None
    """Tokens that a prompt may have; None for no limit."""
    tools: tuple[Tool, ...] = ()
    """Tools that the model may call."""
    hangs_up: bool = False
    """The model may end the call."""
    tells_last_wait: bool = False
    """The model is told how long its last answer took. The demo engine can say it; a real one's
    prefix cache is worth more."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Facts to stand in every ledger row: engines, models, profile."""


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
        self._over = asyncio.Event()
        services = services if recorder is None else services.recorded(recorder)
        send = self._tell_last_wait(send) if policies.tells_last_wait else send
        send = send if recorder is None else self._noted(send)
        now = asyncio.get_running_loop().time()
        announcements = form.announcements or policies.announcements
        self._announcing = Announcing(IdleTimer(announcements, now), self.push)
        send = self._watched(send)
        self.conversation = Conversation(policies.system_prompt, policies.prompt_tokens)
        ears = Ears(
            services.new_vad(),
            services.stt,
            services.turn,
            in_rate_hz=form.in_rate_hz,
            out_rate_hz=form.out_rate_hz,
        )
        playout = Playout(form.out_rate_hz, form.lead_s, reports=form.reports_playout)
        self._hearing = Hearing(
            ears, Voicing(policies.voicing), Dictation(policies.dictation), policies.phrases
        )
        turn = TurnMachine(policies.turn, policies.completes)
        self._pipeline = Pipeline(
            [
                self._hearing,
                Keying(Keypad(policies.keypad)),
                Turning(turn, send, self._note, self._over.set),
                Thinking(
                    services.llm,
                    self.conversation,
                    policies.answering,
                    services.prompts,
                    self._tools(policies, form),
                    today=policies.today,
                    phrases=policies.phrases,
                ),
                Phrasing(),
                Speaking(services.tts, form.out_rate_hz, policies.phrases),
                Releasing(),
                Playing(playout, self.conversation, send),
                Measuring(
                    policies.budget,
                    send,
                    reports=form.reports_playout,
                    facts={**policies.facts, **form.facts},
                    note=self._note,
                ),
            ]
        )
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
        self._inbox: asyncio.Queue[FromCaller] = asyncio.Queue(INBOX_EVENTS)
        self._dropped = 0
        """Frames of audio, since the call last kept up."""
        if announcements.greeting:
            self.push(
                Say(announcements.greeting, must_be_heard=announcements.greeting_must_be_heard)
            )
        if policies.facts:
            send(CallBegan(policies.facts, policies.budget.shares_s))

    def push(self, event: FromCaller) -> None:
        """Hand over what the person's side did; never blocks. Call it from the event loop.

        Raises QueueFull where the call is past keeping up.
        """
        if not isinstance(event, AudioIn) or self._has_room():
            self._note(event)
            self._inbox.put_nowait(event)

    async def run(self) -> None:
        """Until cancelled, or until the bot ends the call. Leaves nothing behind."""
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(self._feed())
            running = tasks.create_task(runner.run())
            announcing = tasks.create_task(self._announcing.run())
            leaving = tasks.create_task(self._over.wait())
            try:
                await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (feeding, announcing, leaving):
                    task.cancel()
                try:
                    await runner.cancel()
                finally:
                    if self._recorder is not None:
                        self._recorder.close()

    def _tools(self, policies: Policies, form: CallFormat) -> list[Tool]:
        ending = [hang_up(self._over.set)] if policies.hangs_up else []
        return [*ending, *policies.tools, *form.tools]

    def _note(self, item: Noted) -> None:
        if self._recorder is not None:
            self._recorder.note(item, asyncio.get_running_loop().time())

    def _noted(self, send: Callable[[ToCaller], None]) -> Callable[[ToCaller], None]:
        def note_and_send(message: ToCaller) -> None:
            self._note(message)
            send(message)

        return note_and_send

    def _watched(self, send: Callable[[ToCaller], None]) -> Callable[[ToCaller], None]:
        def watch_and_send(message: ToCaller) -> None:
            self._announcing.observe(message)
            send(message)

        return watch_and_send

    def _tell_last_wait(self, send: Callable[[ToCaller], None]) -> Callable[[ToCaller], None]:
        def tell(message: ToCaller) -> None:
            if isinstance(message, TurnMeasured):
                wait_ms = 1000 * float(str(message.row["voice_to_voice_s"]))
                self.conversation.aside = f"last answer: {wait_ms:.0f} ms"
            send(message)

        return tell

    def _has_room(self) -> bool:
        """For audio. A call keeps up again once half is taken out: one frame less is no news."""
        waiting = self._inbox.qsize()
        if waiting >= INBOX_AUDIO:
            if not self._dropped:
                log.warning("the call cannot keep up: audio is dropped")
            self._dropped += 1
            return False
        if self._dropped and waiting < INBOX_AUDIO // 2:
            log.warning("the call keeps up again", dropped_frames=self._dropped)
            self._dropped = 0
        return True

    async def _begin(self, _worker: PipelineWorker, _frame: Frame) -> None:
        self._started.set()

    async def _feed(self) -> None:
        """Straight into the pipeline: the worker's own queue has no limit."""
        await self._started.wait()
        while True:
            match await self._inbox.get():
                case Typed(text, interrupts=False):
                    self.conversation.mentioned(text)
                case event:
                    await self._pipeline.queue_frame(CallerFrame(event))
