"""Text to speech by any server with OpenAI's `/audio/speech`, as it streams.

Raw PCM is asked for; a server that sends a WAV all the same is understood, and its rate taken.
The vendor's retries are off: the policy is the caller's.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from email.message import Message

import openai
from openai import AsyncOpenAI

from pipelines.audio.pcm_stream import PcmStream
from pipelines.services.openai_client import as_service_errors, new_client
from pipelines.services.pacing import paced
from pipelines.services.priority_semaphore import PrioritySemaphore
from pipelines.services.protocols import Pcm, ServiceError, SpeechChunk

PCM_RATE_HZ = 24_000
"""The rate of OpenAI's `pcm`, which nearly all servers follow."""


@dataclass(kw_only=True)
class OpenAiTextToSpeech:
    """`TextToSpeech`: one connection pool, `at_once` requests at a time, first clauses first.

    It has no word times. Its rate is what the server says, once it has spoken.
    """

    base_url: str
    """Up to and including /v1."""
    model: str
    voice: str
    api_key: str | None = None
    """None and "" are values: they are sent as "EMPTY"."""
    speed: float = 1.0
    rate_hz: int = PCM_RATE_HZ
    """The rate of raw PCM where the server does not say it."""
    at_once: int = 16
    queue_limit: int = 256
    first_audio_s: float = 5.0
    """From the request to the first bytes."""
    idle_s: float = 5.0
    """Between two pieces after that."""
    _client: AsyncOpenAI | None = field(default=None, init=False)
    _semaphore: PrioritySemaphore = field(init=False)
    _spoke: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._semaphore = PrioritySemaphore("tts", width=self.at_once, limit=self.queue_limit)

    async def open(self) -> None:
        """Opens no connection yet."""
        self._client = new_client(self.base_url, self.api_key, "sound")

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        if self._client is None:
            raise ServiceError("tts", "is not open", retryable=False)
        if not text.strip():
            return
        spoken = False
        async with (
            self._semaphore.passed(urgent=first),
            aclosing(self._asked(self._client, text)) as answer,
        ):
            async for pcm, rate_hz in answer:
                if len(pcm):
                    self._learn(rate_hz)
                    spoken = True
                    yield SpeechChunk(pcm)
        if not spoken:
            raise ServiceError("tts", "an answer without a sample", retryable=True)

    async def _asked(self, client: AsyncOpenAI, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Samples as they come, and their rate."""
        request = client.audio.speech.with_streaming_response.create(
            input=text,
            model=self.model,
            voice=self.voice,
            response_format="pcm",
            speed=openai.omit if self.speed == 1.0 else self.speed,
        )
        with as_service_errors("tts"):
            async with contextlib.AsyncExitStack() as owed:
                async with asyncio.timeout(self.first_audio_s):
                    answer = await owed.enter_async_context(request)
                    pieces = paced(answer.iter_bytes())
                    await owed.enter_async_context(aclosing(pieces))
                    piece = await anext(pieces, None)
                said_hz = _rate_hz(answer.headers.get("content-type", ""))
                stream = PcmStream(said_hz or self.rate_hz)
                while piece is not None:
                    with _reading():
                        pcm = stream.feed(piece)
                    yield pcm, stream.rate_hz
                    async with asyncio.timeout(self.idle_s):
                        piece = await anext(pieces, None)
                with _reading():
                    pcm = stream.finish()
                yield pcm, stream.rate_hz

    def _learn(self, rate_hz: int) -> None:
        if self._spoke and rate_hz != self.rate_hz:
            raise ServiceError("tts", f"speaks at {rate_hz} Hz all at once", retryable=False)
        self._spoke, self.rate_hz = True, rate_hz


def _rate_hz(content_type: str) -> int | None:
    """The rate in "audio/pcm; rate=22050" and "audio/L16;rate=16000"."""
    header = Message()
    header["content-type"] = content_type
    rate = header.get_param("rate")
    return int(rate) if isinstance(rate, str) and rate.isdecimal() and int(rate) > 0 else None


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except ValueError as exc:  # not PCM
        raise ServiceError("tts", f"the server sends {exc}", retryable=False) from exc
