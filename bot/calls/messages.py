"""The vocabulary every codec shares: a call's own, and how a connection begins and ends."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pipelines.core.exchange import FromCaller, ToCaller


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake is done; the client is ready to hear and to be heard."""

    session_id: str
    flushes: bool = False
    """It obeys `Flush` and reports `Played`; else it plays whatever it was sent."""
    sends_always: bool = False
    """It sends audio all of the time, unless it has said that it is muted; else it may stop at any
    time without a word.
    """


@dataclass(frozen=True, slots=True)
class Closed:
    """The client has said goodbye."""


FromClient: TypeAlias = Opened | FromCaller | Closed
ToClient: TypeAlias = ToCaller


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
        """The protocol's own messages (a handshake's answer) since last asked."""
        ...
