"""Keeps the sound of a reply, and sends the pieces that the call decides on."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from pipecat.frames.frames import Frame, OutputAudioRawFrame, TextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipelines.audio.audible import first_audible
from pipelines.audio.mono_stream import MonoStream
from pipelines.audio.pcm import Pcm
from pipelines.core.commands import DropAudio, FlushAudio, PlayAudio
from pipelines.core.events import ClauseBegan, ReplyRestarted, SpeechCame, SpeechEnded
from pipelines.core.exchange import AudioOut, Flush
from pipelines.core.hearing.signal import EarSignal
from pipelines.stages.frames import (
    ClauseTextFrame,
    FillerEndFrame,
    FillerStartFrame,
    ReplyEndFrame,
    ReplyStartFrame,
)

MOST_AHEAD_S = 60.0
"""Sound of a reply that is kept before it is played: whoever makes more waits. A voice is many
times as fast as speech, and a reply may be told for a quarter of an hour."""
KEPT_S = 30.0
"""Sound that was played, and may be played again: a reply goes on from where it was heard."""

Fact: TypeAlias = ClauseBegan | SpeechCame | ReplyRestarted | SpeechEnded


class Playing(FrameProcessor):
    def __init__(
        self,
        signal: EarSignal,
        rate_hz: int,
        send: Callable[[AudioOut | Flush], None],
        tell: Callable[[Fact], None],
    ) -> None:
        """`signal` is shown what goes to the loudspeaker: the microphone may bring it back."""
        super().__init__(enable_direct_mode=True)
        self._signal = signal
        self._rate = rate_hz
        self._send = send
        self._tell = tell
        self._reply_id = 0
        """The one whose data comes."""
        self._is_filler = False
        self._stream = MonoStream(rate_hz)
        self._sound: dict[int, _Sound] = {}
        """By reply. One is played and one is held, at most."""
        self._room = asyncio.Event()
        """Sound was played, or dropped."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case ReplyStartFrame(reply_id=reply_id):
                if reply_id == self._reply_id:
                    self._tell(ReplyRestarted(reply_id))
                self._reply_id, self._is_filler = reply_id, False
                self._stream = MonoStream(self._rate)
            case OutputAudioRawFrame(audio=audio):
                self._keep(self._stream.feed(audio, frame.sample_rate, frame.num_channels))
                await self._until_room(self._reply_id)
            case ClauseTextFrame(text=text, words=words):
                self._tell(ClauseBegan(self._reply_id, text, words, self._is_filler))
            case TextFrame(text=text):  # its word times were lost on the way
                self._tell(ClauseBegan(self._reply_id, text, (), self._is_filler))
            case FillerStartFrame() | FillerEndFrame():
                self._is_filler = isinstance(frame, FillerStartFrame)
            case ReplyEndFrame(reply_id=reply_id):
                self._keep(self._stream.flush())
                self._tell(SpeechEnded(reply_id))
            case _:
                pass
        await self.push_frame(frame, direction)

    def obey(self, command: PlayAudio | FlushAudio | DropAudio) -> None:
        match command:
            case PlayAudio(reply_id, place, samples):
                pcm = self._sound[reply_id].play(place, samples, round(KEPT_S * self._rate))
                self._room.set()
                self._send(AudioOut(pcm, command.generation, command.start, command.tell))
                now = self.get_event_loop().time()
                self._signal.bot_plays(np.frombuffer(pcm, "<i2"), command.plays_at_s, now)
            case FlushAudio(generation):
                self._send(Flush(generation))
                self._signal.bot_silenced(self.get_event_loop().time())
            case DropAudio(reply_id, 0):
                self._sound.pop(reply_id, None)
                self._room.set()
            case DropAudio(reply_id, place):
                if sound := self._sound.get(reply_id):
                    sound.cut(place)
                self._room.set()

    def _keep(self, pcm: Pcm) -> None:
        if len(pcm):
            self._sound.setdefault(self._reply_id, _Sound()).add(pcm)
            self._tell(SpeechCame(self._reply_id, len(pcm), first_audible(pcm, self._rate)))

    async def _until_room(self, reply_id: int) -> None:
        """Holds up the stage that makes the sound, through all between."""
        most = round(MOST_AHEAD_S * self._rate)
        while (sound := self._sound.get(reply_id)) is not None and sound.ahead > most:
            self._room.clear()
            await self._room.wait()


class _Sound:
    """One reply's: 16 bit little endian, mono. Places are samples from its beginning."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._begin = 0
        """The place of the first sample that is kept."""
        self._played_to = 0

    @property
    def ahead(self) -> int:
        """Samples that were not played yet."""
        return self._begin + len(self._pcm) // 2 - self._played_to

    def add(self, pcm: Pcm) -> None:
        self._pcm += pcm.tobytes()

    def play(self, place: int, samples: int, kept: int) -> bytes:
        """The samples at a place; of those before it the last `kept`, and some, are kept on."""
        at = max(0, place - self._begin)
        played = bytes(self._pcm[2 * at : 2 * (at + samples)])
        self._played_to = place + samples
        if at > 2 * kept:
            del self._pcm[: 2 * (at - kept)]
            self._begin = place - kept
        return played

    def cut(self, place: int) -> None:
        del self._pcm[2 * max(0, place - self._begin) :]
