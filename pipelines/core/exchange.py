"""Messages between a call and the person's side of it, whatever the protocol.

Audio positions count samples since the last `Flush`: each flush begins a new generation, so
late news of what was thrown away can be told from news of what is playing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.core.turn.expectation import Expected

CallState: TypeAlias = Literal["listening", "hearing", "thinking", "speaking"]
Speaker: TypeAlias = Literal["user", "bot"]


# ---- from the caller ----


@dataclass(frozen=True, slots=True)
class AudioIn:
    pcm: bytes
    """16 bit little endian, mono, at the rate that the connection states."""
    media_s: float | None = None
    """Its place on the client's media clock, if the client says so."""


@dataclass(frozen=True, slots=True)
class Played:
    """The listener has heard `samples` of what was sent since the last `Flush`."""

    generation: int
    samples: int
    client_s: float | None = None
    """When that was, on the client's own clock, if it says so."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The socket was given the frame of audio that begins there, of which this was to be told."""

    generation: int
    start: int
    at_s: float
    """Monotonic, on the server."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The person typed instead of talking."""

    text: str
    interrupts: bool = True
    """Else it is only to be known, and nothing answers it."""


@dataclass(frozen=True, slots=True)
class Muted:
    """The client has stopped (True) or restarted its microphone on purpose."""

    muted: bool


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """The person pressed a button: be silent now."""


@dataclass(frozen=True, slots=True)
class Dtmf:
    digit: str


@dataclass(frozen=True, slots=True)
class Expect:
    """The next answer will be of this kind, whatever the bot's words say."""

    kind: Expected
    size: int | None = None
    """As in `Expectation`."""


@dataclass(frozen=True, slots=True)
class LineDropped:
    """Nothing reaches the client until `LineRestored`; what it was sent may never have arrived."""


@dataclass(frozen=True, slots=True)
class LineRestored:
    """The client is there again, and has said what it heard before, if it knows."""


@dataclass(frozen=True, slots=True)
class SoundLost:
    """Sound of the caller was left out here: it came too late for the ears to come to it."""

    seconds: float


# ---- from the server ----


@dataclass(frozen=True, slots=True)
class Say:
    """The bot speaks of its own accord; whatever was under way is over."""

    text: str
    ends_call: bool = False
    """The call is over when this has been heard, unless the person cuts it off."""
    must_be_heard: bool = False
    """Nothing that the person does cuts it off; they are answered after it."""


CallerNews: TypeAlias = (
    Played | Sent | Typed | Muted | StopSpeaking | Dtmf | Expect | LineDropped | LineRestored | Say
)
FromCaller: TypeAlias = AudioIn | CallerNews


# ---- to the caller ----


@dataclass(frozen=True, slots=True)
class AudioOut:
    pcm: bytes
    """16 bit little endian, mono, at the rate that the connection states."""
    generation: int
    start: int
    """Index of its first sample since the last `Flush`."""
    tell: bool = False
    """Its carrier says when it has gone: `Sent`."""

    def sent(self, at_s: float) -> Sent:
        return Sent(self.generation, self.start, at_s)


@dataclass(frozen=True, slots=True)
class Flush:
    """Drop whatever has not been played yet; what follows belongs to `generation`."""

    generation: int


@dataclass(frozen=True, slots=True)
class Caption:
    speaker: Speaker
    text: str
    final: bool
    turn: int
    heard: str | None = None
    """In a bot's caption that was cut off: the part that was heard."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: CallState


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """One turn's ledger row, as `pipelines.core.ledger.ledger` writes it."""

    row: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AnswerMeasured:
    """One answer of the language model, at its end: figures, and the endpoint's name."""

    facts: Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class CallBegan:
    """The call's facts: engines, models and profile; and each share of the budget."""

    facts: Mapping[str, str | int | float | bool | None]
    shares_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something went wrong that the person should know of; a fixed sentence."""

    message: str
    fatal: bool = False


ToCaller: TypeAlias = (
    AudioOut | Flush | Caption | StateChanged | TurnMeasured | AnswerMeasured | CallBegan | Fault
)
