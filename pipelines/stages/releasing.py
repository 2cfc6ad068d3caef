"""Holds a reply until its turn is committed, then lets it go at once; or drops it."""

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.core.commands import CommitReply, StartReply, StopReply, WithdrawReply
from pipelines.core.speaking.speculation import Speculation, Status
from pipelines.stages.backlog import Backlog
from pipelines.stages.frames import (
    CommandFrame,
    ReplyEndFrame,
    SpeechFrame,
    TakenBackFrame,
    UnspokenFrame,
)

Piece = SpeechFrame | UnspokenFrame | ReplyEndFrame


class Releasing(FrameProcessor):
    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self._speculation: Speculation[Piece] = Speculation()
        self._going: Backlog[Piece] = Backlog(self.push_frame)
        """The voice's further audio goes behind the audio that was held."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, SpeechFrame | UnspokenFrame | ReplyEndFrame):
            await self._going.work_off(self._speculation.offer(frame.reply_id, frame))
            return
        if isinstance(frame, TakenBackFrame):
            self._going.drop(lambda piece: piece.reply_id == frame.reply_id)
            if self._speculation.status(frame.reply_id) is not Status.RELEASED:
                self._speculation.take_back(frame.reply_id)
                return
        await self.push_frame(frame, direction)
        if isinstance(frame, CommandFrame):
            match frame.command:
                case StartReply(reply_id):
                    self._speculation.start(reply_id)
                case CommitReply(reply_id):
                    await self._going.work_off(self._speculation.commit(reply_id))
                case WithdrawReply(reply_id) | StopReply(reply_id):
                    self._speculation.drop(reply_id)
                    self._going.drop(lambda piece: piece.reply_id == reply_id)
                case _:
                    pass
