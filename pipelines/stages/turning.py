"""The beginning of a reply: the prompt, or words of our own, between its marks."""

import asyncio
from collections import deque

import structlog
from pipecat.frames.frames import Frame, InterruptionFrame, LLMTextFrame
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from pipelines.core.commands import AbortReply, AskModel, CloseReply, OpenReply, Utter
from pipelines.services.llm.llm_context import context_of
from pipelines.stages.frames import (
    FillerEndFrame,
    FillerStartFrame,
    QuestionFrame,
    ReplyEndFrame,
    ReplyStartFrame,
)

log = structlog.get_logger(__name__)


class Turning(FrameProcessor):
    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self._going: deque[tuple[int, Frame]] = deque()
        """On its way down, by reply. One reply is open at a time: a handful of frames."""
        self._wake = asyncio.Event()
        self._pushing: asyncio.Task[None] | None = None

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        await super().setup(setup)
        self._pushing = self.create_task(self._push())

    async def cleanup(self) -> None:
        if self._pushing is not None:
            await self.cancel_task(self._pushing)
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)

    def obey(self, command: OpenReply | AskModel | Utter | CloseReply | AbortReply) -> None:
        reply_id = command.reply_id
        match command:
            case OpenReply(heard_by_s=heard_by_s):
                start = ReplyStartFrame(reply_id=reply_id, heard_by_s=heard_by_s)
                self._send(reply_id, start)
            case AskModel():
                if command.left_out:
                    _warn(command)
                question = QuestionFrame(
                    context_of(command.messages),
                    waited_s=command.waited_s,
                    judges_turn=command.judges_turn,
                )
                self._send(reply_id, question)
            case Utter(text=text, filler=True):
                self._send(reply_id, FillerStartFrame(), LLMTextFrame(text), FillerEndFrame())
            case Utter(text=text):
                self._send(reply_id, LLMTextFrame(text))
            case CloseReply(sorry=sorry, is_cut=is_cut, error=error):
                if error:
                    log.warning("the language model failed", error=error)
                self._send(reply_id, ReplyEndFrame(reply_id=reply_id, sorry=sorry, is_cut=is_cut))
            case AbortReply():
                self._going = deque(one for one in self._going if one[0] != reply_id)
                self._send(reply_id, InterruptionFrame())

    def _send(self, reply_id: int, *frames: Frame) -> None:
        self._going.extend((reply_id, frame) for frame in frames)
        self._wake.set()

    async def _push(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._going:
                await self.push_frame(self._going.popleft()[1])


def _warn(command: AskModel) -> None:
    said = [len(one.content) for one in command.messages if one.role == "user"]
    log.warning(
        "the question alone is more than the model can be asked: only its end is",
        characters=said[-1] + command.left_out,
        asked=said[-1],
    )
