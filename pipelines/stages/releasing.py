"""Holds a reply until its turn is committed, then lets it go at once; or drops it."""

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.core.commands import CommitReply, StartReply, StopReply, WithdrawReply
from pipelines.core.speculation import Speculation
from pipelines.stages.frames import CommandFrame, ReplyEndFrame, SpeechFrame, UnspokenFrame


class Releasing(FrameProcessor):
    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self._speculation: Speculation[SpeechFrame | UnspokenFrame | ReplyEndFrame] = Speculation()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, SpeechFrame | UnspokenFrame | ReplyEndFrame):
            for held in self._speculation.offer(frame.reply_id, frame):
                await self.push_frame(held)
            return
        await self.push_frame(frame, direction)
        if isinstance(frame, CommandFrame):
            match frame.command:
                case StartReply(reply_id):
                    self._speculation.start(reply_id)
                case CommitReply(reply_id):
                    for held in self._speculation.commit(reply_id):
                        await self.push_frame(held)
                case WithdrawReply(reply_id) | StopReply(reply_id):
                    self._speculation.drop(reply_id)
                case _:
                    pass
