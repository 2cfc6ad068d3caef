"""Text to speech by a program of its own, that all calls share: espeak-ng, Piper, Kokoro.

`voice_messages` has its messages, both ways. A long text is handed over a piece at a
time, so that others get between. All of its messages are taken off the pipe at once: a call that
listens slowly holds up nobody.
"""

import asyncio
import bisect
import itertools
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence

import numpy as np
import structlog

from pipelines.child_environment import child_environment
from pipelines.services.minding import ProcessMinder, Pulse
from pipelines.services.protocols import Pcm, ServiceError, SpeechChunk, SpokenWord
from pipelines.services.tts.voice_messages import (
    MARK,
    NUMBER,
    VoiceMessageKind,
    message,
    take_messages,
)

PIECE_CHARACTERS = 400
START_WITHIN_S = 60.0
"""A neural voice has a model to load."""
REPLY_WITHIN_S = 2.0
"""It speaks within milliseconds, and one that is started in its place has the rest of 4 s."""
HUNG_S = 3.0
"""Without a word to anybody for so long, when its job is called off: it hangs, and is killed."""
SENTENCE_WITHIN_S = 20.0
"""For a neural voice: it may be busy with other calls, and makes a sentence at a time."""
END_WITHIN_S = 2.0
DEATHS, DEATHS_WITHIN_S = 3, 60.0
"""So many deaths within so long, and what it was saying is given up. It is started all the same."""
MOST_JOBS = 1024
"""At once; the next fails, as retryable. The last of so many would not be heard of in time."""
MOST_REPLIES = 8192
"""Pieces of one job that wait to be listened to: eight minutes of espeak-ng's, which are of 60 ms
each. No piece takes so long to say, so a job that goes on is stopped, and has failed.
"""

log = structlog.get_logger(__name__)


