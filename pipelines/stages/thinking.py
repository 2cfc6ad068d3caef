"""Asks the language model, under a reply id that can be withdrawn at any moment."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import structlog
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.core.commands import CommitReply, StartReply, StopReply, WithdrawReply
from pipelines.core.conversation import Conversation
from pipelines.core.events import Reached, Worked
from pipelines.services.protocols import (
    ChatMessage,
    Delta,
    Finished,
    LanguageModel,
    Role,
    ServiceError,
    TextDelta,
)
from pipelines.stages.frames import CommandFrame, FactFrame, ReplyEndFrame, TokenFrame

APOLOGY = "Sorry, I can't think of an answer right now. Please try again in a moment."
log = structlog.get_logger(__name__)


class Thinking(FrameProcessor):
    def __init__(self, llm: LanguageModel, conversation: Conversation) -> None:
        super().__init__(enable_direct_mode=True)
        self._llm = llm
        self._conversation = conversation
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if not isinstance(frame, CommandFrame):
            return
        match frame.command:
            case StartReply(reply_id, say=str(words)) if words:
                await self.push_frame(TokenFrame(reply_id, words))
                await self.push_frame(ReplyEndFrame(reply_id))
            case StartReply(reply_id, turn_id, text):
                self._start(reply_id, turn_id, text)
            case CommitReply(_, turn_id, text) if text:
                self._conversation.said(turn_id, text)
            case WithdrawReply(reply_id, turn_id, reopened):
                if reopened:
                    self._conversation.unsaid(turn_id)
                self._cancel(reply_id)
            case StopReply(reply_id):
                self._cancel(reply_id)
            case _:
                pass

    async def cleanup(self) -> None:
        for task in list(self._tasks.values()):
            await self.cancel_task(task)
        await super().cleanup()  # type: ignore[no-untyped-call]

    def _start(self, reply_id: int, turn_id: int, text: str) -> None:
        asked = self._conversation.with_question(turn_id, text)
        messages = [ChatMessage(cast(Role, role), content) for role, content in asked]
        task = self.create_task(self._think(reply_id, messages))
        self._tasks[reply_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(reply_id, None))

    def _cancel(self, reply_id: int) -> None:
        """Nobody waits for it: the HTTP stream closes while the call goes on."""
        task = self._tasks.get(reply_id)
        if task is not None:
            task.cancel()

    async def _think(self, reply_id: int, messages: list[ChatMessage]) -> None:
        started = self.get_event_loop().time()
        spoken = False
        try:
            stream = cast(AsyncGenerator[Delta, None], self._llm.stream(messages))
            async with aclosing(stream):
                async for delta in stream:
                    match delta:
                        case TextDelta(text):
                            if not spoken:
                                spoken = True
                                await self._first_token(reply_id, started)
                            await self.push_frame(TokenFrame(reply_id, text))
                        case Finished():
                            pass
        except ServiceError as error:
            log.warning("the language model failed", service=error.service, error=str(error))
            await self.push_frame(TokenFrame(reply_id, ("\n" if spoken else "") + APOLOGY))
        await self.push_frame(ReplyEndFrame(reply_id))

    async def _first_token(self, reply_id: int, started: float) -> None:
        now = self.get_event_loop().time()
        await self.push_frame(FactFrame(Worked("llm", started, now, reply_id)))
        await self.push_frame(FactFrame(Reached("first_token", now, reply_id)))
