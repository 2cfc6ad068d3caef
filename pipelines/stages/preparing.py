"""Work for the next question while nobody waits: count, cut, sum up, warm."""

from collections.abc import Callable
from contextlib import aclosing

import structlog

from pipelines.core.memory.conversation import Conversation
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.services.protocols import (
    ChatMessage,
    LanguageModel,
    PromptCache,
    Sampling,
    ServiceError,
    TextDelta,
)

SUM_UP = (
    "Sum up this conversation in at most four short sentences, for yourself to go on from. "
    "Keep names, numbers, dates and what was agreed."
)
SUMMARY_SAMPLING = Sampling(max_tokens=160, temperature=0.0)
MOST_POSTPONED = 3
"""So many questions come before what was cut is summed up; then it is done beside the next one.
That one may wait for it, where an endpoint serves one at a time."""
STAND_IN = "Hello."
"""In place of the question that is not known yet: templates want the person to speak last."""

log = structlog.get_logger(__name__)


class Preparing:
    """No stage: it works on the conversation between two turns, and can be cancelled anywhere.

    Who cancels it for a question asks `gives_way` before.
    """

    def __init__(
        self,
        llm: LanguageModel,
        prompts: PromptCache | None,
        conversation: Conversation,
        policy: AnsweringPolicy,
        sampling: Sampling,
        is_asked: Callable[[], bool] = lambda: False,
    ) -> None:
        """`sampling`: as the next question will be asked, tools and all.

        `is_asked`: whether a question is being answered now.
        """
        self._llm = llm
        self._prompts = prompts
        self._conversation = conversation
        self._policy = policy
        self._sampling = sampling
        self._is_asked = is_asked
        self._postponed = 0
        """How often, since the last summary or the last try."""

    @property
    def owes_summary(self) -> bool:
        return self._policy.summarise and bool(self._conversation.cut_lines)

    def gives_way(self) -> bool:
        """To a question that comes while it is at work. False where a summary is overdue.

        Each time counts as one by which the summary is put off.
        """
        if not self.owes_summary:
            return True
        self._postponed += 1
        return self._postponed <= MOST_POSTPONED

    async def prepare(self) -> None:
        await self._count()
        self._conversation.trim()
        await self._sum_up()
        if self._prompts is not None and self._policy.warm and not self._is_asked():
            said = self._conversation.prefix()
            await self._prompts.warm([*said, ChatMessage("user", STAND_IN)], self._sampling)

    async def _count(self) -> None:
        if self._prompts is None or self._conversation.limit_tokens is None:
            return
        for text, tell in self._conversation.uncounted():
            tokens = await self._prompts.count(text)
            if tokens is None:
                return
            tell(tokens)

    async def _sum_up(self) -> None:
        cut, lines = self._conversation.to_sum_up, self._conversation.cut_lines
        if not self._policy.summarise:
            self._conversation.forget_what_was_cut()
        elif cut:
            try:
                self._conversation.summed_up(await self._ask(f"{SUM_UP}\n\n{cut}"), lines)
            except ServiceError as error:
                log.warning("what was cut could not be summed up", error=str(error))
            self._postponed = 0

    async def _ask(self, text: str) -> str:
        asked = [ChatMessage("user", text)]
        stream = self._llm.stream(asked, SUMMARY_SAMPLING)
        async with aclosing(stream):
            said = [delta.text async for delta in stream if isinstance(delta, TextDelta)]
        return "".join(said)