class ProcessTextToSpeech:
    """`TextToSpeech`. A word is what stands between two spaces in the text, with its punctuation;
    it has a time where the program marks words.

    A process that dies fails the jobs it had, as retryable, and is started again for the next.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, reply_within_s: float = REPLY_WITHIN_S
    ) -> None:
        """`name`: for people. `command`: what runs the program, in the project's folder.

        `reply_within_s`: without a sound for so long it hangs, and is killed.
        """
        self._reply_within_s = reply_within_s
        self._name = name
        self._command = tuple(command)
        self._process: _Process | None = None
        self._starting = asyncio.Lock()
        self._rate_hz = 0
        self._opened = False
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self.minder = ProcessMinder(
            name, self._until_gone, self._start_again, Pulse(self._is_there, self._kill)
        )

    @property
    def rate_hz(self) -> int:
        """Known once it has been opened; 0 before."""
        return self._rate_hz

    async def open(self) -> None:
        """Starts the process. Raises ServiceError, as for a voice that it does not have."""
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
        received = 0
        for piece in split_text(text):
            words = _Words(piece)
            begin = received
            process = await self._running()
            job, replies = process.say(piece, first=first)
            try:
                while (audio := await self._next_audio(process, replies)) is not None:
                    marks, pcm = audio
                    begun = [words.begun(character, begin + at) for character, at in marks]
                    received += len(pcm)
                    yield SpeechChunk(
                        pcm,
                        tuple(
                            SpokenWord(word[0], word[1] / process.rate_hz) for word in begun if word
                        ),
                    )
            finally:
                process.forget(job)

    async def _running(self) -> "_Process":
        async with self._starting:
            if not self._opened:
                raise ServiceError("tts", "is not open", retryable=False)
            if self._process is None or self._process.exited.done():
                self._process = await _spawn(self._name, self._command, self._deaths)
            process = self._process
        await _until_ready(self._name, process)
        self._rate_hz = process.rate_hz
        return process

    async def _until_gone(self) -> str:
        while (process := self._process) is not None and not process.exited.done():
            await asyncio.shield(process.exited)
        return "it ended"

    async def _start_again(self) -> None:
        """Unless a job has done so in the meantime."""
        await self._running()

    async def _is_there(self) -> bool:
        """One that is being started has a limit of its own."""
        process = self._process
        if process is not None and process.ready.done() and not process.exited.done():
            await process.until_heard()
        return True

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    async def _next_audio(
        self, process: "_Process", replies: asyncio.Queue[tuple[VoiceMessageKind, bytes]]
    ) -> tuple[list[tuple[int, int]], Pcm] | None:
        """Marks (character, sample) and audio, or None at the job's end. Raises ServiceError."""
        asked_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._reply_within_s):
                kind, payload = await replies.get()
        except asyncio.CancelledError:
            if asyncio.get_running_loop().time() - max(asked_s, process.spoke_s) > HUNG_S:
                process.kill()
            raise
        except TimeoutError as exc:
            process.kill()
            raise ServiceError("tts", f"{self._name} does not answer", retryable=True) from exc
        if kind is VoiceMessageKind.DONE:
            return None
        if kind is not VoiceMessageKind.AUDIO:
            raise self._failure(process)
        (count,) = NUMBER.unpack_from(payload)
        audio_at = NUMBER.size + count * MARK.size
        marks = list(MARK.iter_unpack(payload[NUMBER.size : audio_at]))
        return marks, np.frombuffer(payload, np.int16, offset=audio_at)

    def _failure(self, process: "_Process") -> ServiceError:
        if not process.exited.done():
            return ServiceError("tts", f"{self._name} would not speak it", retryable=False)
        now = asyncio.get_running_loop().time()
        if len(self._deaths) == DEATHS and now - self._deaths[0] < DEATHS_WITHIN_S:
            message = f"{self._name} died {DEATHS} times within {DEATHS_WITHIN_S:.0f} s"
            return ServiceError("tts", message, retryable=False)
        return ServiceError("tts", f"{self._name} died", retryable=True)


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
    """The running program: sorts what it says by job."""

    def __init__(self, name: str, deaths: deque[float]) -> None:
        """`deaths`: where it notes when it died, unless it was told to."""
        self.rate_hz = 0
        self.spoke_s = 0.0
        """When it last said anything, to anybody."""
        self._name = name
        self._deaths = deaths
        self._told_to_end = False
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.exited: asyncio.Future[None] = self._loop.create_future()
        self._buffer = bytearray()
        self._heard = asyncio.Event()
        self._jobs: dict[int, asyncio.Queue[tuple[VoiceMessageKind, bytes]]] = {}
        self._numbers = itertools.count(1)
        self._transport: asyncio.SubprocessTransport

    def say(
        self, text: str, *, first: bool
    ) -> tuple[int, asyncio.Queue[tuple[VoiceMessageKind, bytes]]]:
        """Raises ServiceError if it has too much to say already."""
        if len(self._jobs) >= MOST_JOBS:
            raise ServiceError("tts", f"{self._name} has too much to say", retryable=True)
        job = next(self._numbers)
        self._jobs[job] = asyncio.Queue(MOST_REPLIES + 1)  # the last place is the end's
        self._write(
            message(job, VoiceMessageKind.FIRST if first else VoiceMessageKind.SPEAK, text.encode())
        )
        return job, self._jobs[job]

    def forget(self, job: int) -> None:
        """Stop it, unless it has ended."""
        if self._jobs.pop(job, None) is not None and not self.exited.done():
            self._write(message(job, VoiceMessageKind.CANCEL))

    async def until_heard(self) -> None:
        """Asks it whether it is there, and returns once it has said anything, or has gone."""
        self._heard.clear()
        self._write(message(0, VoiceMessageKind.ASK))
        await self._heard.wait()

    def kill(self) -> None:
        if not self.exited.done():
            self._transport.kill()

    async def end(self) -> None:
        self._told_to_end = True
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
        self.spoke_s = self._loop.time()
        self._heard.set()
        for job, kind, payload in take_messages(self._buffer):
            if kind is VoiceMessageKind.READY:
                (self.rate_hz,) = NUMBER.unpack(payload)
                self.ready.set_result(None)
            elif job in self._jobs:
                self._sort(job, kind, payload)

    def _sort(self, job: int, kind: VoiceMessageKind, payload: bytes) -> None:
        replies = self._jobs[job]
        if kind in (VoiceMessageKind.DONE, VoiceMessageKind.FAILED):
            del self._jobs[job]
        elif replies.qsize() >= MOST_REPLIES:
            log.warning("a voice that would not end was stopped", voice=self._name)
            self.forget(job)
            kind, payload = VoiceMessageKind.FAILED, b""
        replies.put_nowait((kind, payload))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, and everything that it had said has been read."""
        if not self.ready.done():
            self.ready.set_exception(
                ServiceError("tts", f"{self._name} did not start", retryable=False)
            )
        elif not self._told_to_end:
            self._deaths.append(self._loop.time())
        for replies in self._jobs.values():
            replies.put_nowait((VoiceMessageKind.FAILED, b""))
        self._jobs.clear()
        self._heard.set()
        self._transport.close()
        self.exited.set_result(None)

    def _write(self, data: bytes) -> None:
        if not self.exited.done():
            self._pipe().write(data)

    def _pipe(self) -> asyncio.WriteTransport:
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        return pipe


async def _spawn(name: str, command: tuple[str, ...], deaths: deque[float]) -> _Process:
    """In a session of its own: a Ctrl-C in the terminal is the server's, which still speaks."""
    try:
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Process(name, deaths),
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None,
            env=child_environment(),
            start_new_session=True,
        )
    except OSError as exc:
        raise ServiceError("tts", f"cannot start {name}", retryable=True) from exc
    return process


async def _until_ready(name: str, process: _Process) -> None:
    """It goes on starting for others when one caller gives up waiting."""
    try:
        async with asyncio.timeout(START_WITHIN_S):
            await asyncio.shield(process.ready)
    except TimeoutError as exc:
        process.kill()
        await process.exited
        raise ServiceError("tts", f"{name} did not start in time", retryable=True) from exc


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
