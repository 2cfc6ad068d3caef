"""LiveKit Agents as a peer: its `AgentSession`, with an audio input and output of our own.

`python -m bench.peers.livekit.serve --llm-url http://127.0.0.1:8001/v1` prints its address.
Everything that decides is LiveKit's and as it comes: Silero VAD, its turn detector (`v1-mini`,
the one that runs without LiveKit's cloud), endpointing, interruptions, preemptive generation, the
StreamAdapters that it puts around engines that do not stream, its OpenAI plugin.

It is kinder in that the speech model is loaded and warmed, and no answer waits for a room. It
cannot use its larger turn detector and its adaptive interruptions here: they run in LiveKit's
cloud. Its echo warm-up is off: it would ignore the first seconds, and there is no echo.
"""

import asyncio
from typing import Annotated

import typer
from livekit import rtc
from livekit.agents import Agent, AgentSession, APIConnectOptions, stt, tts
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice import io
from livekit.plugins import openai

from bench.peers.ears_and_voice import PeerEars, PeerVoice
from bench.peers.line import IN_RATE_HZ, OUT_RATE_HZ, Line, serve_lines

PROMPT = "You are a helpful assistant on the telephone. Answer in short sentences."
ENGLISH = LanguageCode("en")


class LiveKitEars(stt.STT):
    def __init__(self, ears: PeerEars) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._ears = ears

    async def _recognize_impl(
        self, buffer: object, *, language: object = None, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)
        text = await self._ears.hear(bytes(frame.data))
        return stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            alternatives=[stt.SpeechData(language=ENGLISH, text=text)],
        )


class LiveKitVoice(tts.TTS):
    def __init__(self, voice: PeerVoice) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=OUT_RATE_HZ,
            num_channels=1,
        )
        self.voice = voice

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return Spoken(tts=self, input_text=text, conn_options=conn_options)


class Spoken(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id="espeak",
            sample_rate=OUT_RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
            frame_size_ms=20,
        )
        async for pcm in self._tts.voice.speak(self.input_text):
            output_emitter.push(pcm)
        output_emitter.flush()


class LineInput(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="line")
        self.frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    async def __anext__(self) -> rtc.AudioFrame:
        return await self.frames.get()


class LineOutput(io.AudioOutput):
    def __init__(self, line: Line) -> None:
        super().__init__(
            label="line",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=OUT_RATE_HZ,
        )
        self._line = line
        self._began_s: float | None = None
        self._cleared = False
        self._finishing: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if self._finishing is not None:
            await self._finishing
        await super().capture_frame(frame)
        if self._began_s is None:
            self._began_s, self._cleared = self._line.sent_s, False
            self.on_playback_started(created_at=_wall_clock())
        self._line.put(bytes(frame.data))

    def flush(self) -> None:
        super().flush()
        if self._began_s is not None and self._finishing is None:
            self._finishing = asyncio.ensure_future(self._finish())

    def clear_buffer(self) -> None:
        self._cleared = True
        self._line.clear()
        if self._began_s is not None and self._finishing is None:
            self._finishing = asyncio.ensure_future(self._finish())

    def pause(self) -> None:
        super().pause()
        self._line.pause()

    def resume(self) -> None:
        super().resume()
        self._line.resume()

    async def _finish(self) -> None:
        await self._line.drained()
        began_s, self._began_s, self._finishing = self._began_s or 0.0, None, None
        position_s = self._line.sent_s - began_s
        self.on_playback_finished(playback_position=position_s, interrupted=self._cleared)


def _wall_clock() -> float:
    import time

    return time.time()  # noqa: TID251 - LiveKit's events are in it


async def converse(line: Line, ears: PeerEars, voice: PeerVoice, llm: openai.LLM) -> None:
    """One call."""
    session: AgentSession[None] = AgentSession(
        stt=LiveKitEars(ears), llm=llm, tts=LiveKitVoice(voice), aec_warmup_duration=None
    )
    heard = LineInput()
    session.input.audio, session.output.audio = heard, LineOutput(line)
    await session.start(Agent(instructions=PROMPT))
    try:
        await line.ready()
        async for pcm in line.incoming():
            frame = rtc.AudioFrame(pcm, IN_RATE_HZ, 1, len(pcm) // 2)
            heard.frames.put_nowait(frame)
    finally:
        await session.aclose()


async def serve(llm_url: str, model: str, port: int) -> None:
    ears, voice = PeerEars(), PeerVoice()
    await voice.open()
    llm = openai.LLM(base_url=llm_url, api_key="EMPTY", model=model)
    try:
        await serve_lines(port, lambda line: converse(line, ears, voice, llm))
    finally:
        await voice.close()


def main(
    llm_url: Annotated[str, typer.Option(help="OpenAI-compatible, up to and including /v1.")],
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 0,
    model: Annotated[str, typer.Option()] = "halfsecond-demo",
) -> None:
    """Serve a LiveKit agent on 127.0.0.1, for comparison."""
    asyncio.run(serve(llm_url, model, port))


if __name__ == "__main__":
    typer.run(main)
