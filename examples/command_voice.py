"""A voice adapter: a program that writes a WAV to its standard output becomes the voice.

    TTS_ENGINE=pipecat TTS_MODEL=examples.command_voice:new_service ./run serve

It is a stock Pipecat service, so it works in any Pipecat bot. Halfsecond adds the rest: readable
text, no leading silence, one loudness, a cache, first clauses first.
"""

import asyncio
import wave
from collections.abc import AsyncGenerator
from io import BytesIO

from pipecat.frames.frames import ErrorFrame, Frame, TTSAudioRawFrame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService


class CommandVoice(TTSService):
    def __init__(self, *command: str) -> None:
        """`command`: the program and its options; the text comes behind them."""
        settings = TTSSettings(model=command[0], voice=None, language=None)
        super().__init__(settings=settings, push_start_frame=True, push_stop_frames=True)
        self._command = command

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Yields all of the audio at once; Pipecat cancels it where the caller interrupts."""
        program = await asyncio.create_subprocess_exec(
            *self._command, text, stdout=asyncio.subprocess.PIPE
        )
        try:
            written, _ = await program.communicate()
        finally:
            if program.returncode is None:
                program.kill()
        if program.returncode:
            yield ErrorFrame(f"{self._command[0]} ended with {program.returncode}")
            return
        with wave.open(BytesIO(written)) as sound:
            pcm, rate_hz = sound.readframes(sound.getnframes()), sound.getframerate()
        yield TTSAudioRawFrame(pcm, rate_hz, num_channels=1, context_id=context_id)


def new_service() -> TTSService:
    return CommandVoice("espeak-ng", "--stdout", "-v", "en-gb", "--")
