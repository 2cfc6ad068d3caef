"""Text to speech by espeak-ng, in a process of its own: a robot, whose first sound takes 1 ms.

The process (`espeak_process`) is shared by all calls. It makes a second of speech in about
2 ms, so jobs run one after another, and a long text is handed over a piece at a time, so that
others get between. Whatever it says is taken off the pipe at once: a call that listens slowly
holds up nobody.
"""

import asyncio
import bisect
import itertools
import re
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import numpy as np

from pipelines.audio.pcm import WINDOW_S, audible_from
from pipelines.services.espeak_process import (
    MARK,
    NUMBER,
    Kind,
    message,
    take_messages,
)
from pipelines.services.protocols import Pcm, ServiceError, SpeechChunk, SpokenWord

RATE_HZ = 22_050
PIECE_CHARACTERS = 400
START_WITHIN_S = 10.0
REPLY_WITHIN_S = 5.0
END_WITHIN_S = 2.0


class EspeakTextToSpeech:
    """`TextToSpeech`. Leading silence is cut off, and word times count from what is left.

    A word is what stands between two spaces in the text, with its punctuation. A process that
    dies fails the jobs it had, as retryable, and is started again for the next.
    """

    def __init__(self, *, voice: str = "en-us", words_a_minute: int = 165) -> None:
        self._command = (
            sys.executable, "-m", "pipelines.services.espeak_process", voice, str(words_a_minute),
        )  # fmt: skip
        self._process: _Process | None = None
        self._starting = asyncio.Lock()
        self._opened = False

    @property
    def rate_hz(self) -> int:
        return RATE_HZ

    async def open(self) -> None:
        """Starts the process. Raises ServiceError, as for a voice that espeak does not have."""
        self._opened = True
        await self._running()

    async def close(self) -> None:
        self._opened = False
        async with self._starting:
            process, self._process = self._process, None
            if process is not None:
                await process.end()

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        onset = _Onset()
        for piece in split_text(text):
            words = _Words(piece)
            begin = onset.received
            process = await self._running()
            job, replies = process.say(piece)
            try:
                while (audio := await _next_audio(process, replies)) is not None:
                    marks, pcm = audio
                    begun = [words.begun(character, begin + at) for character, at in marks]
                    onset.words += [word for word in begun if word is not None]
                    if (chunk := onset.heard(pcm)) is not None:
                        yield chunk
            finally:
                process.forget(job)

    async def _running(self) -> "_Process":
        async with self._starting:
            if not self._opened:
                raise ServiceError("tts", "is not open", retryable=False)
            if self._process is None or self._process.exited.done():
                self._process = await _start(self._command)
            return self._process


class _Onset:
    """Cuts off the silence before the first sound, and counts time from there."""

    def __init__(self) -> None:
        self.received = 0
        self.words: list[tuple[str, int]] = []
        self._cut = 0
        self._pending: Pcm | None = np.zeros(0, np.int16)

    def heard(self, pcm: Pcm) -> SpeechChunk | None:
        self.received += len(pcm)
        if self._pending is not None:
            silence = np.concatenate((self._pending, pcm))
            start = audible_from(silence, RATE_HZ)
            if start is None:
                window = round(RATE_HZ * WINDOW_S)
                start = len(silence) // window * window
                self._cut, self._pending = self._cut + start, silence[start:]
                return None
            self._cut, self._pending, pcm = self._cut + start, None, silence[start:]
        spoken, self.words = self.words, []
        return SpeechChunk(
            pcm, tuple(SpokenWord(word, max(0, at - self._cut) / RATE_HZ) for word, at in spoken)
        )


class _Words:
    """Which word of the text begins at a character: espeak marks "3.5" or "don't" twice."""

    def __init__(self, text: str) -> None:
        self._words = [(m.start(), m.group()) for m in re.finditer(r"\S+", text)]
        self._next = 0

    def begun(self, character: int, at: int) -> tuple[str, int] | None:
        """The word, with unspoken ones before it ("-", ":)"), if it has not begun before."""
        index = bisect.bisect_right(self._words, character, key=lambda word: word[0])
        new = [word for _, word in self._words[self._next : index]]
        self._next = max(self._next, index)
        return (" ".join(new), at) if new else None


