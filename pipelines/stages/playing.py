"""Keeps the sound of a reply, and sends the pieces that the call decides on."""

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
        self._sound: dict[int, bytearray] = {}
        """By reply: 16 bit little endian, mono. One is played and one is held, at most."""

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
                pcm = bytes(self._sound[reply_id][2 * place : 2 * (place + samples)])
                self._send(AudioOut(pcm, command.generation, command.start, command.tell))
                now = self.get_event_loop().time()
                self._signal.bot_plays(np.frombuffer(pcm, "<i2"), command.plays_at_s, now)
            case FlushAudio(generation):
                self._send(Flush(generation))
                self._signal.bot_silenced(self.get_event_loop().time())
            case DropAudio(reply_id, 0):
                self._sound.pop(reply_id, None)
            case DropAudio(reply_id, place):
                del self._sound.get(reply_id, bytearray())[2 * place :]

    def _keep(self, pcm: Pcm) -> None:
        if len(pcm):
            self._sound.setdefault(self._reply_id, bytearray()).extend(pcm.tobytes())
            self._tell(SpeechCame(self._reply_id, len(pcm), first_audible(pcm, self._rate)))
