"""Calls by voice to a server with everything real behind it: espeak-ng asks in a person's place."""

from typing import cast

import numpy as np
import soxr

from bot.calls.connection import Send
from bot.settings import Settings
from bot.texts.sharing import CallOnLine
from bot.wiring.engine import Wiring
from client.caller.microphone import MICROPHONE_RATE_HZ
from client.caller.speech_file import Recording, recording
from pipelines.cascade import Call, CallFormat
from pipelines.core.memory.conversation import Conversation
from pipelines.services.tts.tts_espeak import espeak_voice
from tests.echo import EchoEngine

PERSON = "en"
"""Another voice than the bot's."""
SYSTEM_PROMPT = "You are a helpful voice assistant."
"""One of those that the scripted model was trained with."""
PATIENT: dict[str, object] = {
    "llm_system_prompt": SYSTEM_PROMPT,
    "llm_first_token_s": 30,
    "llm_hedge_after": "off",
    "llm_warm": False,
}
"""A busy machine is no fault of the engine's, and the only requests are those of the turns."""


class WiredEngine:
    """The engine that `./run serve` runs with these settings, and the words of its calls."""

    def __init__(self, **settings: object) -> None:
        self._wiring = Wiring(Settings.model_validate(PATIENT | settings))
        self.conversations: list[Conversation] = []
        self.closed = False

    async def open(self) -> None:
        await self._wiring.open()

    def new_call(self, form: CallFormat, send: Send) -> CallOnLine:
        call = self._wiring.new_call(form, send)
        self.conversations.append(cast(Call, call._call).conversation)
        return call

    async def close(self) -> None:
        await self._wiring.close()
        self.closed = True

    def as_engine(self) -> EchoEngine:
        """For `tests.serving`, which asks no more of an engine than this one has."""
        return cast(EchoEngine, self)


async def spoken(*texts: str) -> list[Recording]:
    """Each as espeak-ng says it, as a recording."""
    voice = espeak_voice(voice=PERSON, words_a_minute=150)
    await voice.open()
    try:
        said = []
        for text in texts:
            pcm = np.concatenate([chunk.pcm async for chunk in voice.synthesise(text)])
            samples = soxr.resample(pcm.astype(np.float32), voice.rate_hz, MICROPHONE_RATE_HZ)
            said.append(recording(text, np.rint(samples).clip(-32768, 32767).astype(np.int16)))
        return said
    finally:
        await voice.close()
