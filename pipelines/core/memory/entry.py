"""One line of a call's history: a side's words in one turn, or the calls of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.core.memory.chat import ChatMessage
from pipelines.core.memory.tool_lines import Use, messages, summary
from pipelines.core.memory.tool_runs import ToolRun

CHARACTERS_A_TOKEN = 3.5
"""English, in Gemma's tokens: 4.2 in long texts, less in short turns. Too low is safe."""
MESSAGE_TOKENS = 6
"""Tokens that a chat template puts around a message."""
NO_TURN = 0
"""The first turn is 1."""


@dataclass(slots=True, eq=False)
class HistoryEntry:
    """One side's words in one turn, or the calls of one answer with their results."""

    role: Literal["user", "assistant", "tool"]
    text: str
    turn_id: int
    reply_id: int | None = None
    """Whose words these are, or whose answer made the calls."""
    estimated: bool = False
    """True where `heard` is no report of the client's, but what was sent less the lead."""
    tokens: int | None = None
    """As the server counts them; None until it has."""
    uses: Sequence[Use] = ()
    spoken: str = ""
    """By the model, before it made the calls: heard or not."""
    told_by: int | None = None
    """The reply that was let go with their results."""
    heard: bool = False
    """To its end, the reply that told of them."""

    @property
    def size(self) -> int:
        """Tokens, with what a template puts around them."""
        counted = estimate(self.text) if self.tokens is None else self.tokens
        return counted + MESSAGE_TOKENS * (1 + len(self.uses))

    @property
    def is_news(self) -> bool:
        return any(use.is_news for use in self.uses)

    @property
    def is_running(self) -> bool:
        return any(use.is_running for use in self.uses)

    def is_of(self, turn_id: int, reply_id: int | None) -> bool:
        """It belongs to what this reply is asked, or to what it has done and said so far."""
        if self.role == "assistant":
            return reply_id is not None and self.reply_id == reply_id
        return self.turn_id == turn_id

    def learn(self, run: ToolRun) -> None:
        """The calls that wait for this run, and that no request has told of, have its result."""
        for use in self.uses:
            if use.run is run and use.is_open:
                use.result = run.result
        self._count_anew()

    def correct(self, run: ToolRun) -> None:
        """Its result is another after all."""
        for use in self.uses:
            if use.run is run and use.result is not None:
                use.result = run.result
        self._count_anew()

    def _count_anew(self) -> None:
        self.text, self.tokens = summary(self.uses), None

    def as_messages(self, reply_id: int | None) -> list[ChatMessage]:
        """For the request of this reply."""
        if self.role != "tool":
            return [ChatMessage(self.role, self.text)]
        spoken = self.spoken if reply_id is not None and self.reply_id == reply_id else ""
        cut_off = self.told_by not in (None, reply_id) and not self.heard
        return messages(self.uses, spoken=spoken, cut_off=cut_off)


def estimate(text: str) -> int:
    """Tokens, where nobody counts them."""
    return int(len(text) / CHARACTERS_A_TOKEN) + 1
