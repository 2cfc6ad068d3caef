"""The vocabulary every codec shares: what a client tells us, what we tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

State: TypeAlias = Literal["listening", "hearing", "thinking", "speaking"]
Speaker: TypeAlias = Literal["user", "bot"]


# ---- from the client ----


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake is done; the client is ready to hear and to be heard."""

    session_id: str


@dataclass(frozen=True, slots=True)
class AudioIn:
    pcm: bytes
    """16 bit little endian, mono, at the rate that the codec states."""
    media_s: float | None = None
    """Where it belongs on the client's media clock, if the client says so."""


@dataclass(frozen=True, slots=True)
class Played:
    """The listener has heard `samples` of what was sent since the last `Flush`."""

    generation: int
    samples: int


@dataclass(frozen=True, slots=True)
class Typed:
    """The person typed instead of talking."""

    text: str
    interrupts: bool = True


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
class Closed:
    pass


FromClient: TypeAlias = Opened | AudioIn | Played | Typed | Muted | StopSpeaking | Dtmf | Closed


# ---- to the client ----


@dataclass(frozen=True, slots=True)
class AudioOut:
    pcm: bytes
    """16 bit little endian, mono, at the rate that the codec states."""
    generation: int
    start: int
    """Index of its first sample since the last `Flush`."""


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
    """Of a bot's caption that was cut off: the part that was heard."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: State


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """One turn's ledger row, as `pipelines.core.ledger` writes it."""

    row: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something went wrong that the person should know of; a fixed sentence."""

    message: str
    fatal: bool = False


ToClient: TypeAlias = AudioOut | Flush | Caption | StateChanged | TurnMeasured | Fault


class Codec(Protocol):
    """One client protocol, sans I/O."""

    @property
    def in_rate_hz(self) -> int: ...

    @property
    def out_rate_hz(self) -> int: ...

    def receive(self, message: str | bytes) -> list[FromClient]:
        """Raises PeerError if the client broke the protocol, and nothing else."""
        ...

    def send(self, request: ToClient) -> list[str | bytes]: ...

    def replies(self) -> list[str | bytes]:
        """What the protocol itself owes the client (a handshake's answer), since last asked."""
        ...
