"""Frames of our own: the marks between which a reply's data goes down the chain.

Between them stand Pipecat's own frames, which need no id: a processor that makes new ones loses
nothing. An interruption drops data on its way, and none of these marks.
"""

from dataclasses import dataclass, field

from pipecat.frames.frames import (
    ControlFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    TTSTextFrame,
)

from pipelines.core.events import PlayoutWord


@dataclass
class ReplyStartFrame(LLMFullResponseStartFrame):
    """Frames after it belong to this reply. Once more with the same id: it begins anew, and nothing
    that came of it before was meant for the listener.
    """

    reply_id: int = 0
    heard_by_s: float | None = None
    """Something of it is to be heard by then (monotonic seconds); None where nobody has asked."""
    interruptible: bool = field(default=False, init=False)


@dataclass
class ReplyEndFrame(LLMFullResponseEndFrame):
    """No more of this reply comes after it."""

    reply_id: int = 0
    sorry: str = ""
    """It broke off: what to say where that can be heard."""
    is_cut: bool = False
    """The model was stopped at its limit: the reply is to end at a whole sentence."""
    interruptible: bool = field(default=False, init=False)


@dataclass
class FillerStartFrame(ControlFrame):
    """Text and sound up to `FillerEndFrame` bridge a wait, and are no part of the answer."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class FillerEndFrame(ControlFrame):
    interruptible: bool = field(default=False, init=False)


@dataclass
class QuestionFrame(LLMContextFrame):
    """A prompt for the language model."""

    waited_s: float = 0.0
    """How long the person has waited for an answer to it."""
    judges_turn: bool = False
    """It lets the model say instead that the person has not finished."""


@dataclass
class ClauseTextFrame(TTSTextFrame):
    """A clause whose sound follows; without a text, more words of the clause before."""

    words: tuple[PlayoutWord, ...] = ()
