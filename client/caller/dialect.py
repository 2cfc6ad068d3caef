"""A caller's side of one protocol, in its messages: no I/O and no clock."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from client.caller.measure import ReceivedMessage
from client.caller.player import Loudspeaker
from pipelines.audio.pcm import Pcm

Message: TypeAlias = str | bytes


class ClientDialect(Protocol):
    """One client protocol, from the caller's side. It plays what it receives into `speaker`."""

    @property
    def speaker(self) -> Loudspeaker: ...

    @property
    def heard(self) -> Sequence[ReceivedMessage]:
        """The server's messages beside audio, in order."""
        ...

    @property
    def is_ready(self) -> bool:
        """The server listens."""
        ...

    def greet(self) -> list[Message]: ...

    def say(self, pcm: Pcm, digits: str, now: float) -> list[Message]:
        """The next 20 ms of the microphone, keys that were pressed in it, and what else is due."""
        ...

    def take(self, message: Message, now: float) -> list[Message]:
        """The answers to a server's message. Raises PeerError where it broke the protocol."""
        ...

    def part(self) -> list[Message]: ...
