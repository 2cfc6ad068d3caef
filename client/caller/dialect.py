"""What a caller says and hears in the messages of one protocol: no I/O and no clock."""

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
        """What the server said beside audio, in order."""
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
        """What the server sent: the answers to it. Raises PeerError where it broke the protocol."""
        ...

    def part(self) -> list[Message]: ...
