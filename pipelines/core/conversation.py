"""The call's only history: what the person said, and of the bot's words those that were heard."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CHARACTERS_A_TOKEN = 3.5
"""Of English, in Gemma's tokens: 4.2 in long texts, less in short turns. Too low is safe."""
MESSAGE_TOKENS = 6
"""What a chat template puts around a message."""
QUESTION_SHARE = 8
"""The part of the limit, one in so many, that is kept free for the next question."""
KEPT_SHARE = 3
"""The part of the room for the talk, one in so many, that is left when the oldest turns go."""
LONGEST_SUMMARY = 1200
"""Characters."""
SUMMARY = "Earlier in this call: "
SUMMING_UP_TOKENS = 64
"""Of what asks for a summary."""
NO_TURN = 0
"""The first turn is 1."""
_CUT_LINES = 2000
"""Remembered of what was cut and not summed up yet."""


@dataclass(slots=True)
class Line:
    """One side's words in one turn."""

    role: Literal["user", "assistant"]
    text: str
    turn_id: int
    reply_id: int | None = None
    estimated: bool = False
    """What was heard is not what the client said it played, but what was sent less the lead."""
    tokens: int | None = None
    """As the server counts them; None until it has."""


class Conversation:
    """Append-only but for its last lines, so that a server's prefix cache stays warm.

    When it no longer fits, the oldest two thirds go at once: the beginning changes rarely.
    """

    def __init__(self, system_prompt: str, limit_tokens: int | None = None) -> None:
        """`limit_tokens`: of a whole prompt; None for no limit."""
        self.system_prompt = system_prompt
        self.today = ""
        """Which day it is: told after the system prompt, where a change leaves that cached."""
        self.aside = ""
        """Said to the model before the next question, and never history."""
        self.limit_tokens = limit_tokens
        self.summary = ""
        """Of what was cut."""
        self._lines: list[Line] = []
        self._cut: list[Line] = []

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    @property
    def tokens(self) -> int:
        """Of the prompt without a question."""
        return self._told_tokens + sum(_size(line) for line in self._lines)

    def said(self, turn_id: int, text: str) -> None:
        """The person said this. A turn that was reopened and committed again is said anew."""
        for line in reversed(self._lines):
            if line.role == "user" and line.turn_id == turn_id:
                line.text, line.tokens = text, None
                return
        self._lines.append(Line("user", text, turn_id))

    def mentioned(self, text: str) -> None:
        """The person let it be known, in no turn: nothing answers it."""
        self._lines.append(Line("user", text, NO_TURN))
        self.trim()

    def unsaid(self, turn_id: int) -> None:
        """The turn goes on after all: it is said when it is over."""
        self._lines = [
            line for line in self._lines if line.role != "user" or line.turn_id != turn_id
        ]

    def heard(self, turn_id: int, reply_id: int, text: str, *, estimated: bool) -> None:
        """The person has heard this much of a reply, counted from its beginning."""
        for line in reversed(self._lines):
            if line.reply_id == reply_id:
                line.text, line.estimated, line.tokens = text, estimated, None
                return
        if text:
            self._lines.append(Line("assistant", text, turn_id, reply_id, estimated))

    # ---- what the model is told ----

    def with_question(self, turn_id: int, text: str) -> list[tuple[str, str]]:
        """(role, content) pairs to ask the model with, `text` being what is said last.

        The question is whole, unless it fills the prompt by itself: then it is its end.
        """
        text = self._make_room(turn_id, text)
        past = [
            (line.role, line.text)
            for line in self._lines
            if line.text and not (line.role == "user" and line.turn_id == turn_id)
        ]
        aside = [("system", self.aside)] if self.aside else []
        return [("system", self._told), *past, *aside, ("user", text)]

    def prefix(self) -> list[tuple[str, str]]:
        """What the next prompt begins with, as far as is known."""
        return [("system", self._told), *((line.role, line.text) for line in self._lines)]

    @property
    def _told(self) -> str:
        summary = f"{SUMMARY}{self.summary}" if self.summary else ""
        return "\n\n".join(part for part in (self.system_prompt, self.today, summary) if part)

    @property
    def _told_tokens(self) -> int:
        return estimate(self._told) + MESSAGE_TOKENS

    # ---- what no longer fits ----

    def trim(self) -> bool:
        """Between two turns: where the next question might not fit, the oldest turns go.

        A question that waits for its answer stays.
        """
        limit = self.limit_tokens
        if limit is None:
            return False
        most = limit - limit // QUESTION_SHARE
        return self._trim_to(most, min(most, self._kept(limit)), self._unanswered)

    def shrink(self, turn_id: int, question: str) -> bool:
        """Asked with this question it did not fit, whatever was counted: the oldest half goes.

        Where nothing but the question is left, its beginning goes. False if that is too little
        as well.
        """
        own, limit = self._own(turn_id), self.limit_tokens
        asked = _fitted(question, limit, self._told_tokens)
        beside = _beside(asked, own)
        size = self.tokens + beside
        if self._trim_to(0, size // 2 - beside, own):
            alone = self._told_tokens + _beside(asked, None)
            self.limit_tokens = min(limit or size, max(size * 3 // 4, alone))
            return True
        lower = min(limit or size, size * 3 // 4)
        if _fitted(question, lower, self._told_tokens) == asked:
            return False
        self.limit_tokens = lower
        return True

    def _make_room(self, turn_id: int, question: str) -> str:
        """What is asked of the question."""
        if self.limit_tokens is not None:
            own = self._own(turn_id)
            beside = _beside(question, own)
            self._trim_to(self.limit_tokens - beside, self._kept(self.limit_tokens) - beside, own)
        return _fitted(question, self.limit_tokens, self._told_tokens)

    def _own(self, turn_id: int) -> Line | None:
        """What was said in this turn."""
        said = (line for line in self._lines if line.role == "user" and line.turn_id == turn_id)
        return next(said, None)

    @property
    def _unanswered(self) -> Line | None:
        """The question of which no answer was heard yet, or else what was let be known last."""
        last: Line | None = None
        for line in reversed(self._lines):
            if line.role == "assistant":
                break
            if line.turn_id != NO_TURN:
                return line
            last = last or line
        return last

    def _kept(self, limit: int) -> int:
        """Of a whole prompt: what the model is told takes nothing from the talk's share."""
        return self._told_tokens + max(0, limit - self._told_tokens) // KEPT_SHARE

    def _trim_to(self, most: int, target: int, stays: Line | None) -> bool:
        """Cut whole turns from the front until `target`, if there is more than `most`.

        All but `stays`.
        """
        size = self.tokens
        if size <= most:
            return False
        at = 0
        while at < len(self._lines) and (size > target or self._lines[at].role == "assistant"):
            if self._lines[at] is not stays:
                size -= _size(self._lines[at])
            at += 1
        cut = [line for line in self._lines[:at] if line is not stays]
        self._cut = [*self._cut, *cut][-_CUT_LINES:]
        self._lines = [line for line in self._lines[:at] if line is stays] + self._lines[at:]
        return bool(cut)

    @property
    def to_sum_up(self) -> str:
        """What was cut since the last summary, with that summary before it; "" for nothing.

        Of what would not fit in a prompt of its own, the newest.
        """
        if not self._cut:
            return ""
        before = f"{SUMMARY}{self.summary}\n" if self.summary else ""
        cut = "\n".join(f"{line.role}: {line.text}" for line in self._cut)
        fitted = _fitted(cut, self.limit_tokens, estimate(before) + SUMMING_UP_TOKENS)
        whole_lines = cut if fitted == cut else fitted.partition("\n")[2]
        return before + (whole_lines or fitted)

    @property
    def cut_lines(self) -> int:
        """That were not summed up yet."""
        return len(self._cut)

    def summed_up(self, summary: str, lines: int | None = None) -> None:
        """`lines`: what `cut_lines` was when it was asked for; None for all."""
        self.summary = " ".join(summary.split())[:LONGEST_SUMMARY]
        del self._cut[:lines]

    def forget_what_was_cut(self) -> None:
        self._cut.clear()

    # ---- how much it is ----

    def uncounted(self) -> list[tuple[str, Callable[[int], None]]]:
        """Each text that the server has not counted, and whom to tell."""

        def tell(line: Line, text: str) -> Callable[[int], None]:
            def told(tokens: int) -> None:
                if line.text == text:  # else it has changed since
                    line.tokens = tokens

            return told

        return [(line.text, tell(line, line.text)) for line in self._lines if line.tokens is None]


def estimate(text: str) -> int:
    """Tokens, where nobody counts them."""
    return int(len(text) / CHARACTERS_A_TOKEN) + 1


def _fitted(question: str, limit: int | None, told: int) -> str:
    """Whole, or the end of one that would fill a prompt by itself, `told` being told before it."""
    if limit is None:
        return question
    room = max(limit - told - MESSAGE_TOKENS, limit // QUESTION_SHARE)
    return question[-max(1, int(room * CHARACTERS_A_TOKEN)) :]


def _beside(question: str, own: Line | None) -> int:
    """What a question adds to the lines, if it stands among them as `own`."""
    return estimate(question) + MESSAGE_TOKENS - (_size(own) if own is not None else 0)


def _size(line: Line) -> int:
    counted = estimate(line.text) if line.tokens is None else line.tokens
    return counted + MESSAGE_TOKENS
