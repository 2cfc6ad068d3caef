"""FastRTC as a peer: its `ReplyOnPause` handler, with its defaults, on our own line.

`python -m bench.peers.fastrtc.serve --llm-url http://127.0.0.1:8001/v1` prints its address. The
handler is driven as FastRTC's own `WebSocketHandler` drives it: frames are received on a thread,
what it emits is queued and played, and it clears the queue when it hears the person pause again.
The reply is the one of its documentation's voice chat: speech to text, a chat completion with the
history so far, text to speech; but streamed, each sentence spoken as it is complete.

It has no transcripts while somebody speaks, no opinion about the end of a turn beside silence, and
hears that it is spoken over only when the person pauses: those figures are its own.
"""

import asyncio
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Any

import numpy as np
import typer
from fastrtc import ReplyOnPause
from fastrtc.pause_detection.silero import SileroVADModel
from numpy.typing import NDArray
from openai import OpenAI

from bench.peers.ears_and_voice import PeerEars, PeerVoice
from bench.peers.line import FRAME_S, IN_RATE_HZ, OUT_RATE_HZ, Line, serve_lines

PROMPT = "You are a helpful assistant on the telephone. Answer in short sentences."


class PackagedSilero(SileroVADModel):
    """FastRTC's own, with the file from a package: nothing is downloaded while it runs."""

    @staticmethod
    def download_model() -> str:
        return str(files("faster_whisper") / "assets" / "silero_vad.onnx")


class Silent:
    """A data channel to a page that is not there."""

    def send(self, message: str) -> None: ...


class FastRtcConversation:
    """One call's history, and the reply function that FastRTC is given."""

    def __init__(self, ears: PeerEars, voice: PeerVoice, client: OpenAI, model: str) -> None:
        self._ears, self._voice, self._client, self._model = ears, voice, client, model
        self._messages: list[Any] = [{"role": "system", "content": PROMPT}]
        self._loop = asyncio.get_running_loop()

    def reply(self, audio: tuple[int, NDArray[np.int16]]) -> Iterator[tuple[int, Any]]:
        text = self._ears.text(audio[1].tobytes())
        if not text:
            return
        self._messages.append({"role": "user", "content": text})
        said = ""
        try:
            for sentence in self._sentences():
                said += sentence
                for pcm in self._spoken(sentence):
                    yield OUT_RATE_HZ, np.frombuffer(pcm, np.int16).reshape(1, -1)
        finally:
            self._messages.append({"role": "assistant", "content": said.strip()})

    def _sentences(self) -> Iterator[str]:
        stream = self._client.chat.completions.create(
            model=self._model, messages=self._messages, stream=True
        )
        text = ""
        for chunk in stream:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            if found := re.match(r".*?[.?!](?=\s)", text, re.DOTALL):
                yield found.group()
                text = text[found.end() :]
        if text.strip():
            yield text

    def _spoken(self, text: str) -> Iterator[bytes]:
        stream = self._voice.speak(text)
        while True:
            future = asyncio.run_coroutine_threadsafe(anext(stream, None), self._loop)
            if (pcm := future.result()) is None:
                return
            if pcm:
                yield pcm


async def converse(line: Line, conversation: FastRtcConversation, silero: PackagedSilero) -> None:
    """One call."""
    loop = asyncio.get_running_loop()
    handler = ReplyOnPause(conversation.reply, input_sample_rate=IN_RATE_HZ, model=silero)
    handler._loop = loop
    handler._clear_queue = lambda: loop.call_soon_threadsafe(line.clear)
    handler.phone_mode = True  # nobody sends it further arguments
    handler.set_channel(Silent())
    emitting = asyncio.ensure_future(_emit(handler, line))
    try:
        await line.ready()
        async for pcm in line.incoming():
            frame = np.frombuffer(pcm, np.int16).reshape(1, -1)
            await asyncio.to_thread(handler.receive, (IN_RATE_HZ, frame))
    finally:
        emitting.cancel()


async def _emit(handler: ReplyOnPause, line: Line) -> None:
    while True:
        output = await asyncio.to_thread(handler.emit)
        if output is None:
            await asyncio.sleep(FRAME_S)
        else:
            line.put(output[1].tobytes())


async def serve(llm_url: str, model: str, port: int) -> None:
    ears, voice = PeerEars(), PeerVoice()
    await voice.open()
    client = OpenAI(base_url=llm_url, api_key="EMPTY")
    silero = PackagedSilero()

    async def call(line: Line) -> None:
        await converse(line, FastRtcConversation(ears, voice, client, model), silero)

    try:
        await serve_lines(port, call)
    finally:
        await voice.close()


def main(
    llm_url: Annotated[str, typer.Option(help="OpenAI-compatible, up to and including /v1.")],
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 0,
    model: Annotated[str, typer.Option()] = "halfsecond-demo",
) -> None:
    """Serve a FastRTC handler on 127.0.0.1, for comparison."""
    asyncio.run(serve(llm_url, model, port))


if __name__ == "__main__":
    typer.run(main)