class _Process(asyncio.SubprocessProtocol):
    """One running `espeak_process`: sorts what it says by job."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.exited: asyncio.Future[None] = loop.create_future()
        self._buffer = bytearray()
        self._jobs: dict[int, asyncio.Queue[tuple[Kind, bytes]]] = {}
        self._numbers = itertools.count(1)
        self._transport: asyncio.SubprocessTransport

    def say(self, text: str) -> tuple[int, asyncio.Queue[tuple[Kind, bytes]]]:
        job = next(self._numbers)
        self._jobs[job] = asyncio.Queue()
        self._write(message(job, Kind.SPEAK, text.encode()))
        return job, self._jobs[job]

    def forget(self, job: int) -> None:
        """Stop it, unless it has ended."""
        if self._jobs.pop(job, None) is not None and not self.exited.done():
            self._write(message(job, Kind.CANCEL))

    def kill(self) -> None:
        if not self.exited.done():
            self._transport.kill()

    async def end(self) -> None:
        try:
            async with asyncio.timeout(END_WITHIN_S):
                self._pipe().close()
                await asyncio.shield(self.exited)
        except TimeoutError:
            self.kill()
            await self.exited

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._buffer += data
        for job, kind, payload in take_messages(self._buffer):
            if kind is Kind.READY:
                self.ready.set_result(None)
            elif job in self._jobs:
                self._jobs[job].put_nowait((kind, payload))
                if kind in (Kind.DONE, Kind.FAILED):
                    del self._jobs[job]

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, and everything that it had said has been read."""
        if not self.ready.done():
            self.ready.set_exception(
                ServiceError("tts", "espeak-ng did not start", retryable=False)
            )
        for replies in self._jobs.values():
            replies.put_nowait((Kind.FAILED, b""))
        self._jobs.clear()
        self._transport.close()
        self.exited.set_result(None)

    def _write(self, data: bytes) -> None:
        if not self.exited.done():
            self._pipe().write(data)

    def _pipe(self) -> asyncio.WriteTransport:
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        return pipe


async def _start(command: tuple[str, ...]) -> _Process:
    """In a session of its own: a Ctrl-C in the terminal is the server's, which still speaks."""
    try:
        _, process = await asyncio.get_running_loop().subprocess_exec(
            _Process,
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
    except OSError as exc:
        raise ServiceError("tts", "cannot start espeak-ng", retryable=True) from exc
    try:
        async with asyncio.timeout(START_WITHIN_S):
            await process.ready
    except BaseException as exc:
        process.kill()
        await process.exited
        if isinstance(exc, TimeoutError):
            raise ServiceError("tts", "espeak-ng did not start in time", retryable=True) from exc
        raise
    return process


async def _next_audio(
    process: _Process, replies: asyncio.Queue[tuple[Kind, bytes]]
) -> tuple[list[tuple[int, int]], Pcm] | None:
    """Marks (character, sample) and audio, or None at the job's end. Raises ServiceError."""
    try:
        async with asyncio.timeout(REPLY_WITHIN_S):
            kind, payload = await replies.get()
    except TimeoutError as exc:
        process.kill()
        raise ServiceError("tts", "espeak-ng does not answer", retryable=True) from exc
    if kind is Kind.DONE:
        return None
    if kind is not Kind.AUDIO:
        raise ServiceError("tts", "espeak-ng failed", retryable=True)
    (count,) = NUMBER.unpack_from(payload)
    audio_at = NUMBER.size + count * MARK.size
    marks = list(MARK.iter_unpack(payload[NUMBER.size : audio_at]))
    return marks, np.frombuffer(payload, np.int16, offset=audio_at)


def split_text(text: str) -> Iterator[str]:
    """Pieces of at most `PIECE_CHARACTERS`, split after a sentence if possible, else at a space."""
    text = text.replace("\0", " ").strip()
    while len(text) > PIECE_CHARACTERS:
        head = text[:PIECE_CHARACTERS]
        ends = [m.end() for m in re.finditer(r"[.!?]\s", head)] or [head.rfind(" ")]
        at = ends[-1] if ends[-1] > 0 else PIECE_CHARACTERS
        yield text[:at].rstrip()
        text = text[at:].lstrip()
    if text:
        yield text
