"""Sends a reply at the pace at which it is heard, and keeps in the history what was heard."""

import asyncio
from collections.abc import Callable
from typing import Literal

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from pipelines.audio.audible import first_audible
from pipelines.core.commands import (
    CommitReply,
    PauseReply,
    ResumeReply,
    StopReply,
    TurnCommand,
    WithdrawReply,
)
from pipelines.core.events import (
    HeardToEnd,
    Milestone,
    PlayoutEnded,
    PlayoutStarted,
    ReplyPaused,
    Span,
)
from pipelines.core.exchange import (
    AudioOut,
    Caption,
    Fault,
    Flush,
    LineDropped,
    LineRestored,
    Played,
    Sent,
    ToCaller,
)
from pipelines.core.memory.conversation import Conversation
from pipelines.core.speaking.client_clock import ClientClock
from pipelines.core.speaking.playout import ClauseBegan, Playout, Send
from pipelines.stages.frames import (
    CallerFrame,
    CommandFrame,
    FactFrame,
    ReplyEndFrame,
    SilencedFrame,
    SpeechFrame,
    SpokenFrame,
    TakenBackFrame,
    UnspokenFrame,
)


class Playing(FrameProcessor):
    def __init__(
        self,
        playout: Playout,
        conversation: Conversation,
        send: Callable[[ToCaller], None],
    ) -> None:
        super().__init__(enable_direct_mode=True)
        self._playout = playout
        self._conversation = conversation
        self._send = send
        self._rate = playout.rate_hz
        self._paused_by: set[Literal["caller", "line"]] = set()
        self._turn_id = 0
        self._started = False
        self._answered = False
        self._reported = False
        self._awaited: tuple[int, int] | None = None
        """Generation and start of the audio of which is to be told when it was sent."""
        self._added = 0
        self._answer_from: int | None = None
        """The first audible sample of the reply that bridges no wait."""
        self._told_of_failure = False
        self._must_be_heard = False
        self._begun_s = 0.0
        self._clock = ClientClock()
        self._changed = asyncio.Event()
        self._pacer: asyncio.Task[None] | None = None

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        await super().setup(setup)
        self._pacer = self.create_task(self._pace())

    async def cleanup(self) -> None:
        if self._pacer is not None:
            await self.cancel_task(self._pacer)
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case SpeechFrame() | UnspokenFrame() | TakenBackFrame() | ReplyEndFrame():
                await self._take(frame)
            case CallerFrame(event=Played() as report):
                await self._take_report(report)
            case CallerFrame(event=Sent(generation, start, at_s)):
                if self._awaited == (generation, start):
                    await self._note_sent(at_s)
            case CallerFrame(event=LineDropped() | LineRestored() as line):
                await self._mind(line)
            case CommandFrame(command=command):
                await self.push_frame(frame, direction)
                await self._obey(command)
            case _:
                await self.push_frame(frame, direction)

    async def _take(
        self, frame: SpeechFrame | UnspokenFrame | TakenBackFrame | ReplyEndFrame
    ) -> None:
        """What the reply brings."""
        match frame:
            case SpeechFrame(pcm=pcm, text=text, words=words, filler=filler):
                if self._answer_from is None and not filler:
                    self._begun_s = self._now()
                    offset = first_audible(pcm, self._rate)
                    self._answer_from = None if offset is None else self._added + offset
                self._added += len(pcm)
                self._playout.add(pcm, text, words)
            case UnspokenFrame(why=why):
                self._tell_of_failure(why)
                return
            case TakenBackFrame(reply_id=reply_id):
                self._take_back(reply_id)
            case ReplyEndFrame():
                self._playout.end()
        await self._pump()
        self._changed.set()

    def _take_back(self, reply_id: int) -> None:
        if reply_id == self._playout.reply_id:
            self._playout.take_back()
            self._added = self._playout.sent
            if self._answer_from is not None and self._answer_from >= self._added:
                self._answer_from = None

    async def _obey(self, command: TurnCommand) -> None:
        now = self._now()
        match command:
            case CommitReply(reply_id, turn_id, must_be_heard=must_be_heard):
                self._playout.begin(reply_id)
                self._turn_id = turn_id
                self._must_be_heard = must_be_heard
                self._started = self._answered = self._reported = self._told_of_failure = False
                self._added, self._answer_from, self._awaited = 0, None, None
                self._begun_s = now
                self._paused_by.discard("caller")
                if self._paused_by:
                    await self._flush(self._playout.pause(now))
            case PauseReply(reply_id):
                self._paused_by.add("caller")
                await self._flush(self._playout.pause(now))
                await self._tell_place(reply_id, now)
            case ResumeReply():
                await self._go_on("caller")
            case StopReply(reply_id) | WithdrawReply(reply_id) if (
                reply_id == self._playout.reply_id
            ):
                await self._stop(now)
            case _:
                pass
        self._changed.set()

    async def _tell_place(self, reply_id: int, now: float) -> None:
        if self._started and reply_id == self._playout.reply_id:
            sentences, left_s = self._playout.around(now), self._playout.left_s(now)
            await self._up(FactFrame(ReplyPaused(reply_id, sentences, left_s)))

    async def _mind(self, line: LineDropped | LineRestored) -> None:
        if isinstance(line, LineRestored):
            await self._go_on("line")
        else:
            self._paused_by.add("line")
            await self._flush(self._playout.drop(self._now()))

    def _tell_of_failure(self, why: str) -> None:
        """Once for each answer."""
        if not self._told_of_failure:
            self._told_of_failure = True
            self._send(Fault(why))

    async def _go_on(self, reason: Literal["caller", "line"]) -> None:
        """Once nothing else holds the reply back."""
        self._paused_by.discard(reason)
        if not self._paused_by:
            self._playout.resume()
            await self._pump()
            self._changed.set()

    async def _stop(self, now: float) -> None:
        self._paused_by.discard("caller")
        generation, heard = self._playout.stop(now)
        await self._flush(generation)
        self._keep(final=True)
        if self._started:
            caption = Caption("bot", heard.text, final=True, turn=self._turn_id, heard=heard.text)
            self._send(caption)

    async def _flush(self, generation: int | None) -> None:
        if generation is not None:
            self._send(Flush(generation))
            await self._up(SilencedFrame())

    async def _up(self, frame: Frame) -> None:
        await self.push_frame(frame, FrameDirection.UPSTREAM)

    async def _pace(self) -> None:
        """Wakes for the next frame that is due, and when something has changed."""
        while True:
            try:
                async with asyncio.timeout_at(self._playout.deadline()):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            await self._pump()

    async def _pump(self) -> None:
        now = self._now()
        for item in self._playout.due(now):
            match item:
                case ClauseBegan(text):
                    self._send(Caption("bot", text, final=False, turn=self._turn_id))
                case Send(pcm, generation, start, place, plays_at_s):
                    if tell := self._is_answer(place, len(pcm) // 2):
                        self._awaited = generation, start
                    self._send(AudioOut(pcm, generation, start, tell))
                    await self._up(SpokenFrame(pcm, plays_at_s))
        reply_id = self._playout.reply_id
        if reply_id is None:
            return
        audible = self._playout.audible_from
        if not self._started and audible is not None and self._playout.sent > audible:
            self._started = True
            await self._tell(PlayoutStarted(reply_id))
            await asyncio.sleep(0)  # the connection's turn, before all else that a commit sets off
        if self._playout.over(now):
            await self._finish(reply_id)

    def _is_answer(self, place: int, samples: int) -> bool:
        """True if the answer is first audible in these."""
        first = self._answer_from
        return not self._answered and first is not None and place <= first < place + samples

    async def _note_sent(self, at_s: float) -> None:
        self._answered, self._awaited = True, None
        reply_id = self._playout.reply_id
        if reply_id is None:
            return
        await self._tell(Span("send", self._begun_s, at_s, reply_id))
        self._begun_s = at_s
        await self._tell(Milestone("sent", at_s, reply_id))

    async def _finish(self, reply_id: int) -> None:
        self._keep(final=True)
        heard = self._playout.heard(self._now())
        if heard.text:
            self._send(Caption("bot", heard.text, final=True, turn=self._turn_id))
        if self._must_be_heard and self._started and heard.whole and not self._told_of_failure:
            confirmed = self._playout.is_confirmed
            await self._tell(HeardToEnd(reply_id, self._now(), confirmed))
        self._playout.clear()
        await self._tell(PlayoutEnded(reply_id))

    async def _take_report(self, report: Played) -> None:
        now = self._now()
        reported_s = self._clock.at(report.client_s, now)
        heard = self._playout.played(report.generation, report.samples, now)
        audible, reply_id = self._answer_from, self._playout.reply_id
        if heard is None or reply_id is None:
            return
        if not self._reported and audible is not None and heard > audible:
            self._reported = True
            at = reported_s - (heard - audible) / self._rate
            await self._tell(Span("play", self._begun_s, at, reply_id))
            await self._tell(Milestone("played", at, reply_id))
        self._keep(final=False)
        await self._pump()
        self._changed.set()

    def _keep(self, *, final: bool) -> None:
        """The history holds what was heard; an estimate is kept only when it is over."""
        reply_id = self._playout.reply_id
        heard = self._playout.heard(self._now())
        if reply_id is not None and (final or not heard.estimated):
            self._conversation.heard(self._turn_id, reply_id, heard.text, estimated=heard.estimated)

    async def _tell(
        self, fact: Milestone | Span | PlayoutStarted | PlayoutEnded | HeardToEnd
    ) -> None:
        """To the ledger below; and to the turn above what it wants to know."""
        await self.push_frame(FactFrame(fact), FrameDirection.DOWNSTREAM)
        if isinstance(fact, PlayoutStarted | PlayoutEnded):
            await self.push_frame(FactFrame(fact), FrameDirection.UPSTREAM)

    def _now(self) -> float:
        return self.get_event_loop().time()
