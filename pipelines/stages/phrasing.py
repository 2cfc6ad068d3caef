"""Cuts the token stream into clauses that can be spoken: the first at once, then sentences."""

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.core.commands import StartReply, StopReply, WithdrawReply
from pipelines.core.events import Milestone, Span
from pipelines.core.speaking.phrasing import Phraser, clauses_of
from pipelines.core.thinking.answering import NO_ANSWER, ending, whole
from pipelines.stages.frames import (
    ClauseFrame,
    CommandFrame,
    FactFrame,
    ReplyEndFrame,
    TakenBackFrame,
    TokenFrame,
    UnspokenFrame,
)


class Phrasing(FrameProcessor):
    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self._phrasers: dict[int, Phraser] = {}
        self._said: dict[int, list[str]] = {}
        self._fed_s: dict[int, float] = {}

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TokenFrame(reply_id=reply_id, text=text, filler=True):
                for clause in clauses_of(text):
                    await self.push_frame(ClauseFrame(reply_id, clause, filler=True))
                return
            case TokenFrame(reply_id=reply_id, text=text, came_s=came_s):
                if reply_id in self._phrasers:
                    now = self.get_event_loop().time()
                    self._fed_s.setdefault(reply_id, now if came_s is None else came_s)
                    await self._say(reply_id, self._phrasers[reply_id].feed(text))
                return
            case ReplyEndFrame():
                await self._end(frame)
                self._forget(frame.reply_id)
            case TakenBackFrame(reply_id=reply_id):
                if reply_id in self._phrasers:
                    self._begin(reply_id)
            case CommandFrame(command=StartReply(reply_id=reply_id)):
                self._begin(reply_id)
            case CommandFrame(
                command=WithdrawReply(reply_id=reply_id) | StopReply(reply_id=reply_id)
            ):
                self._forget(reply_id)
            case _:
                pass
        await self.push_frame(frame, direction)

    def _begin(self, reply_id: int) -> None:
        self._phrasers[reply_id] = Phraser()
        self._said[reply_id] = []

    async def _end(self, end: ReplyEndFrame) -> None:
        reply_id, sorry = end.reply_id, clauses_of(end.sorry)
        if reply_id not in self._phrasers:
            return
        said, rest = self._said[reply_id], self._phrasers[reply_id].finish()
        if not sorry:
            await self._say(reply_id, whole(said, rest) if end.is_cut else rest)
        elif said or rest:
            await self._say(reply_id, ending(said, rest, sorry))
        else:  # an apology is no answer: whoever waits for one still waits
            await self.push_frame(UnspokenFrame(reply_id, NO_ANSWER))
            for clause in sorry:
                await self.push_frame(ClauseFrame(reply_id, clause, filler=True))

    async def _say(self, reply_id: int, clauses: list[str]) -> None:
        for clause in clauses:
            said = self._said[reply_id]
            said.append(clause)
            if len(said) == 1:
                await self._first_clause(reply_id)
            await self.push_frame(ClauseFrame(reply_id, clause))

    def _forget(self, reply_id: int) -> None:
        self._phrasers.pop(reply_id, None)
        self._fed_s.pop(reply_id, None)
        self._said.pop(reply_id, None)

    async def _first_clause(self, reply_id: int) -> None:
        now = self.get_event_loop().time()
        since = self._fed_s.pop(reply_id, now)
        await self.push_frame(FactFrame(Span("phrasing", since, now, reply_id)))
        await self.push_frame(FactFrame(Milestone("first_clause", now, reply_id)))
