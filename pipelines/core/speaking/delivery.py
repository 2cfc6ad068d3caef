"""Delivers a reply: held until its turn is committed, paced, paused, and kept as it was heard.

Late sound and late words of a withdrawn reply are dropped here, and nowhere else.
"""

import enum
from collections.abc import Callable
from typing import Literal, TypeAlias

from pipelines.core.commands import CommitReply, DropAudio, FlushAudio, PlayAudio
from pipelines.core.events import (
    ClauseBegan,
    HeardToEnd,
    Milestone,
    NothingToSay,
    PlayoutEnded,
    PlayoutStarted,
    ReplyPaused,
    ReplyRestarted,
    Span,
    SpeechCame,
    SpeechEnded,
    VoiceFailed,
)
from pipelines.core.exchange import Caption, Fault, LineDropped, LineRestored, Played, Sent
from pipelines.core.memory.conversation import Conversation
from pipelines.core.speaking.client_clock import ClientClock
from pipelines.core.speaking.playout import ClauseDue, Playout, SpeechDue
from pipelines.core.speaking.speculation import Speculation, Status
from pipelines.core.thinking.answering import NO_ANSWER, VOICE_FAILED

Piece: TypeAlias = ClauseBegan | SpeechCame | SpeechEnded | NothingToSay | VoiceFailed
Noticed: TypeAlias = (
    PlayAudio
    | FlushAudio
    | DropAudio
    | Caption
    | Fault
    | Milestone
    | Span
    | HeardToEnd
    | PlayoutStarted
    | PlayoutEnded
    | ReplyPaused
)


END_WITHIN_S = 30.0
"""A reply that was closed, and of which nothing has come for so long, has lost its end on the way:
a processor that stands between keeps it. No voice takes so long from one piece to the next.
"""


class Progress(enum.IntEnum):
    """How far the reply that was let go has come."""

    SILENT = 0
    AUDIBLE = 1
    """Its first audible sample is on the way."""
    SENT = 2
    """The socket was given the first audible sample of the answer."""
    PLAYED = 3
    """The listener has heard that sample."""


