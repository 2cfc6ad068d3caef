"""Asks the language model, under a reply id that can be withdrawn at any moment."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from pipelines.core.commands import (
    CommitReply,
    PauseReply,
    ResumeReply,
    StartReply,
    StopReply,
    TurnCommand,
    WithdrawReply,
)
from pipelines.core.events import (
    AnswerCounted,
    Milestone,
    PlayoutEnded,
    ResultsWaiting,
    Span,
    TextTyped,
)
from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.tools import Tool
from pipelines.core.speaking.phrasing import speakable
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.services.protocols import (
    ChatMessage,
    Finished,
    LanguageModel,
    PromptCache,
    Sampling,
    ServiceError,
    TextDelta,
    ToolCall,
)
from pipelines.stages.answer_facts import add, count, credit
from pipelines.stages.frames import (
    CommandFrame,
    EnoughFrame,
    FactFrame,
    ReplyEndFrame,
    TakenBackFrame,
    TokenFrame,
)
from pipelines.stages.preparing import Preparing
from pipelines.stages.reply import Reply
from pipelines.stages.tooling import Tooling
from pipelines.words import ENGLISH
from pipelines.words.phrases import Phrases

log = structlog.get_logger(__name__)


class Thinking(FrameProcessor):
    def __init__(  # noqa: PLR0913 - a stage is made of all that it works with
        self,
        llm: LanguageModel,
        conversation: Conversation,
        policy: AnsweringPolicy | None = None,
        prompts: PromptCache | None = None,
        tools: Sequence[Tool] = (),
        *,
        today: Callable[[], str] = str,
        phrases: Phrases = ENGLISH,
    ) -> None:
        """`today` says which day it is, for the model to be told; "" for nothing."""
        super().__init__(enable_direct_mode=True)
        self._llm = llm
        self._conversation = conversation
        self._today = today
        self._policy = policy or AnsweringPolicy()
        self._phrases = phrases
        self._tooling = Tooling(tools, conversation, self.create_task, self._tell_turn)
        self._sampling = Sampling(tools=tuple(tool.schema for tool in tools), aloud=True)
        self._replies: dict[int, Reply] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._preparing = Preparing(
            llm, prompts, conversation, self._policy, self._sampling, lambda: bool(self._tasks)
        )
        self._between: asyncio.Task[None] | None = None
        self._results_waited = False
        """As the turn was told last."""
        self._broken: set[int] = set()
        """Replies whose answer failed: hearing them out is hearing an apology."""
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
            case FactFrame(fact=Milestone(what="speech_ended", at_s=at_s)):
                self._silent_since_s = at_s
            case FactFrame(fact=TextTyped()):
                self._silent_since_s = None
            case FactFrame(fact=PlayoutEnded(reply_id)):
                self._tooling.heard(reply_id)
                if reply_id not in self._broken:
                    self._conversation.heard_out(reply_id)
                if not self._tasks:
                    await self._prepare()
            case _:
                pass

    async def cleanup(self) -> None:
        await self._tooling.close()
        for task in [*self._tasks.values(), *([self._between] if self._between else [])]:
            await self.cancel_task(task)
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def _obey(self, command: TurnCommand) -> None:
        match command:
            case StartReply(reply_id, say=str(words)) if words:
                await self.push_frame(TokenFrame(reply_id, words))
                await self.push_frame(ReplyEndFrame(reply_id))
            case StartReply(reply_id, turn_id, text):
                self._start(self._new_reply(reply_id, turn_id, text))
            case CommitReply(reply_id, turn_id, text):
                await self._let_go(reply_id, turn_id, text)
            case PauseReply(reply_id) | ResumeReply(reply_id):
                self._give_floor(reply_id, to_bot=isinstance(command, ResumeReply))
            case WithdrawReply(reply_id, turn_id, reopened):
                if reopened:
                    self._conversation.unsaid(turn_id)
                await self._cancel(reply_id)
            case StopReply(reply_id):
                await self._cancel(reply_id)
                await self._prepare()
            case _:
                pass

    def _new_reply(self, reply_id: int, turn_id: int, text: str) -> Reply:
        now, silent_s = self._now(), self._silent_since_s if text else None
        reply = Reply(reply_id, turn_id, text, now, now if silent_s is None else silent_s)
        if silent_s is not None:
            reply.settled_s = silent_s + self._policy.settled_s
        reply.floor.set()
        return reply

    async def _let_go(self, reply_id: int, turn_id: int, text: str) -> None:
        if text:
            self._silent_since_s = None
            self._conversation.said(turn_id, text)
        if reply_id in self._replies:
            self._replies[reply_id].committed.set()
            await self._tell_of(self._replies[reply_id])

    def _give_floor(self, reply_id: int, *, to_bot: bool) -> None:
        if reply_id in self._replies:
            floor = self._replies[reply_id].floor
            floor.set() if to_bot else floor.clear()

    def _start(self, reply: Reply) -> None:
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
        self._tooling.interrupted(reply_id)
        task, reply = self._tasks.get(reply_id), self._replies.get(reply_id)
        if task is None or reply is None:
            return
        task.cancel()
        if not reply.spoken:  # what it had cost until then
            await self.push_frame(FactFrame(Span("llm", reply.asked_s, self._now(), reply_id)))

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
        """The work between two questions, while it is done."""
        task = self._between
        return None if task is None or task.done() or task.cancelling() else task

    # ---- one reply ----

    async def _think(self, reply: Reply) -> None:
        sorry, is_cut = "", False
        try:
            is_cut = await self._answer(reply)
        except ServiceError as error:
            log.warning("the language model failed", service=error.service, error=str(error))
            sorry = self._phrases.cold if error.trouble.cold else self._phrases.apology
            await self._fail(reply)
            add(reply.facts, "llm_requests", error.trouble.requests or None)
        except Exception:
            log.exception("a reply broke")  # and nobody is left in silence
            sorry = self._phrases.apology
            await self._fail(reply)
        finally:
            if reply.bridging is not None:
                reply.bridging.cancel()
        await self.push_frame(ReplyEndFrame(reply.reply_id, sorry, is_cut))
        facts = AnswerCounted(reply.facts, reply.reply_id, over=True)
        await self.push_frame(FactFrame(facts))

    async def _fail(self, reply: Reply) -> None:
        """An apology is the answer to its own calls: nobody tells of them unasked."""
        reply.facts["llm_failed"] = True
        self._broken.add(reply.reply_id)
        own = [line for line in self._conversation.news if line.reply_id == reply.reply_id]
        self._conversation.told(own, reply.reply_id)
        await self._tell_turn()

    async def _answer(self, reply: Reply) -> bool:
        """True if the answer was cut off at the model's limit. Raises ServiceError."""
        rounds = cuts = 0
        while rounds < self._policy.most_rounds:
            if not reply.question and not reply.news and not self._conversation.news:
                return False  # another answer has told of it meanwhile
            try:
                finished = await self._say(reply, await self._ask(reply))
            except ServiceError as error:
                may_cut = error.trouble.too_long and cuts < self._policy.most_cuts
                fits_now = may_cut and self._conversation.shrink(reply.turn_id, reply.question)
                if reply.spoken or not fits_now:
                    raise
                cuts += 1
                continue
            rounds += 1
            if not finished.tool_calls:
                if not reply.enough and not speakable(reply.spoken):
                    raise ServiceError("llm", "an answer without a spoken word", retryable=True)
                return finished.reason == "length"
            if await self._use_tools(reply, finished):
                return False
            reply.spoken = ""
        raise ServiceError("llm", "asks for tool after tool", retryable=False)

    async def _ask(self, reply: Reply) -> list[ChatMessage]:
        talk, news = self._conversation, self._conversation.news
        talk.today = self._today()
        asked = talk.with_question(reply.turn_id, reply.question, reply.reply_id)
        last = next((said.content for said in reversed(asked) if said.role == "user"), "")
        if reply.question and len(last) < len(reply.question):
            log.warning(
                "the question alone is more than the model can be asked: only its end is",
                characters=len(reply.question),
                asked=len(last),
                limit_tokens=talk.limit_tokens,
            )
        reply.news = news
        if reply.committed.is_set():
            await self._tell_of(reply)
        return asked

    async def _say(self, reply: Reply, messages: list[ChatMessage]) -> Finished:
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
                            credit(reply.facts, delta.source)
                        count(reply.facts, delta, self._now() - first_s if reply.spoken else 0.0)
        if finished is None:
            raise ServiceError("llm", "an answer without an end", retryable=True)
        return finished

    async def _first_token(
        self, reply: Reply, delta: TextDelta, asked_s: float, first_s: float
    ) -> None:
        reply.said = True
        if reply.bridging is not None:
            reply.bridging.cancel()
        reply.facts["llm_first_token_s"] = round(first_s - asked_s, 6)
        credit(reply.facts, delta.source)
        reply_id = reply.reply_id
        await self.push_frame(FactFrame(Span("llm", asked_s, first_s, reply_id)))
        await self.push_frame(FactFrame(Milestone("first_token", first_s, reply_id)))
        await self.push_frame(FactFrame(AnswerCounted(dict(reply.facts), reply_id, over=False)))

    # ---- tools ----

    async def _use_tools(self, reply: Reply, finished: Finished) -> bool:
        """True if the reply is over with it: it has said all, and something is to be done."""
        await reply.committed.wait()
        began_s = self._now()
        if reply.spoken:
            await self.push_frame(TokenFrame(reply.reply_id, "\n"))
        if not reply.said and reply.bridging is None:
            reply.bridging = self.create_task(self._bridge(reply))
        await self._settle(reply, finished.tool_calls)
        calls, tooling = finished.tool_calls, self._tooling
        line = tooling.call(calls, reply.turn_id, reply.reply_id, reply.spoken)
        await tooling.wait(line)
        add(reply.facts, "llm_tool_calls", len(calls))
        worked = Span("llm", began_s, self._now(), reply.reply_id, waited=True)
        await self.push_frame(FactFrame(worked))
        is_last_word = tooling.acts_after(reply.reply_id, [line]) and bool(reply.spoken)
        if is_last_word:
            self._conversation.told([line], reply.reply_id)
        return is_last_word

    async def _settle(self, reply: Reply, calls: Sequence[ToolCall]) -> None:
        """The person may go on after all, and what was done cannot be withdrawn."""
        while self._tooling.changes_anything(calls):
            await reply.floor.wait()
            wait_s = reply.settled_s - self._now()
            if wait_s <= 0:
                return
            await asyncio.sleep(wait_s)

    async def _tell_of(self, reply: Reply) -> None:
        """It is let go, and its request has told the model of these results."""
        news, reply.news = reply.news, []
        self._conversation.told(news, reply.reply_id)
        self._tooling.acts_after(reply.reply_id, news)
        await self._tell_turn()

    async def _tell_turn(self) -> None:
        """True if there are results that nobody has told of."""
        waiting = bool(self._conversation.news)
        if waiting != self._results_waited:
            self._results_waited = waiting
            await self.push_frame(FactFrame(ResultsWaiting(waiting)), FrameDirection.UPSTREAM)

    async def _bridge(self, reply: Reply) -> None:
        """A person who hears nothing for long believes that the line is dead."""
        await asyncio.sleep(self._policy.meanwhile_s)
        reply.said = True
        await self.push_frame(TokenFrame(reply.reply_id, self._phrases.meanwhile, filler=True))

    def _now(self) -> float:
        return self.get_event_loop().time()
