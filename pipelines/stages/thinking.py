"""Asks the language model, one question at a time; between two it prepares the next."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

import structlog
from pipecat.frames.frames import Frame, LLMContextFrame, LLMTextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.core.commands import (
    CancelAnswer,
    CancelPreparation,
    CountTokens,
    SumUp,
    WarmPrompt,
)
from pipelines.core.events import (
    AnswerFailed,
    AnswerFinished,
    FirstToken,
    PromptWarmed,
    QuestionArrived,
    SummaryCame,
    TokensCounted,
)
from pipelines.services.llm.llm_context import messages_of
from pipelines.services.protocols import (
    AnswerSource,
    ChatMessage,
    Finished,
    LanguageModel,
    PromptCache,
    Sampling,
    ServiceError,
    TextDelta,
)
from pipelines.stages.frames import QuestionFrame, ReplyStartFrame

SUMMARY_SAMPLING = Sampling(max_tokens=160, temperature=0.0)
Fact: TypeAlias = (
    QuestionArrived
    | FirstToken
    | AnswerFinished
    | AnswerFailed
    | TokensCounted
    | SummaryCame
    | PromptWarmed
)
Preparation: TypeAlias = CountTokens | SumUp | WarmPrompt

log = structlog.get_logger(__name__)


class Thinking(FrameProcessor):
    def __init__(
        self,
        llm: LanguageModel,
        tell: Callable[[Fact], None],
        prompts: PromptCache | None = None,
        tools: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """`tools`: as the API describes them."""
        super().__init__(enable_direct_mode=True)
        self._llm = llm
        self._tell = tell
        self._prompts = prompts
        self._sampling = Sampling(tools=tuple(tools), aloud=True)
        self._reply_id = 0
        self._cancelled_id = 0
        """Replies up to this one are not asked for: their questions may come late."""
        self._answering: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._order: Preparation | None = None
        """To be done once the step that is under way is over."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            self._ask(frame)
            return
        if isinstance(frame, ReplyStartFrame):
            self._reply_id = frame.reply_id
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        for task in (self._answering, self._preparing):
            if task is not None:
                await self.cancel_task(task)
        await super().cleanup()  # type: ignore[no-untyped-call]

    def obey(self, command: CancelAnswer | Preparation | CancelPreparation) -> None:
        match command:
            case CancelAnswer(reply_id):
                self._cancelled_id = max(self._cancelled_id, reply_id)
                if self._answering is not None and reply_id == self._reply_id:
                    self._answering.cancel()
            case CancelPreparation():
                self._order = None
                if self._preparing is not None:
                    self._preparing.cancel()
            case CountTokens() | SumUp() | WarmPrompt():
                self._order = command
                task = self._preparing
                if task is None or task.done() or task.cancelling():
                    self._preparing = self.create_task(self._prepare())

    # ---- an answer ----

    def _ask(self, frame: LLMContextFrame) -> None:
        if self._reply_id <= self._cancelled_id:
            return
        if self._answering is not None:
            self._answering.cancel()
        self._tell(QuestionArrived(self._reply_id))
        sampling = self._sampling
        if isinstance(frame, QuestionFrame):
            sampling = replace(sampling, waited_s=frame.waited_s, judges_turn=frame.judges_turn)
        answer = self._answer(self._reply_id, messages_of(frame.context), sampling)
        self._answering = self.create_task(answer)

    async def _answer(
        self, reply_id: int, messages: Sequence[ChatMessage], sampling: Sampling
    ) -> None:
        said: list[str] = []
        try:
            finished = await self._stream(reply_id, messages, sampling, said)
        except ServiceError as error:
            trouble = error.trouble
            facts = {"llm_requests": trouble.requests} if trouble.requests else {}
            self._tell(
                AnswerFailed(
                    reply_id,
                    str(error),
                    "".join(said),
                    is_cold=trouble.cold,
                    too_long=trouble.too_long,
                    facts=facts,
                )
            )
        except Exception:
            log.exception("a reply broke")  # and nobody is left in silence
            self._tell(AnswerFailed(reply_id, "llm: it broke", "".join(said)))
        else:
            self._tell(finished)

    async def _stream(
        self, reply_id: int, messages: Sequence[ChatMessage], sampling: Sampling, said: list[str]
    ) -> AnswerFinished:
        """One answer, passed on as it comes, and written into `said`. Raises ServiceError."""
        asked_s, first_s = self._now(), 0.0
        finished: Finished | None = None
        stream = self._llm.stream(messages, sampling)
        async with aclosing(stream):
            async for delta in stream:
                if isinstance(delta, Finished):
                    finished = delta
                    continue
                if delta.anew and said:
                    said.clear()
                    await self.push_frame(ReplyStartFrame(reply_id=reply_id))
                if not delta.text:
                    continue
                if not said:
                    first_s = self._first_token(reply_id, delta, asked_s)
                said.append(delta.text)
                await self.push_frame(LLMTextFrame(delta.text))
        if finished is None:
            raise ServiceError("llm", "an answer without an end", retryable=True)
        if said and finished.tool_calls:
            await self.push_frame(LLMTextFrame("\n"))  # what was said before the calls is a clause
        facts = _counted(finished, self._now() - first_s) if said else _counted(finished, 0.0)
        if not said:
            facts |= _credited(finished.source)
        return AnswerFinished(
            reply_id,
            "".join(said),
            finished.reason == "length",
            finished.tool_calls,
            facts,
            finished.turn_incomplete,
        )

    def _first_token(self, reply_id: int, delta: TextDelta, asked_s: float) -> float:
        first_s = self._now() if delta.source is None else delta.source.first_token_s
        self._tell(FirstToken(reply_id, asked_s, first_s, _credited(delta.source)))
        return first_s

    # ---- between two questions ----

    async def _prepare(self) -> None:
        """Step by step: each brings about the next, or none."""
        while (order := self._order) is not None:
            self._order = None
            try:
                await self._take_step(order)
            except Exception:
                log.exception("the next prompt could not be prepared")
                self._tell(_undone(order))

    async def _take_step(self, order: Preparation) -> None:
        match order:
            case CountTokens(texts):
                await self._count(texts)
            case SumUp(text):
                await self._sum_up(text)
            case WarmPrompt(messages):
                await self._warm(messages)

    async def _count(self, texts: Sequence[str]) -> None:
        for left, text in zip(range(len(texts) - 1, -1, -1), texts, strict=True):
            tokens = None if self._prompts is None else await self._prompts.count(text)
            counts = tokens is not None
            self._tell(TokensCounted(text, tokens, left if counts else 0))
            if not counts:
                return

    async def _sum_up(self, text: str) -> None:
        stream = self._llm.stream([ChatMessage("user", text)], SUMMARY_SAMPLING)
        try:
            async with aclosing(stream):
                said = [delta.text async for delta in stream if isinstance(delta, TextDelta)]
        except ServiceError as error:
            log.warning("what was cut could not be summed up", error=str(error))
            self._tell(SummaryCame(None))
        else:
            self._tell(SummaryCame("".join(said)))

    async def _warm(self, messages: Sequence[ChatMessage]) -> None:
        if self._prompts is not None:
            await self._prompts.warm(messages, self._sampling)
        self._tell(PromptWarmed())

    def _now(self) -> float:
        return self.get_event_loop().time()


def _undone(order: Preparation) -> TokensCounted | SummaryCame | PromptWarmed:
    match order:
        case CountTokens(texts):
            return TokensCounted(texts[0], None, 0)
        case SumUp():
            return SummaryCame(None)
        case WarmPrompt():
            return PromptWarmed()


def _credited(source: AnswerSource | None) -> dict[str, str | int]:
    if source is None:
        return {}
    return {
        "llm_endpoint": source.endpoint,
        "llm_requests": source.requests,
        "llm_retries": source.retries,
        "llm_hedges": source.hedges,
    }


def _counted(finished: Finished, speaking_s: float) -> dict[str, str | int | float]:
    tokens = finished.completion_tokens
    counts = {
        "llm_prompt_tokens": finished.prompt_tokens,
        "llm_cached_tokens": finished.cached_tokens,
        "llm_tokens": tokens,
    }
    facts: dict[str, str | int | float] = {k: v for k, v in counts.items() if v is not None}
    if tokens is not None and tokens > 1 and speaking_s > 0:
        facts["llm_tokens_per_s"] = round((tokens - 1) / speaking_s, 2)
    return facts
