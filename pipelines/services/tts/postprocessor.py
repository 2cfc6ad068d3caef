"""Postprocessing for every voice: `AudioPostprocessor` is a voice that has another speak.

The text is made speakable, silence before the first sound and after the last is cut off, the
loudness is evened, a phrase that is said again comes from a cache, and a voice that fails in the
middle goes on where it stopped.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import structlog

from pipelines.audio.audible import audible_ranges, first_audible, window_samples
from pipelines.audio.loudness import Loudness, amplified
from pipelines.core.speaking.speakable import Aloud, aloud
from pipelines.services.protocols import Pcm, ServiceError, SpeechChunk, SpokenWord, TextToSpeech

REHEARSAL = "Hello. This is a short rehearsal, so that the voice is warm."
TRIES = 3
PATIENCE_S = 3.0
"""After so long a clause is not asked for again: somebody waits, and is to be told."""
RETRY_AFTER_S = 0.05
CACHED_BYTES = 8 * 2**20
"""Three minutes at 22,050 Hz."""
CACHED_CHARACTERS = 60
"""A longer text is hardly said twice."""

PAUSE_S = 0.15
"""Silence that is left after the last sound: the next clause begins at its first."""
LEAST_SOUND_S = 5.0
CHARACTER_S = 0.5
"""Seconds of sound for a clause, and as many more for each character of it. The slowest voices take
a third of that, silences included; one that goes on has no end."""

Read = Callable[[str], list[Aloud]]

log = structlog.get_logger(__name__)


class AudioPostprocessor:
    """`TextToSpeech` around another. Word times are those of the words that were written."""

    def __init__(
        self, voice: TextToSpeech, *, read: Read = aloud, cached_bytes: int = CACHED_BYTES
    ) -> None:
        """`read`: the text in pieces, each with what is said for it."""
        self._cached_bytes = cached_bytes
        self._voice = voice
        self._read = read
        self._loudness: Loudness | None = None
        self._takes: OrderedDict[str, list[SpeechChunk]] = OrderedDict()
        self._bytes = 0

    @property
    def rate_hz(self) -> int:
        return self._voice.rate_hz

    async def open(self) -> None:
        """Loads the voice and has it say a sentence, so that the first call finds it warm.

        Raises ServiceError, also where it is silent.
        """
        await self._voice.open()
        said = [chunk.pcm async for chunk in self._perform(REHEARSAL, first=False)]
        loudness = Loudness(self._voice.rate_hz)  # some know their rate once they have spoken
        loudness.measure(np.concatenate([np.zeros(0, np.int16), *said]))
        if not loudness.measured:
            raise ServiceError("tts", "the voice is silent", retryable=False)
        self._loudness = loudness

    async def close(self) -> None:
        self._loudness = None
        self._takes.clear()
        self._bytes = 0
        await self._voice.close()

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        if self._loudness is None:
            raise ServiceError("tts", "is not open", retryable=False)
        gain = self._loudness.gain
        pieces = self._read(text)
        said = " ".join(piece.said for piece in pieces if piece.said)
        if not said:
            return
        words = _WrittenWords(pieces)
        samples = 0
        async with aclosing(self._take(said, first=first)) as chunks:
            async for chunk in chunks:
                samples += len(chunk.pcm)
                begun = [each for word in chunk.words for each in words.begun(word)]
                yield SpeechChunk(amplified(chunk.pcm, gain), tuple(begun), chunk.trimmed_s)
        if rest := words.rest(samples / self.rate_hz):
            yield SpeechChunk(np.zeros(0, np.int16), tuple(rest))

    async def _take(self, said: str, *, first: bool) -> AsyncGenerator[SpeechChunk, None]:
        """As the voice says it, without the silence around it; from the cache, if it is there."""
        if (kept := self._takes.get(said)) is not None:
            self._takes.move_to_end(said)
            for again in kept:
                yield again
            return
        take: list[SpeechChunk] = []
        onset, ending, came = _Onset(self.rate_hz), _Ending(self.rate_hz), 0
        async with aclosing(self._perform(said, first=first)) as chunks:
            async for raw in chunks:
                came += len(raw.pcm)
                chunk = onset.heard(raw)
                if chunk is not None:
                    chunk = ending.heard(chunk)
                if chunk is not None and (len(chunk.pcm) or chunk.words):
                    take.append(chunk)
                    yield chunk
        if (rest := ending.rest()) is not None:
            take.append(rest)
            yield rest
        if take and self._loudness is not None:
            self._loudness.measure(np.concatenate([chunk.pcm for chunk in take]))
            if came < self._most(said) / 2:  # else it was cut off, or about to be
                self._keep(said, take)

    def _most(self, said: str) -> int:
        """Samples that it may take to say this."""
        return round((LEAST_SOUND_S + CHARACTER_S * len(said)) * self.rate_hz)

    async def _perform(self, said: str, *, first: bool) -> AsyncGenerator[SpeechChunk, None]:
        """The voice's audio, as much as it may take."""
        came = 0
        async with aclosing(self._tried(said, first=first)) as chunks:
            async for chunk in chunks:
                came += len(chunk.pcm)
                if came > self._most(said):
                    log.warning("a voice that does not end is cut off", characters=len(said))
                    return
                yield chunk

    async def _tried(self, said: str, *, first: bool) -> AsyncGenerator[SpeechChunk, None]:
        """The voice's audio; where it fails and may be asked again, from where it stopped."""
        now = asyncio.get_running_loop().time
        given, asked_s = _Given(), now()
        for tries in range(1, TRIES + 1):
            given.again()
            stream = self._voice.synthesise(said, first=first)
            try:
                async with aclosing(stream) as chunks:
                    async for chunk in chunks:
                        yield given.new_of(chunk)
                return
            except ServiceError as error:
                if not error.retryable or tries == TRIES or now() - asked_s > PATIENCE_S:
                    raise
                log.warning("the voice is asked again", service=error.service, error=str(error))
                await asyncio.sleep(RETRY_AFTER_S * (tries - 1))

    def _keep(self, said: str, take: list[SpeechChunk]) -> None:
        size = sum(chunk.pcm.nbytes for chunk in take)
        if len(said) > CACHED_CHARACTERS or size > self._cached_bytes or said in self._takes:
            return
        self._takes[said] = take
        self._bytes += size
        while self._bytes > self._cached_bytes:
            _, oldest = self._takes.popitem(last=False)
            self._bytes -= sum(chunk.pcm.nbytes for chunk in oldest)


