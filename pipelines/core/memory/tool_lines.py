"""Calls of tools as the history keeps them, and as the model is told of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.core.memory.chat import ChatMessage, ToolCall
from pipelines.core.memory.tool_runs import Fate, ToolRun

STILL_RUNNING = "Still running. Its result will be told here once it is there."
AGAIN = "(It was not run again: this is the result of the same call of before.)"
CUT_OFF = "(The answer to this was cut off: the caller has not heard all of it.)"
CANCELLED = "Cancelled: the caller spoke before it had finished. It can be called again."
NOT_DONE = "Not done: the caller spoke before the answer had been heard. It can be called again."


@dataclass(slots=True, eq=False)
class Use:
    """One call that the model made, and what it was told."""

    call: ToolCall
    run: ToolRun | None
    """None: it was asked for wrongly, and nothing was run."""
    result: str | None
    """None while it runs."""
    again: bool = False
    """It was run before, and is not run for this call."""
    told_running: bool = False
    """A request has told the model that it was still running: that stands."""

    @property
    def is_running(self) -> bool:
        return self.run is not None and self.run.fate is Fate.RUNNING

    @property
    def is_open(self) -> bool:
        """It has no result, and no request has said so."""
        return self.result is None and not self.told_running

    @property
    def is_news(self) -> bool:
        """Its result is there, and no reply that was let go has told of it."""
        return self.result is not None and self.run is not None and not self.run.answered

    @property
    def content(self) -> str:
        if self.result is None:
            return STILL_RUNNING
        return f"{self.result}\n{AGAIN}" if self.again else self.result

    @property
    def summary(self) -> str:
        return f"{self.call.name} {self.call.arguments or '{}'}: {self.content}"

    def tell(self) -> None:
        """A request is made with it."""
        if self.result is None:
            self.told_running = True
        elif self.run is not None:
            self.run.told = True


def summary(uses: Sequence[Use]) -> str:
    """For those who cannot be told in messages."""
    return "\n".join(use.summary for use in uses)


def late(run: ToolRun, call_id: str) -> Use:
    """A result that comes after the model was told that it was still running."""
    return Use(ToolCall(call_id, run.name, run.arguments), run, run.result, again=True)


def undone(run: ToolRun, why: str) -> None:
    """It is not to be heard of by itself, and may be asked for again."""
    run.fate, run.result, run.answered = Fate.CANCELLED, why, True


def messages(uses: Sequence[Use], *, spoken: str = "", cut_off: bool = False) -> list[ChatMessage]:
    """In the order of the chat API: an assistant's message with the calls, then the results."""
    asked = ChatMessage("assistant", spoken, tool_calls=tuple(use.call for use in uses))
    told = [ChatMessage("tool", use.content, answers=use.call.call_id) for use in uses]
    if cut_off and uses:
        last = told[-1]
        told[-1] = ChatMessage("tool", f"{last.content}\n{CUT_OFF}", answers=last.answers)
    return [asked, *told]
