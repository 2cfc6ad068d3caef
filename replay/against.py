"""A recorded caller at a running server: their sound at the times that it had, over its socket."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bot.calls.errors import PeerError
from client.caller import player, protocol
from client.caller.door import CallError, find_socket
from client.caller.microphone import MICROPHONE_RATE_HZ
from pipelines.addresses import printable
from pipelines.audio.two_track import TwoTrack
from pipelines.core.exchange import AudioIn
from replay.call_folder import RecordedCall, UnreadableError
from replay.performance import ReplayOutcome
from replay.stage import REPORT_EVERY_S, Ear, Replayed

READY_ID = "1"
HANDSHAKE_S = 10.0


async def against(
    url: str, token: str | None, call: RecordedCall, tell: Callable[[float], None]
) -> ReplayOutcome:
    """Takes the words of each turn from the server's own ledger. Raises UnreadableError."""
    try:
        address = await find_socket(url, HANDSHAKE_S, token)
        async with connect(address, compression=None, proxy=None) as socket:
            return await _Visit(socket, call).pay(tell)
    except (CallError, PeerError, OSError, WebSocketException) as error:
        raise UnreadableError(f"{printable(url)}: {error}") from error
    except ExceptionGroup as group:
        raise UnreadableError(f"{printable(url)}: {group.exceptions[0]}") from group


class _Visit:
    def __init__(self, socket: ClientConnection, call: RecordedCall) -> None:
        self._socket = socket
        self._call = call
        self._ear = Ear(player.PLAY_RATE_HZ)
        self._track = TwoTrack(MICROPHONE_RATE_HZ, player.PLAY_RATE_HZ)
        self._lines: list[dict[str, Any]] = []
        self._ready = asyncio.Event()
        self._begun_s = 0.0
        self._reports = 0
        self._said = ""
        self._answer: list[str] = []

    async def pay(self, tell: Callable[[float], None]) -> ReplayOutcome:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen())
            await self._socket.send(protocol.client_ready(READY_ID, stock=False))
            async with asyncio.timeout(HANDSHAKE_S):
                await self._ready.wait()
            self._begun_s = self._clock()
            reporting = tasks.create_task(self._report())
            await self._speak(tell)
            await asyncio.sleep(max(0.0, self._call.duration_s - self._now()))
            reporting.cancel()
            listening.cancel()
            await self._socket.send(protocol.disconnect())
        sound = self._track.take(max(self._call.duration_s, self._track.end_s))
        return ReplayOutcome(Replayed(self._lines, sound), Counter())

    async def _speak(self, tell: Callable[[float], None]) -> None:
        rate_hz = self._call.caller_rate_hz
        for at_s, event in self._call.from_caller():
            if not isinstance(event, AudioIn):
                continue
            await asyncio.sleep(max(0.0, at_s - self._now()))
            pcm = np.frombuffer(event.pcm, "<i2")
            if rate_hz != MICROPHONE_RATE_HZ:
                pcm = soxr.resample(pcm, rate_hz, MICROPHONE_RATE_HZ)
            self._track.hear(pcm, self._now())
            await self._socket.send(protocol.audio(pcm))
            tell(at_s)

    async def _listen(self) -> None:
        while True:
            match protocol.receive(await self._socket.recv()):
                case protocol.Audio(pcm):
                    self._ear.add(len(pcm), self._now())
                    self._track.say(pcm, self._now())
                case protocol.Rtvi(kind="bot-ready"):
                    self._ready.set()
                case protocol.Rtvi(kind="server-message", data=data):
                    await self._take(data)
                case protocol.Rtvi(kind=kind, data=data):
                    self._note(kind, data)
                case None:
                    pass

    async def _take(self, data: Any) -> None:
        match data:
            case {"type": "flush", "generation": int(generation)}:
                before = self._ear.flush(generation, self._now())
                self._track.flush(self._now())
                await self._tell(player.PlaybackReport(before.generation, before.samples))
            case {"type": "turn", "row": dict(row)}:
                self._measure(row)
            case _:
                pass

    def _note(self, kind: str, data: Any) -> None:
        if kind == "user-transcription" and data.get("final"):
            self._said = str(data.get("text", ""))
        elif kind == "bot-output" and data.get("spoken_status", "new") in {"new", None}:
            self._answer.append(str(data.get("text", "")))

    def _measure(self, row: dict[str, Any]) -> None:
        """A turn, as a recording would have it. It comes once its answer is heard."""
        now, turn = self._now(), row["turn"]
        ended_s = now - row["voice_to_voice_s"]
        caption = {"speaker": "bot", "text": " ".join(self._answer), "final": False, "turn": turn}
        commit = {"reply_id": turn, "turn_id": turn, "text": self._said}
        self._line("fact", "SpeechPaused", {"media_s": ended_s})
        self._line("fact", "Reached", {"what": "speech_ended", "at_s": now})
        for span in row["spans"]:
            if span["kind"] == "busy" and not span["withdrawn"]:
                self._line("fact", "Worked", span)
        self._line("command", "CommitReply", commit)
        self._line("out", "Caption", caption)
        self._line("out", "TurnMeasured", {"row": row})
        self._answer = []

    def _line(self, kind: str, what: str, values: dict[str, Any]) -> None:
        self._lines.append({"t": self._now(), "k": kind, "type": what, **values})

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            heard = self._ear.played(self._now())
            await self._tell(player.PlaybackReport(heard.generation, heard.samples))

    async def _tell(self, played: player.PlaybackReport) -> None:
        self._reports += 1
        await self._socket.send(protocol.report(played, f"played-{self._reports}"))

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()

    def _now(self) -> float:
        return self._clock() - self._begun_s
