"""A second voice, in the place of one that cannot be loaded."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from pipelines.services.minding import Minder
from pipelines.services.protocols import ServiceError, SpeechChunk, TextToSpeech

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class VoiceChoice:
    """Where there is a second voice, the words are those of the one that speaks once it is open."""

    service: TextToSpeech
    """Not open yet."""
    model: str
    """For the ledger."""
    in_words: str
    """For the operator."""
    minder: Minder | None = None
    """For a voice that is a process."""
    is_makeshift: bool = False
    """Another voice was wanted, and cannot be loaded."""


class SecondVoice:
    """`TextToSpeech` and `Minder`: the first voice, or the second where the first does not open."""

    def __init__(self, first: VoiceChoice, second: Callable[[str], VoiceChoice]) -> None:
        """`second`: made when it is needed, given the reason."""
        self._speaking, self._second = first, second
        self.choice = VoiceChoice(self, first.model, first.in_words, self)

    @property
    def rate_hz(self) -> int:
        return self._speaking.service.rate_hz

    @property
    def trouble(self) -> str | None:
        return None if self._speaking.minder is None else self._speaking.minder.trouble

    async def run(self) -> None:
        if self._speaking.minder is not None:
            await self._speaking.minder.run()

    async def open(self) -> None:
        """Raises ServiceError where neither opens."""
        try:
            await self._speaking.service.open()
        except ServiceError as error:
            if self._speaking.is_makeshift:
                raise
            _log.warning("the voice cannot be loaded: another speaks", error=str(error))
            await self._speaking.service.close()
            self._speaking = second = self._second(str(error).removeprefix("tts: "))
            self.choice.model, self.choice.in_words = second.model, second.in_words
            self.choice.is_makeshift = True
            await second.service.open()

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        stream = self._speaking.service.synthesise(text, first=first)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        await self._speaking.service.close()