class _Given:
    """The part of an utterance that was given on, so that it is not given twice."""

    def __init__(self) -> None:
        self._samples = self._words = self._at = self._marked = 0

    def again(self) -> None:
        """It is said from the beginning."""
        self._at = self._marked = 0

    def new_of(self, chunk: SpeechChunk) -> SpeechChunk:
        words = chunk.words[max(0, self._words - self._marked) :]
        pcm = chunk.pcm[max(0, self._samples - self._at) :]
        self._at, self._marked = self._at + len(chunk.pcm), self._marked + len(chunk.words)
        self._samples, self._words = max(self._samples, self._at), max(self._words, self._marked)
        return replace(chunk, pcm=pcm, words=words)


class _Onset:
    """Cuts off the silence before the first sound, and counts time from there."""

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._words: tuple[SpokenWord, ...] = ()
        self._cut = 0
        self._pending: Pcm | None = np.zeros(0, np.int16)

    def heard(self, chunk: SpeechChunk) -> SpeechChunk | None:
        self._words += chunk.words
        pcm, trimmed_s = chunk.pcm, 0.0
        if self._pending is not None:
            silence = np.concatenate((self._pending, pcm))
            window = window_samples(self._rate)
            whole = len(silence) // window * window
            start = first_audible(silence[:whole], self._rate)
            if start is None:
                start = whole
                self._cut, self._pending = self._cut + start, silence[start:]
                return None
            self._cut, self._pending, pcm = self._cut + start, None, silence[start:]
            trimmed_s = self._cut / self._rate
        cut_s = self._cut / self._rate
        words = tuple(replace(w, start_s=max(0.0, w.start_s - cut_s)) for w in self._words)
        self._words = ()
        return SpeechChunk(pcm, words, trimmed_s)


class _Ending:
    """Cuts off the silence after the last sound, but for `PAUSE_S`."""

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._held: Pcm = np.zeros(0, np.int16)

    def heard(self, chunk: SpeechChunk) -> SpeechChunk:
        """All up to the last sound, with what was held back before it."""
        audible = audible_ranges(chunk.pcm, self._rate)
        end = int(audible[-1, 1]) if len(audible) else 0
        said = np.concatenate((self._held, chunk.pcm[:end])) if end else chunk.pcm[:0]
        held = () if end else (self._held,)
        self._held = np.concatenate((*held, chunk.pcm[end:]))
        return replace(chunk, pcm=said)

    def rest(self) -> SpeechChunk | None:
        """At its end: the pause."""
        pause = self._held[: round(PAUSE_S * self._rate)]
        trimmed_s = (len(self._held) - len(pause)) / self._rate
        return SpeechChunk(pause, trimmed_s=trimmed_s) if len(pause) else None


class _WrittenWords:
    """Which word of what was written begins, when one of what is said does."""

    def __init__(self, pieces: list[Aloud]) -> None:
        self._words: list[tuple[str, int]] = []
        """With the number of the spoken word that each begins with."""
        self._lengths: list[int] = []
        """The lengths of the words that are said: letters, and one for the gap."""
        self._said = self._next = 0
        self._last_s = 0.0
        for piece in pieces:
            said, written = piece.said.split(), piece.written.split()
            begin = len(self._lengths)
            self._words += [
                (word, begin + at * len(said) // len(written)) for at, word in enumerate(written)
            ]
            self._lengths += [len(word) + 1 for word in said]

    def begun(self, word: SpokenWord) -> list[SpokenWord]:
        """`word`: what the voice says next, with unspoken marks beside it."""
        self._said += len(word.text.split())
        self._last_s = word.start_s
        return self._until(self._said, lambda at: word.start_s, estimated=word.estimated)

    def rest(self, length_s: float) -> list[SpokenWord]:
        """At its end: all that have not begun. By proportion where the voice gave no times."""
        if self._said:
            return self._until(len(self._lengths) + 1, lambda at: self._last_s, estimated=False)
        begins = np.cumsum([0, *self._lengths]) / max(1, sum(self._lengths)) * length_s
        return self._until(len(begins), lambda at: float(begins[at]), estimated=True)

    def _until(
        self, said: int, start_s: Callable[[int], float], *, estimated: bool
    ) -> list[SpokenWord]:
        begun = []
        while self._next < len(self._words) and self._words[self._next][1] < said:
            text, at = self._words[self._next]
            begun.append(SpokenWord(text, start_s(at), estimated))
            self._next += 1
        return begun
