"""The call's only history: what the person said, and of the bot's words those that were heard."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Line:
    """One side's words in one turn."""

    role: Literal["user", "assistant"]
    text: str
    turn_id: int
    reply_id: int | None = None
    estimated: bool = False
    """What was heard is not what the client said it played, but what was sent less the lead."""


class Conversation:
    """Append-only but for its last lines, so that a server's prefix cache stays warm."""

    def __init__(self, system_prompt: str) -> None:
        self.system_prompt = system_prompt
        self.aside = ""
        """Said to the model before the next question, and never history."""
        self._lines: list[Line] = []

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    def said(self, turn_id: int, text: str) -> None:
        """The person said this. A turn that was reopened and committed again is said anew."""
        for line in reversed(self._lines):
            if line.role == "user" and line.turn_id == turn_id:
                line.text = text
                return
        self._lines.append(Line("user", text, turn_id))

    def unsaid(self, turn_id: int) -> None:
        """The turn goes on after all: it is said when it is over."""
        self._lines = [
            line for line in self._lines if line.role != "user" or line.turn_id != turn_id
        ]

    def heard(self, turn_id: int, reply_id: int, text: str, *, estimated: bool) -> None:
        """The person has heard this much of a reply, counted from its beginning."""
        for line in reversed(self._lines):
            if line.reply_id == reply_id:
                line.text, line.estimated = text, estimated
                return
        if text:
            self._lines.append(Line("assistant", text, turn_id, reply_id, estimated))

    def with_question(self, turn_id: int, text: str) -> list[tuple[str, str]]:
        """(role, content) pairs to ask the model with, `text` being what is said last."""
        past = [
            (line.role, line.text)
            for line in self._lines
            if line.text and not (line.role == "user" and line.turn_id == turn_id)
        ]
        aside = [("system", self.aside)] if self.aside else []
        return [("system", self.system_prompt), *past, *aside, ("user", text)]
