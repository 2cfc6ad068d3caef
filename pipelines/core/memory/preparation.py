"""The next question is prepared while nobody waits: count, cut, sum up, warm."""

import enum
from collections.abc import Callable
from typing import TypeAlias

from pipelines.core.commands import CancelPreparation, CountTokens, SumUp, WarmPrompt
from pipelines.core.events import PromptWarmed, SummaryCame, TokensCounted
from pipelines.core.memory.chat import ChatMessage
from pipelines.core.memory.conversation import Conversation
from pipelines.core.thinking.answering import AnsweringPolicy

SUM_UP = (
    "Sum up this conversation in at most four short sentences, for yourself to go on from. "
    "Keep names, numbers, dates and what was agreed."
)
MOST_POSTPONED = 3
"""So many questions come before what was cut is summed up; then it is done beside the next one.
That one may wait for it, where an endpoint serves one at a time."""
STAND_IN = "Hello."
"""In place of the question that is not known yet: templates want the person to speak last."""
Order: TypeAlias = CountTokens | SumUp | WarmPrompt | CancelPreparation


class Step(enum.Enum):
    IDLE = enum.auto()
    COUNTING = enum.auto()
    SUMMING_UP = enum.auto()
    WARMING = enum.auto()


class Preparation:
    """It can be cancelled anywhere; for a question that comes it gives way, with one exception."""

    def __init__(
        self,
        conversation: Conversation,
        policy: AnsweringPolicy,
        order: Callable[[Order], None],
        is_asked: Callable[[], bool],
        *,
        has_prompts: bool,
        instruction: str = "",
    ) -> None:
        """`is_asked`: whether a question is being answered now. `instruction`: stands before each.

        `has_prompts`: the server counts tokens and has a prompt's beginning read ahead.
        """
        self._conversation = conversation
        self._policy = policy
        self._order = order
        self._is_asked = is_asked
        self._has_prompts = has_prompts
        self._instruction = instruction
        self._step = Step.IDLE
        self._summed_lines = 0
        self._postponed = 0
        """How often, since the last summary or the last try."""

    @property
    def _owes_summary(self) -> bool:
        return self._policy.summarise and bool(self._conversation.cut_lines)

    def begin(self) -> None:
        """From the beginning again, but for a summary that is on its way."""
        if self._step is not Step.IDLE:
            if self._owes_summary:
                return
            self._cancel()
        texts = self._conversation.uncounted()
        if self._has_prompts and self._conversation.limit_tokens is not None and texts:
            self._step = Step.COUNTING
            self._order(CountTokens(texts))
        else:
            self._cut()

    def give_way(self) -> None:
        """A question comes. It waits beside a summary that was put off too often."""
        if self._step is Step.IDLE:
            return
        if self._owes_summary:
            self._postponed += 1
            if self._postponed > MOST_POSTPONED:
                return
        self._cancel()

    def counted(self, fact: TokensCounted, now: float) -> None:
        if self._step is Step.COUNTING:
            if fact.tokens is not None:
                self._conversation.counted(fact.text, fact.tokens)
            if fact.left == 0:
                self._cut()

    def summed_up(self, fact: SummaryCame, now: float) -> None:
        if self._step is Step.SUMMING_UP:
            if fact.text is not None:
                self._conversation.summed_up(fact.text, self._summed_lines)
            self._postponed = 0
            self._warm()

    def warmed(self, fact: PromptWarmed, now: float) -> None:
        if self._step is Step.WARMING:
            self._step = Step.IDLE

    def _cut(self) -> None:
        self._conversation.trim()
        if not self._policy.summarise:
            self._conversation.forget_what_was_cut()
        cut, self._summed_lines = self._conversation.to_sum_up, self._conversation.cut_lines
        if cut:
            self._step = Step.SUMMING_UP
            self._order(SumUp(f"{SUM_UP}\n\n{cut}"))
        else:
            self._warm()

    def _warm(self) -> None:
        self._step = Step.IDLE
        if self._has_prompts and self._policy.warm and not self._is_asked():
            self._step = Step.WARMING
            said = self._conversation.prefix()
            stand_in = ChatMessage("user", self._instruction + STAND_IN)
            self._order(WarmPrompt((*said, stand_in)))

    def _cancel(self) -> None:
        self._step = Step.IDLE
        self._order(CancelPreparation())
