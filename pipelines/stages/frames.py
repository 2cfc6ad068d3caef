"""Frames between our stages: facts, commands, and a reply on its way to being heard."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import DataFrame, SystemFrame

from pipelines.core.commands import TurnCommand
from pipelines.core.events import LedgerFact, TurnFact
from pipelines.core.exchange import FromCaller
from pipelines.core.speaking.playout import PlayoutWord


@dataclass
class CallerFrame(SystemFrame):
    """Something that the person's side did, its audio included."""

    event: FromCaller


@dataclass
class FactFrame(SystemFrame):
    """Facts for the turn go up to it, facts for the ledger go down to it."""

    fact: TurnFact | LedgerFact


@dataclass
class CommandFrame(SystemFrame):
    command: TurnCommand
    at_s: float


@dataclass
class SpokenFrame(SystemFrame):
    """The bot's voice on its way to the loudspeaker: what the microphone may bring back."""

    pcm: bytes
    """16 bit little endian, mono, at the call's own rate."""
    plays_at_s: float
    """When its first sample is heard, by the clock: never later than it really is."""


@dataclass
class SilencedFrame(SystemFrame):
    """Audio on its way to the loudspeaker was thrown away."""


@dataclass
class TokenFrame(DataFrame):
    reply_id: int
    text: str
    came_s: float | None = None
    """When it came from the model, where it has been held since."""
    filler: bool = False
    """It bridges a wait, and is no part of the answer."""


@dataclass
class ClauseFrame(DataFrame):
    reply_id: int
    text: str
    filler: bool = False


@dataclass
class EnoughFrame(DataFrame):
    """Upstream: nothing more of this reply is spoken, so nothing more of it is wanted."""

    reply_id: int


@dataclass
class SpeechFrame(DataFrame):
    """A piece of a clause's audio at the call's own rate; `text` comes with its first piece."""

    reply_id: int
    pcm: NDArray[np.int16]
    text: str = ""
    words: tuple[PlayoutWord, ...] = field(default=())
    filler: bool = False


@dataclass
class UnspokenFrame(DataFrame):
    """A part of an answer that cannot be spoken, or all of it."""

    reply_id: int
    why: str
    """For the person: a fixed sentence."""


@dataclass
class TakenBackFrame(DataFrame):
    """The reply begins anew: nothing that came of it before was meant for the listener."""

    reply_id: int


@dataclass
class ReplyEndFrame(DataFrame):
    """No more of this reply comes after it."""

    reply_id: int
    sorry: str = ""
    """It broke off: what to say where that can be heard."""
    is_cut: bool = False
    """The model was stopped at its limit: the reply is to end at a whole sentence."""
