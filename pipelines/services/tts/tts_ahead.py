"""A voice that has said some things before anybody is on the line: a greeting starts at once."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

from pipelines.core.speaking.phrasing import clauses_of
from pipelines.services.protocols import SpeechChunk, TextToSpeech


class SpokenAhead:
    """`TextToSpeech`: `texts` come from memory, all else from the voice that spoke them, too."""

    def __init__(self, voice: TextToSpeech, texts: Iterable[str]) -> None:
        self._voice = voice
        self._texts = tuple(texts)
        self._spoken: dict[str, Sequence[SpeechChunk]] = {}

    @property
    def rate_hz(self) -> int:
        return self._voice.rate_hz

    async def open(self) -> None:
        await self._voice.open()
        for text in self._texts:
            for clause in clauses_of(text):
                self._spoken[clause] = [chunk async for chunk in self._voice.synthesise(clause)]

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        if (spoken := self._spoken.get(text)) is not None:
            for chunk in spoken:
                yield chunk
            return
        stream = self._voice.synthesise(text, first=first)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        self._spoken.clear()
        await self._voice.close()
