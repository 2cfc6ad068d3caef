"""The language model's own opinion of whether the turn is over, as the first mark of its answer.

The marks are those of Pipecat 1.14 (`pipecat.turns.user_turn_completion_mixin`): ◐ stands for
speech that was cut off, ○ for somebody who needs time, ● for a turn that is complete. Unlike
Pipecat, we ask for ◐ alone: an answer without a mark costs no token more.
"""

import enum

INCOMPLETE = frozenset("◐○◑◒◓◔◕◯")
"""The person goes on. Small models mix up the half circles."""
COMPLETE = frozenset("●⬤")
MARK = "◐"

INSTRUCTION = (
    "[Note: the words below may break off, for the caller may still be speaking. If they plainly "
    "do (an open sentence, list, number or address, a greeting or a name before the request, "
    f'"hold on"), reply with {MARK} alone. Otherwise answer them as usual, without a word about '
    "this note.]\n\n"
)
"""Goes before the caller's words, in the same message: all before it stays in a prompt cache, and
a server that prepares for the next question has read the instruction when that comes.
"""
INSTRUCTION_TOKENS = 120
"""Its length at the most, in any known tokenizer."""

_AFTER = frozenset("\"'`*_)]}>”’»›")
"""Characters that a model closes a mark with."""


class _Place(enum.Enum):
    BEGINNING = enum.auto()
    BEHIND_COMPLETE = enum.auto()
    """Only ● has come, and what closes it."""
    ANSWER = enum.auto()
    INCOMPLETE = enum.auto()


class TurnMarks:
    """Takes the marks out of one answer, however it is cut into pieces."""

    def __init__(self) -> None:
        self._place = _Place.BEGINNING
        self._held = ""
        """Characters that may stand around a mark that is still to come."""

    @property
    def is_incomplete(self) -> bool:
        """True if the answer is that the person has not finished: nothing of it may be heard."""
        return self._place is _Place.INCOMPLETE

    def feed(self, text: str) -> str:
        """The text to be passed on."""
        return "".join(map(self._take, text))

    def finish(self) -> None:
        """The answer is over. One without a letter or a figure ("...", a mark that a server has
        broken) is none: the model has nothing to say yet.
        """
        if self._place is _Place.BEHIND_COMPLETE or self._held.strip():
            self._place = _Place.INCOMPLETE

    def _take(self, char: str) -> str:
        if self._place is _Place.INCOMPLETE:
            return ""
        if char in INCOMPLETE or char in COMPLETE:
            return self._mark(char)
        if self._place is _Place.ANSWER:
            return char
        if self._place is _Place.BEGINNING and not char.isalnum():
            self._held += char
            return ""
        if self._place is _Place.BEHIND_COMPLETE and (char.isspace() or char in _AFTER):
            return ""
        held, self._held, self._place = self._held, "", _Place.ANSWER
        return held + char

    def _mark(self, char: str) -> str:
        if self._place is _Place.BEGINNING:
            is_complete = char in COMPLETE
            self._place = _Place.BEHIND_COMPLETE if is_complete else _Place.INCOMPLETE
            self._held = ""
        return ""
