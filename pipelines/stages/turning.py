"""The shell around the turn machine: facts in, commands out, state and captions to the caller."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.core.commands import (
    CommitReply,
    ForgetSpeech,
    ScoreTurn,
    StartReply,
    StopReply,
    TurnCommand,
)
from pipelines.core.events import (
    MicrophoneClosed,
    Milestone,
    PlayoutEnded,
    SayAsked,
    SilenceAsked,
    TextTyped,
    Transcribed,
    TurnFact,
)
from pipelines.core.exchange import CallState as Shown
from pipelines.core.exchange import (
    Caption,
    Muted,
    Say,
    StateChanged,
    StopSpeaking,
    ToCaller,
    Typed,
)
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.state import TurnState
from pipelines.stages.backlog import Backlog
from pipelines.stages.frames import CallerFrame, CommandFrame, FactFrame

SHOWN: dict[TurnState, Shown] = {
    TurnState.IDLE: "listening",
    TurnState.HEARING: "hearing",
    TurnState.PAUSED: "hearing",
    TurnState.CLOSING: "thinking",
    TurnState.THINKING: "thinking",
    TurnState.SPEAKING: "speaking",
    TurnState.ANNOUNCING: "speaking",
    TurnState.CONTESTED: "hearing",
}
_FACTS = get_args(TurnFact)


class Turning(FrameProcessor):
    def __init__(
        self,
        machine: TurnMachine,
        send: Callable[[ToCaller], None],
        note: Callable[[TurnFact | TurnCommand], None] = lambda item: None,
        over: Callable[[], None] = lambda: None,
    ) -> None:
        """`note` is told of every fact, and then of every command that it brings about.

        `over` is called when the bot has ended the call.
        """
        super().__init__(enable_direct_mode=True)
        self._note = note
        self._over = over
        self._last_word: int | None = None
        """The reply that ends the call once it has been heard."""
        self._machine = machine
        self._send = send
        self._facts: Backlog[TurnFact] = Backlog(self._handle)
        """A command's effects wait until the command is carried out."""
        self._shown: Shown | None = None
        self._said: Caption | None = None
        """Of the turn that is committed: final once its answer is heard, and no longer open."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case CallerFrame(event=Typed(text)):
                typed = TextTyped(text)
                await self.push_frame(FactFrame(typed))  # the silence before it was no wait
                await self._facts.work_off([typed])
            case CallerFrame(event=Say(text, ends_call, must_be_heard)):
                await self._facts.work_off([SayAsked(text, ends_call, must_be_heard)])
            case CallerFrame(event=StopSpeaking()):
                await self._facts.work_off([SilenceAsked()])
            case CallerFrame(event=Muted(muted=True)):
                await self._facts.work_off([MicrophoneClosed()])
            case FactFrame(fact=fact) if isinstance(fact, _FACTS):
                await self._facts.work_off([fact])
            case _:
                await self.push_frame(frame, direction)

    async def _handle(self, fact: TurnFact) -> None:
        self._note(fact)
        before = self._machine.state
        commands = self._machine.handle(fact)
        if before is TurnState.PAUSED and self._machine.state in (
            TurnState.CLOSING,
            TurnState.THINKING,
        ):
            over = Milestone("pause_over", self.get_event_loop().time())
            await self.push_frame(FactFrame(over))
        if isinstance(fact, Transcribed) and self._shown == "hearing" and fact.text:
            self._caption(final=False)
        for command in commands:
            await self._obey(command)
            if isinstance(command, StartReply) and command.ends_call:
                self._last_word = command.reply_id
        if isinstance(fact, PlayoutEnded) and fact.reply_id == self._last_word:
            self._over()
        if self._said is not None and self._machine.turn_id > self._said.turn:
            self._send(self._said)
            self._said = None
        shown = SHOWN[self._machine.state]
        if shown != self._shown:
            self._shown = shown
            self._send(StateChanged(shown))

    async def _obey(self, command: TurnCommand) -> None:
        self._note(command)
        now = self.get_event_loop().time()
        if isinstance(command, StopReply) and command.reply_id == self._last_word:
            self._last_word = None  # the person has more to say
        if isinstance(command, CommitReply) and command.text:
            self._said = Caption("user", command.text, final=True, turn=command.turn_id)
            self._send(replace(self._said, final=False))
            committed = Milestone("committed", now, command.reply_id)
            await self.push_frame(FactFrame(committed), FrameDirection.DOWNSTREAM)
        upwards = isinstance(command, ScoreTurn | ForgetSpeech)
        direction = FrameDirection.UPSTREAM if upwards else FrameDirection.DOWNSTREAM
        await self.push_frame(CommandFrame(command, now), direction)

    def _caption(self, *, final: bool) -> None:
        text = self._machine.text
        if text:
            self._send(Caption("user", text, final=final, turn=self._machine.turn_id))
