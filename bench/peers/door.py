"""The caller's side of a peer's line: bare samples both ways, and a word when it listens."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from client.caller.dialect import Message
from client.caller.door import Entrance
from client.caller.measure import ReceivedMessage
from client.caller.player import Loudspeaker
from pipelines.audio.pcm import Pcm

READY = "ready"


class LineDialect:
    def __init__(self) -> None:
        self._speaker = Loudspeaker()
        self._is_ready = False

    @property
    def speaker(self) -> Loudspeaker:
        return self._speaker

    @property
    def heard(self) -> Sequence[ReceivedMessage]:
        return []

    @property
    def is_ready(self) -> bool:
        return self._is_ready

    def greet(self) -> list[Message]:
        return []

    def say(self, pcm: Pcm, digits: str, now: float) -> list[Message]:
        return [pcm.astype("<i2").tobytes()]

    def take(self, message: Message, now: float) -> list[Message]:
        if isinstance(message, bytes):
            self._speaker.add(np.frombuffer(message, "<i2"), now)
        elif message == READY:
            self._is_ready = True
        return []

    def part(self) -> list[Message]:
        return []


@dataclass(frozen=True, slots=True)
class LineDoor:
    @asynccontextmanager
    async def entered(self, url: str, timeout_s: float) -> AsyncIterator[Entrance]:
        yield Entrance(url, LineDialect())
