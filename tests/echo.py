"""An engine whose calls say what they hear, a socket that is none, and what a browser says."""

import asyncio
import json

from bot.browser.browser_pb2 import AudioRawFrame, Frame, MessageFrame
from bot.calls.connection import Send
from pipelines.cascade import CallFormat
from pipelines.core.exchange import AudioIn, AudioOut, FromCaller, Typed
from pipelines.services.protocols import ServiceError


class EchoCall:
    """Sends back each piece of audio; ends when "goodbye" is typed, fails at "fail"."""

    def __init__(self, form: CallFormat, send: Send) -> None:
        self.form = form
        self.send = send
        self.heard: list[FromCaller] = []
        self._news = asyncio.Event()
        self.running = False
        self.over = asyncio.Event()
        self._error: Exception | None = None
        self._sent = 0

    def push(self, event: FromCaller) -> None:
        self.heard.append(event)
        self._news.set()
        self._news = asyncio.Event()
        match event:
            case AudioIn(pcm):
                self.send(AudioOut(pcm, generation=0, start=self._sent))
                self._sent += len(pcm) // 2
            case Typed("goodbye"):
                self.over.set()
            case Typed("fail"):
                self._error = RuntimeError("a bug")
                self.over.set()
            case _:
                pass

    async def until_heard(self, event: FromCaller) -> None:
        while event not in self.heard:
            await self._news.wait()

    async def run(self) -> None:
        self.running = True
        try:
            await self.over.wait()
            if self._error is not None:
                raise self._error
        finally:
            self.running = False


class EchoEngine:
    def __init__(self, *, broken: bool = False) -> None:
        self.calls: list[EchoCall] = []
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.closed = False
        self._broken = broken

    async def open(self) -> None:
        await self.may_open.wait()
        if self._broken:
            raise ServiceError("echo", "no model here", retryable=False)

    def new_call(self, form: CallFormat, send: Send) -> EchoCall:
        self.calls.append(EchoCall(form, send))
        return self.calls[-1]

    async def close(self) -> None:
        self.closed = True


class FakeSocket:
    """Delivers what it is given: messages, None for a goodbye, or an error."""

    def __init__(self, *script: str | bytes | None | Exception) -> None:
        self.inbox: asyncio.Queue[str | bytes | None | Exception] = asyncio.Queue()
        for item in script:
            self.inbox.put_nowait(item)
        self.sent: list[str | bytes] = []
        self.outbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.closed: tuple[int, str] | None = None

    async def receive(self) -> str | bytes | None:
        item = await self.inbox.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def send(self, message: str | bytes) -> None:
        await self.reads.wait()
        self.sent.append(message)
        self.outbox.put_nowait(message)

    async def close(self, code: int, reason: str) -> None:
        assert self.closed is None, "closed twice"
        self.closed = (code, reason)

    async def until_sent(self, wanted: str) -> None:
        while kind(await self.outbox.get()) != wanted:
            pass


def message(kind: str, data: object = None, message_id: str = "m1") -> bytes:
    content = {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
    return Frame(message=MessageFrame(data=json.dumps(content))).SerializeToString()


def audio(pcm: bytes, rate_hz: int = 16_000) -> bytes:
    frame = AudioRawFrame(audio=pcm, sample_rate=rate_hz, num_channels=1)
    return Frame(audio=frame).SerializeToString()


def ready(library: str = "stock") -> bytes:
    return message("client-ready", {"version": "2.0.0", "about": {"library": library}})


def typed(text: str) -> bytes:
    return message("send-text", {"content": text})


def kind(sent: str | bytes) -> str:
    """The RTVI type of a message from the server, or "audio"."""
    assert isinstance(sent, bytes)
    frame = Frame.FromString(sent)
    if frame.WhichOneof("frame") == "audio":
        return "audio"
    read: dict[str, str] = json.loads(frame.message.data)
    return read["type"]


def pcm(sent: str | bytes) -> bytes:
    """The samples of an audio message from the server."""
    assert isinstance(sent, bytes)
    return Frame.FromString(sent).audio.audio
