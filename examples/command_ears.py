"""An ear adapter: a program that prints the words of a WAV file becomes the ears.

    STT_ENGINE=pipecat STT_MODEL=examples.command_ears:new_service ./run serve

It is a stock Pipecat service, so it works in any Pipecat bot. Halfsecond asks it again and again
while somebody speaks, so a program that loads its model each time is too slow for real calls.
"""

import asyncio
from collections.abc import AsyncGenerator
from tempfile import NamedTemporaryFile

from pipecat.frames.frames import ErrorFrame, Frame, TranscriptionFrame
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import SegmentedSTTService, STTService
from pipecat.utils.time import time_now_iso8601


class CommandEars(SegmentedSTTService):
    def __init__(self, *command: str) -> None:
        """`command`: the program and its options; the name of a WAV file comes behind them."""
        super().__init__(settings=STTSettings(model=command[0], language=None))
        self._command = command

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Yields the words of one stretch of speech: `audio` is a WAV file."""
        with NamedTemporaryFile(suffix=".wav") as file:
            file.write(audio)
            file.flush()
            program = await asyncio.create_subprocess_exec(
                *self._command, file.name, stdout=asyncio.subprocess.PIPE
            )
            try:
                printed, _ = await program.communicate()
            finally:
                if program.returncode is None:
                    program.kill()
        if program.returncode:
            yield ErrorFrame(f"{self._command[0]} ended with {program.returncode}")
        elif words := printed.decode().strip():
            yield TranscriptionFrame(words, "caller", time_now_iso8601())


def new_service() -> STTService:
    return CommandEars("whisper-cli", "--no-prints", "--no-timestamps", "-m", "model.bin", "-f")