class Delivery:
    def __init__(
        self, playout: Playout, conversation: Conversation, tell: Callable[[Noticed], None]
    ) -> None:
        """`tell` is told what is to be sent, and what has become of it, as it comes up."""
        self._playout = playout
        self._conversation = conversation
        self._tell = tell
        self._rate = playout.rate_hz
        self._speculation: Speculation[Piece] = Speculation()
        self._clock = ClientClock()
        self._paused_by: set[Literal["caller", "line"]] = set()
        self._closed_id = 0
        """The newest reply of which the turn's stage was told to send no more."""
        self._begin(CommitReply(0, 0, ""), 0.0)

    def _begin(self, command: CommitReply, now: float) -> None:
        self._turn_id = command.turn_id
        self._must_be_heard = command.must_be_heard
        self._progress = Progress.SILENT
        self._fault = ""
        """The failure that the person was told of; empty for none."""
        self._is_filler = False
        self._added = 0
        self._answer_from: int | None = None
        """The first audible sample of the reply that bridges no wait."""
        self._awaited: tuple[int, int] | None = None
        """Generation and start of the audio of which is to be told when it was sent."""
        self._came_s: float | None = now
        """When a piece of it came last; None once its end has come."""
        self._begun_s = now
        """When the sending began, or the way from the socket to the ear."""

    def deadline(self) -> float | None:
        """When to `pump` again, if nothing happens before."""
        times = (self._playout.deadline(), self._lost_s())
        return min((at for at in times if at is not None), default=None)

    def _lost_s(self) -> float | None:
        """When the end of the reply that is played will have been lost."""
        reply_id = self._playout.reply_id
        is_awaited = reply_id is not None and reply_id <= self._closed_id
        return self._came_s + END_WITHIN_S if is_awaited and self._came_s is not None else None

    # ---- the turn's decisions ----

    def start(self, reply_id: int) -> None:
        """A reply is begun, and held."""
        self._speculation.start(reply_id)

    def commit(self, command: CommitReply, now: float) -> None:
        """It is let go; what was made of it meanwhile is sent at once."""
        self._playout.begin(command.reply_id)
        self._begin(command, now)
        self._paused_by.discard("caller")
        if self._paused_by:
            self._flush(self._playout.pause(now))
        for piece in self._speculation.commit(command.reply_id):
            self._take(piece, now)

    def pause(self, reply_id: int, now: float) -> None:
        """Be silent; the turn is told at which place."""
        self._paused_by.add("caller")
        self._flush(self._playout.pause(now))
        if self._progress >= Progress.AUDIBLE and reply_id == self._playout.reply_id:
            sentences, left_s = self._playout.around(now), self._playout.left_s(now)
            self._tell(ReplyPaused(reply_id, sentences, left_s))

    def go_on(self, reason: Literal["caller", "line"], now: float) -> None:
        """Once nothing else holds the reply back."""
        self._paused_by.discard(reason)
        if not self._paused_by:
            self._playout.resume()
            self.pump(now)

    def stop(self, reply_id: int, now: float) -> None:
        """It is over, wherever it was: what was heard of it is kept."""
        if reply_id == self._playout.reply_id:
            self._paused_by.discard("caller")
            generation, heard = self._playout.stop(now)
            self._flush(generation)
            self._keep(now, final=True)
            if self._progress >= Progress.AUDIBLE:
                said = heard.text
                self._tell(Caption("bot", said, final=True, turn=self._turn_id, heard=said))
        self._speculation.drop(reply_id)
        self._tell(DropAudio(reply_id))

    # ---- what comes of a reply ----

    def close(self, reply_id: int, now: float) -> None:
        """Its end is on the way."""
        self._closed_id = max(self._closed_id, reply_id)
        if reply_id == self._playout.reply_id and self._came_s is not None:
            self._came_s = now

    def offer(self, piece: Piece, now: float) -> None:
        """Held, taken, or of a reply that is gone: dropped."""
        if self._speculation.status(piece.reply_id) is Status.GONE:
            if isinstance(piece, SpeechCame):
                self._tell(DropAudio(piece.reply_id))
            return
        for one in self._speculation.offer(piece.reply_id, piece):
            self._take(one, now)

    def take_back(self, fact: ReplyRestarted, now: float) -> None:
        """Nothing that came of the reply before was meant for the listener."""
        reply_id = fact.reply_id
        if self._speculation.status(reply_id) is not Status.RELEASED:
            self._speculation.take_back(reply_id)
            self._tell(DropAudio(reply_id))
        elif reply_id == self._playout.reply_id:
            self._playout.take_back()
            self._added = self._playout.sent
            if self._answer_from is not None and self._answer_from >= self._added:
                self._answer_from = None
            self._tell(DropAudio(reply_id, self._added))
            self.pump(now)

    def _take(self, piece: Piece, now: float) -> None:
        self._came_s = None if isinstance(piece, SpeechEnded) else now
        match piece:
            case ClauseBegan(text=text, words=words, filler=filler):
                self._is_filler = filler
                self._playout.say(text, words)
                return
            case SpeechCame(samples=samples, audible_at=audible_at):
                self._add(samples, audible_at, now)
            case SpeechEnded():
                self._playout.end()
            case NothingToSay():
                self._fail(NO_ANSWER)
            case VoiceFailed():
                self._fail(VOICE_FAILED)
        self.pump(now)

    def _add(self, samples: int, audible_at: int | None, now: float) -> None:
        if self._answer_from is None and not self._is_filler:
            self._begun_s = now
            self._answer_from = None if audible_at is None else self._added + audible_at
        self._added += samples
        self._playout.add(samples, audible_at)

    def _fail(self, why: str) -> None:
        """Told once for each answer."""
        if not self._fault:
            self._fault = why
            self._tell(Fault(why))

    # ---- the line ----

    def drop_line(self, fact: LineDropped, now: float) -> None:
        self._paused_by.add("line")
        self._flush(self._playout.drop(now))

    def restore_line(self, fact: LineRestored, now: float) -> None:
        self.go_on("line", now)

    def sent(self, fact: Sent, now: float) -> None:
        """The socket was given a frame of which this was to be told."""
        if self._awaited != (fact.generation, fact.start):
            return
        self._progress = max(self._progress, Progress.SENT)
        self._awaited, reply_id = None, self._playout.reply_id
        if reply_id is not None:
            self._tell(Span("send", self._begun_s, fact.at_s, reply_id))
            self._begun_s = fact.at_s
            self._tell(Milestone("sent", fact.at_s, reply_id))

    def played(self, report: Played, now: float) -> None:
        """The client says what it has played."""
        reported_s = self._clock.at(report.client_s, now)
        heard = self._playout.played(report.generation, report.samples, now)
        audible, reply_id = self._answer_from, self._playout.reply_id
        if heard is None or reply_id is None:
            return
        if self._progress < Progress.PLAYED and audible is not None and heard > audible:
            self._progress = Progress.PLAYED
            at_s = reported_s - (heard - audible) / self._rate
            self._tell(Span("play", self._begun_s, at_s, reply_id))
            self._tell(Milestone("played", at_s, reply_id))
        self._keep(now, final=False)
        self.pump(now)

    def pump(self, now: float) -> None:
        """Sends what is due; ends the reply once it was heard."""
        for item in self._playout.due(now):
            match item:
                case ClauseDue(text):
                    self._tell(Caption("bot", text, final=False, turn=self._turn_id))
                case SpeechDue():
                    self._play(item)
        reply_id, audible = self._playout.reply_id, self._playout.audible_from
        if reply_id is None:
            return
        if (lost_s := self._lost_s()) is not None and now >= lost_s - 1e-6:
            self._came_s = None
            self._playout.end()
        if (
            self._progress is Progress.SILENT
            and audible is not None
            and self._playout.sent > audible
        ):
            self._progress = Progress.AUDIBLE
            self._tell(PlayoutStarted(reply_id))
        if self._playout.over(now):
            self._finish(reply_id, now)

    def _play(self, due: SpeechDue) -> None:
        first = self._answer_from
        is_answer = first is not None and due.place <= first < due.place + due.samples
        tell = is_answer and self._progress < Progress.SENT
        if tell:
            self._awaited = due.generation, due.start
        assert self._playout.reply_id is not None
        self._tell(
            PlayAudio(
                self._playout.reply_id,
                due.place,
                due.samples,
                due.generation,
                due.start,
                due.plays_at_s,
                tell,
            )
        )

    def _finish(self, reply_id: int, now: float) -> None:
        self._keep(now, final=True)
        heard = self._playout.heard(now)
        if heard.text:
            self._tell(Caption("bot", heard.text, final=True, turn=self._turn_id))
        was_audible = self._progress >= Progress.AUDIBLE
        if self._must_be_heard and was_audible and heard.whole and not self._fault:
            self._tell(HeardToEnd(reply_id, now, self._playout.is_confirmed))
        self._playout.clear()
        self._speculation.drop(reply_id)
        self._tell(DropAudio(reply_id))
        self._tell(PlayoutEnded(reply_id))

    def _flush(self, generation: int | None) -> None:
        if generation is not None:
            self._tell(FlushAudio(generation))

    def _keep(self, now: float, *, final: bool) -> None:
        """The history holds what was heard; an estimate is kept only when it is over."""
        reply_id = self._playout.reply_id
        heard = self._playout.heard(now)
        if reply_id is not None and (final or not heard.estimated):
            self._conversation.heard(self._turn_id, reply_id, heard.text, estimated=heard.estimated)
