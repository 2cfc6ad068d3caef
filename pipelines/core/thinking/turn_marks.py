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
    "\n\n[Not said by the caller: the words above come from speech recognition, and the caller may "
    "still be speaking. If they plainly break off (an open sentence, list, number or address, a "
    f'greeting or a name before the request, "hold on"), reply with {MARK} and nothing else. If '
    "they may be all that the caller has to say, reply as usual, without mentioning this note.]"
)
"""Goes after the caller's words, where it leaves the prompt's beginning as it was."""
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
