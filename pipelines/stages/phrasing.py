"""Cuts the token stream into clauses that can be spoken: the first at once, then sentences."""

from collections.abc import Callable

from pipecat.frames.frames import AggregatedTextFrame, Frame, TextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.core.events import FirstClause, NothingToSay
from pipelines.core.speaking.phrasing import Phraser, clauses_of
from pipelines.core.thinking.answering import ending, whole
from pipelines.stages.frames import (
    FillerEndFrame,
    FillerStartFrame,
    ReplyEndFrame,
    ReplyStartFrame,
)


class Phrasing(FrameProcessor):
    def __init__(self, tell: Callable[[FirstClause | NothingToSay], None]) -> None:
        super().__init__(enable_direct_mode=True)
        self._tell = tell
        self._reply_id = 0
        self._phraser = Phraser()
        self._said: list[str] = []
        self._filler: list[str] | None = None
        """The text that bridges a wait, while it comes."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TextFrame() if not isinstance(frame, AggregatedTextFrame):
                await self._take(frame.text)
                return
            case ReplyStartFrame(reply_id=reply_id):
                self._reply_id, self._phraser, self._said = reply_id, Phraser(), []
            case ReplyEndFrame():
                await self._end(frame)
            case FillerStartFrame():
                self._filler = []
            case FillerEndFrame():
                for clause in clauses_of("".join(self._filler or [])):
                    await self._push(clause)
                self._filler = None
            case _:
                pass
        await self.push_frame(frame, direction)

    async def _take(self, text: str) -> None:
        if self._filler is not None:
            self._filler.append(text)
        else:
            await self._say(self._phraser.feed(text))

    async def _end(self, end: ReplyEndFrame) -> None:
        sorry, said, rest = clauses_of(end.sorry), self._said, self._phraser.finish()
        if not sorry:
            await self._say(whole(said, rest) if end.is_cut else rest)
        elif said or rest:
            await self._say(ending(said, rest, sorry))
        else:  # an apology is no answer: whoever waits for one still waits
            self._tell(NothingToSay(self._reply_id))
            await self.push_frame(FillerStartFrame())
            for clause in sorry:
                await self._push(clause)
            await self.push_frame(FillerEndFrame())

    async def _say(self, clauses: list[str]) -> None:
        for clause in clauses:
            self._said.append(clause)
            if len(self._said) == 1:
                self._tell(FirstClause(self._reply_id))
            await self._push(clause)

    async def _push(self, clause: str) -> None:
        await self.push_frame(AggregatedTextFrame(clause, "clause"))
