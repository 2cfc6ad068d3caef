"""The caller as a page: ready, microphone, reports of what was played, flushes."""

from typing import Any

from bot.calls.errors import PeerError
from client.caller import protocol
from client.caller.dialect import Message
from client.caller.measure import ReceivedMessage
from client.caller.player import Loudspeaker, PlaybackReport
from pipelines.audio.pcm import Pcm

READY_ID = "1"
REPORT_EVERY_FRAMES = 4
"""80 ms: the server wants to hear of what was played at least every 100 ms."""


class Browser:
    def __init__(self, *, stock: bool = False, jitter_s: float = 0.0) -> None:
        """`stock` behaves as Pipecat's own client: it never flushes and never reports."""
        self._stock = stock
        self.speaker = Loudspeaker(jitter_s=jitter_s)
        self.heard: list[ReceivedMessage] = []
        self.is_ready = False
        self._frames = 0
        self._reported = PlaybackReport(0, 0)
        self._reports = 0

    def greet(self) -> list[Message]:
        return [protocol.client_ready(READY_ID, stock=self._stock)]

    def say(self, pcm: Pcm, digits: str, now: float) -> list[Message]:
        """A page has no keys."""
        self._frames += 1
        messages: list[Message] = [protocol.audio(pcm)]
        if self._frames % REPORT_EVERY_FRAMES == 0:
            messages += self._report(self.speaker.played(now))
        return messages

    def take(self, message: Message, now: float) -> list[Message]:
        match protocol.receive(message):
            case protocol.Audio(pcm):
                self.speaker.add(pcm, now)
            case protocol.Rtvi() as said:
                return self._obey(said, now)
            case None:
                pass
        return []

    def part(self) -> list[Message]:
        return [protocol.disconnect()]

    def _obey(self, said: protocol.Rtvi, now: float) -> list[Message]:
        self.heard.append(ReceivedMessage(now, said.kind, said.data))
        match said.kind:
            case "bot-ready" if said.id == READY_ID:
                self.is_ready = True
            case "server-message" if said.data.get("type") == "flush":
                return self._flush(said.data.get("generation"), now)
        return []

    def _flush(self, generation: Any, now: float) -> list[Message]:
        if self._stock:
            return []
        if not isinstance(generation, int):
            raise PeerError("the server sent a flush without a generation")
        messages = self._report(self.speaker.flush(generation, now))
        self._reported = PlaybackReport(generation, 0)
        return messages

    def _report(self, played: PlaybackReport) -> list[Message]:
        if self._stock or played == self._reported:
            return []
        self._reported = played
        self._reports += 1
        return [protocol.report(played, f"played-{self._reports}")]
