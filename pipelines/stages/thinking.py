"""Asks the language model, under a reply id that can be withdrawn at any moment."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

import structlog
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from pipelines.core.answering import MEANWHILE, AnsweringPolicy, apology
from pipelines.core.commands import CommitReply, StartReply, StopReply, TurnCommand, WithdrawReply
from pipelines.core.conversation import Conversation
from pipelines.core.events import AnswerCounted, PlayoutEnded, Reached, TextTyped, Worked
from pipelines.core.ledger import Fact
from pipelines.core.phrasing import speakable
from pipelines.core.tools import Tool
from pipelines.services.protocols import (
    ChatMessage,
    Finished,
    LanguageModel,
    PromptCache,
    Role,
    Sampling,
    ServiceError,
    Source,
    TextDelta,
)
from pipelines.stages.frames import (
    CommandFrame,
    EnoughFrame,
    FactFrame,
    ReplyEndFrame,
    TakenBackFrame,
    TokenFrame,
)
from pipelines.stages.preparing import Preparing
from pipelines.stages.tooling import call_tools

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Reply:
    reply_id: int
    turn_id: int
    question: str
    asked_s: float
    since_s: float
    """When the person fell silent, where that is known."""
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    spoken: str = ""
    """Of the answer that is coming."""
    enough: bool = False
    """Whatever else the model says is dropped."""
    said: bool = False
    """Something of it can be heard, be it to bridge a wait."""
    facts: dict[str, Fact] = field(default_factory=dict)
    bridging: asyncio.Task[None] | None = None


class Thinking(FrameProcessor):
    def __init__(
        self,
        llm: LanguageModel,
        conversation: Conversation,
        policy: AnsweringPolicy | None = None,
        prompts: PromptCache | None = None,
        tools: Sequence[Tool] = (),
        *,
        today: Callable[[], str] = str,
    ) -> None:
        """`today` says which day it is, for the model to be told; "" for nothing."""
        super().__init__(enable_direct_mode=True)
        self._llm = llm
        self._conversation = conversation
        self._today = today
        self._policy = policy or AnsweringPolicy()
        self._tools = {tool.name: tool for tool in tools}
        self._sampling = Sampling(tools=tuple(tool.schema for tool in tools), aloud=True)
        self._replies: dict[int, _Reply] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._preparing = Preparing(
            llm, prompts, conversation, self._policy, self._sampling, lambda: bool(self._tasks)
        )
        self._between: asyncio.Task[None] | None = None
        self._afterwards: dict[int, list[Callable[[], None]]] = {}
        self._silent_since_s: float | None = None
        """In the turn that is not committed."""

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        await super().setup(setup)
        await self._prepare()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, EnoughFrame):
            if frame.reply_id in self._replies:
                self._replies[frame.reply_id].enough = True
            return
        await self.push_frame(frame, direction)
        match frame:
            case CommandFrame(command=command):
                await self._obey(command)
            case FactFrame(fact=Reached(what="speech_ended", at_s=at_s)):
                self._silent_since_s = at_s
            case FactFrame(fact=TextTyped()):
                self._silent_since_s = None
            case FactFrame(fact=PlayoutEnded(reply_id)):
                for act in self._afterwards.pop(reply_id, ()):
                    act()
                if not self._tasks:
                    await self._prepare()
            case _:
                pass

    async def cleanup(self) -> None:
        for task in [*self._tasks.values(), *([self._between] if self._between else [])]:
            await self.cancel_task(task)
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def _obey(self, command: TurnCommand) -> None:
        match command:
            case StartReply(reply_id, say=str(words)) if words:
                await self.push_frame(TokenFrame(reply_id, words))
                await self.push_frame(ReplyEndFrame(reply_id))
            case StartReply(reply_id, turn_id, text):
                now = self._now()
                since_s = now if self._silent_since_s is None else self._silent_since_s
                self._start(_Reply(reply_id, turn_id, text, now, since_s))
            case CommitReply(reply_id, turn_id, text) if text:
                self._silent_since_s = None
                self._conversation.said(turn_id, text)
                if reply_id in self._replies:
                    self._replies[reply_id].committed.set()
            case WithdrawReply(reply_id, turn_id, reopened):
                if reopened:
                    self._conversation.unsaid(turn_id)
                await self._cancel(reply_id)
            case StopReply(reply_id):
                await self._cancel(reply_id)
                await self._prepare()
            case _:
                pass

    def _start(self, reply: _Reply) -> None:
        between = self._at_work()
        if between is not None and self._preparing.gives_way():
            between.cancel()  # the server's time is the question's
        task = self.create_task(self._think(reply))
        self._tasks[reply.reply_id] = task
        self._replies[reply.reply_id] = reply
        task.add_done_callback(lambda _: self._forget(reply.reply_id))

    def _forget(self, reply_id: int) -> None:
        self._tasks.pop(reply_id, None)
        self._replies.pop(reply_id, None)

    async def _cancel(self, reply_id: int) -> None:
        """Nobody waits for it: the HTTP stream closes while the call goes on."""
        self._afterwards.pop(reply_id, None)
        task, reply = self._tasks.get(reply_id), self._replies.get(reply_id)
        if task is None or reply is None:
            return
        task.cancel()
        if not reply.spoken:  # what it had cost until then
            await self.push_frame(FactFrame(Worked("llm", reply.asked_s, self._now(), reply_id)))

    async def _prepare(self) -> None:
        """From the beginning again, but for a summary that is on its way."""
        between = self._at_work()
        if between is not None:
            if self._preparing.owes_summary:
                return
            between.cancel()
        self._conversation.today = self._today()
        self._between = self.create_task(self._preparing.prepare())

    def _at_work(self) -> asyncio.Task[None] | None:
        """What is done between two questions, while it is."""
        task = self._between
        return None if task is None or task.done() or task.cancelling() else task

    # ---- one reply ----

    async def _think(self, reply: _Reply) -> None:
        sorry, is_cut = "", False
        try:
            is_cut = await self._answer(reply)
        except ServiceError as error:
            log.warning("the language model failed", service=error.service, error=str(error))
            sorry = apology(cold=error.trouble.cold)
            reply.facts["llm_failed"] = True
            _add(reply.facts, "llm_requests", error.trouble.requests or None)
        except Exception:
            log.exception("a reply broke")  # and nobody is left in silence
            sorry = apology(cold=False)
            reply.facts["llm_failed"] = True
        finally:
            if reply.bridging is not None:
                reply.bridging.cancel()
        await self.push_frame(ReplyEndFrame(reply.reply_id, sorry, is_cut))
        facts = AnswerCounted(reply.facts, reply.reply_id, over=True)
        await self.push_frame(FactFrame(facts))

    async def _answer(self, reply: _Reply) -> bool:
        """Whether the answer was cut off at the model's limit. Raises ServiceError."""
        messages, rounds, cuts = self._ask(reply), 0, 0
        while rounds < self._policy.most_rounds:
            try:
                finished = await self._say(reply, messages)
            except ServiceError as error:
                may_cut = error.trouble.too_long and cuts < self._policy.most_cuts
                fits_now = may_cut and self._conversation.shrink(reply.turn_id, reply.question)
                if reply.spoken or not fits_now:
                    raise
                messages, cuts = self._ask(reply), cuts + 1
                continue
            rounds += 1
            if not finished.tool_calls:
                if not reply.enough and not speakable(reply.spoken):
                    raise ServiceError("llm", "an answer without a spoken word", retryable=True)
                return finished.reason == "length"
            await reply.committed.wait()
            messages = [*messages, *await self._use_tools(reply, finished)]
            if reply.spoken and reply.reply_id in self._afterwards:
                return False
            reply.spoken = ""
        raise ServiceError("llm", "asks for tool after tool", retryable=False)

    def _ask(self, reply: _Reply) -> list[ChatMessage]:
        self._conversation.today = self._today()
        asked = self._conversation.with_question(reply.turn_id, reply.question)
        left = len(asked[-1][1])
        if left < len(reply.question):
            log.warning(
                "the question alone is more than the model can be asked: only its end is",
                characters=len(reply.question),
                asked=left,
                limit_tokens=self._conversation.limit_tokens,
            )
        return [ChatMessage(cast(Role, role), content) for role, content in asked]

    async def _say(self, reply: _Reply, messages: list[ChatMessage]) -> Finished:
        """One answer, passed on as it comes, until there is enough of it. Raises ServiceError."""
        asked_s = self._now()
        first_s = 0.0
        first_round = not reply.said and "llm_tool_calls" not in reply.facts
        waited_s = max(0.0, asked_s - reply.since_s) if first_round else 0.0
        sampling = replace(self._sampling, waited_s=waited_s)
        stream = self._llm.stream(messages, sampling)
        finished: Finished | None = None
        async with aclosing(stream):
            async for delta in stream:
                match delta:
                    case TextDelta(text, source, anew):
                        if anew and reply.spoken:
                            reply.spoken = ""
                            await self.push_frame(TakenBackFrame(reply.reply_id))
                        if not text:
                            continue
                        if not reply.spoken:
                            first_s = self._now() if source is None else source.first_token_s
                            await self._first_token(reply, delta, asked_s, first_s)
                        reply.spoken += text
                        await self.push_frame(TokenFrame(reply.reply_id, text, first_s))
                        if reply.enough:
                            return Finished("cut off")
                    case Finished():
                        finished = delta
                        if not reply.spoken:
                            _credit(reply.facts, delta.source)
                        _count(reply, delta, self._now() - first_s if reply.spoken else 0.0)
        if finished is None:
            raise ServiceError("llm", "an answer without an end", retryable=True)
        return finished

    async def _first_token(
        self, reply: _Reply, delta: TextDelta, asked_s: float, first_s: float
    ) -> None:
        reply.said = True
        if reply.bridging is not None:
            reply.bridging.cancel()
        reply.facts["llm_first_token_s"] = round(first_s - asked_s, 6)
        _credit(reply.facts, delta.source)
        reply_id = reply.reply_id
        await self.push_frame(FactFrame(Worked("llm", asked_s, first_s, reply_id)))
        await self.push_frame(FactFrame(Reached("first_token", first_s, reply_id)))
        await self.push_frame(FactFrame(AnswerCounted(dict(reply.facts), reply_id, over=False)))

    # ---- tools ----

    async def _use_tools(self, reply: _Reply, finished: Finished) -> list[ChatMessage]:
        """What was asked for and what came of it, for the model to go on from."""
        if reply.spoken:
            await self.push_frame(TokenFrame(reply.reply_id, "\n"))
        if not reply.said:
            reply.bridging = self.create_task(self._bridge(reply))
        began_s = self._now()
        called = await call_tools(finished.tool_calls, self._tools)
        _add(reply.facts, "llm_tool_calls", len(called))
        worked = Worked("llm", began_s, self._now(), reply.reply_id, waited=True)
        await self.push_frame(FactFrame(worked))
        for one in called:
            if one.afterwards is not None:
                self._afterwards.setdefault(reply.reply_id, []).append(one.afterwards.act)
        return [
            ChatMessage("assistant", reply.spoken, tool_calls=finished.tool_calls),
            *(ChatMessage("tool", one.result, answers=one.call.call_id) for one in called),
        ]

    async def _bridge(self, reply: _Reply) -> None:
        """A person who hears nothing for long believes that the line is dead."""
        await asyncio.sleep(self._policy.meanwhile_s)
        reply.said = True
        await self.push_frame(TokenFrame(reply.reply_id, MEANWHILE, filler=True))

    def _now(self) -> float:
        return self.get_event_loop().time()


def _credit(facts: dict[str, Fact], source: Source | None) -> None:
    if source is not None:
        facts["llm_endpoint"] = source.endpoint
        _add(facts, "llm_requests", source.requests)
        _add(facts, "llm_retries", source.retries)
        _add(facts, "llm_hedges", source.hedges)


def _count(reply: _Reply, finished: Finished, speaking_s: float) -> None:
    facts, tokens = reply.facts, finished.completion_tokens
    _add(facts, "llm_prompt_tokens", finished.prompt_tokens)
    _add(facts, "llm_cached_tokens", finished.cached_tokens)
    _add(facts, "llm_tokens", tokens)
    if tokens is not None and tokens > 1 and speaking_s > 0:
        facts["llm_tokens_per_s"] = round((tokens - 1) / speaking_s, 2)


def _add(facts: dict[str, Fact], name: str, value: int | None) -> None:
    """A reply that uses tools is several answers."""
    before = facts.get(name)
    if value is not None:
        facts[name] = value + (before if isinstance(before, int) else 0)
