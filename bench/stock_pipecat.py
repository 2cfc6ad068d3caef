"""The peer: a stock Pipecat bot behind the same door, ears, voice and LLM server as ours.

`python -m bench.stock_pipecat --port 0 --llm-url http://127.0.0.1:8001/v1` prints its address
and serves calls on `/ws`. The pipeline is the one that `pipecat init` writes (its templates
`run_bot_logic_cascade` and `pipeline_components`): Pipecat's FastAPI WebSocket transport with
its protobuf serializer (on `/twilio` its Twilio serializer, and a voice at 8 kHz, as the template
has it for the telephone), its Moonshine service, its aggregators with Silero and the default turn
strategies (VAD start, Smart Turn v3 stop), its OpenAI service, its RTVI.

Where it is not stock, it is kinder: the speech model is loaded and warmed before the first call,
nothing is logged below a warning, metrics are off, no greeting is spoken, and a call that is
over is cancelled at once. On the telephone it hears at 16 kHz: at the template's 8 kHz, Moonshine
would be given half the speed.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Annotated, Literal

import numpy as np
import typer
import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from moonshine_voice import ModelArch, Transcriber, get_model_path
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import ErrorFrame, Frame, TTSAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.moonshine.stt import Model, MoonshineSTTService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

from bot.server.listening import CannotListenError, address, listen
from pipelines.core.thinking.prompt import SYSTEM_PROMPT
from pipelines.services.protocols import EAR_RATE_HZ, ServiceError, TextToSpeech
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_espeak import espeak_voice
from pipelines.services.tts.tts_stub import StubTextToSpeech

VoiceName = Literal["espeak", "stub"]
CORES = os.cpu_count() or 1
TELEPHONE_RATE_HZ = 8000


class WheelMoonshine(MoonshineSTTService):
    """Pipecat's service, on a model of the moonshine-voice wheel that is in memory already."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._loaded = transcriber
        super().__init__(settings=self.Settings(model=Model.TINY))

    def _load(self) -> Transcriber:
        return self._loaded


class SharedVoice(TTSService):
    """Our voice as Pipecat's own local voices are written (`services/kokoro/tts.py`)."""

    def __init__(self, voice: TextToSpeech) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self._voice = voice

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        try:
            async for chunk in self._voice.synthesise(text):
                yield TTSAudioRawFrame(
                    audio=chunk.pcm.tobytes(),
                    sample_rate=self._voice.rate_hz,
                    num_channels=1,
                    context_id=context_id,
                )
        except ServiceError as exc:
            yield ErrorFrame(error=str(exc))


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts that the process has once."""

    voice: TextToSpeech
    transcribers: Iterator[Transcriber]
    """One for each core, handed out in turn: a transcriber does one thing at a time."""
    llm_url: str
    model: str


async def converse(
    socket: WebSocket, shared: Shared, serializer: FrameSerializer, params: PipelineParams
) -> None:
    """One call, from the accepted socket to its end."""
    transport = FastAPIWebsocketTransport(
        websocket=socket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, serializer=serializer
        ),
    )
    llm = OpenAILLMService(
        api_key="EMPTY",
        base_url=shared.llm_url,
        settings=OpenAILLMService.Settings(model=shared.model, system_instruction=SYSTEM_PROMPT),
    )
    user, assistant = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    worker = PipelineWorker(
        Pipeline(
            [
                transport.input(),
                WheelMoonshine(next(shared.transcribers)),
                user,
                llm,
                SharedVoice(shared.voice),
                transport.output(),
                assistant,
            ]
        ),
        params=params,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    async def hang_up(_: FastAPIWebsocketTransport, __: WebSocket) -> None:
        await runner.cancel()

    transport.add_event_handler("on_client_disconnected", hang_up)
    await runner.run()


def create_app(shared: Shared) -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def call(socket: WebSocket) -> None:
        await socket.accept()
        await converse(socket, shared, ProtobufFrameSerializer(), PipelineParams())

    @app.websocket("/twilio")
    async def telephone_call(socket: WebSocket) -> None:
        await socket.accept()
        _, call_data = await parse_telephony_websocket(socket)
        serializer = TwilioFrameSerializer(
            stream_sid=call_data["stream_id"],
            params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
        )
        params = PipelineParams(audio_out_sample_rate=TELEPHONE_RATE_HZ)
        await converse(socket, shared, serializer, params)

    return app


def warm_transcribers() -> list[Transcriber]:
    """Loaded and run once: a first call is not slower than the next."""
    second = np.zeros(EAR_RATE_HZ, np.float32).tolist()
    found = [Transcriber(get_model_path("tiny-en"), ModelArch.TINY) for _ in range(CORES)]
    for one in found:
        one.transcribe_without_streaming(second, EAR_RATE_HZ)
    return found


async def _serve(port: int, shared: Shared) -> None:
    with listen("127.0.0.1", port) as listener:
        await shared.voice.open()
        try:
            config = uvicorn.Config(create_app(shared), log_config=None)
            typer.echo(f"{address(listener).replace('http', 'ws', 1)}/ws")
            await uvicorn.Server(config).serve([listener])
        finally:
            await shared.voice.close()


def main(
    llm_url: Annotated[str, typer.Option(help="OpenAI-compatible, up to and including /v1.")],
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 0,
    model: Annotated[str, typer.Option()] = "halfsecond-demo",
    tts: Annotated[VoiceName, typer.Option(help="Which voice.")] = "espeak",
    tts_first_audio_ms: Annotated[float, typer.Option(help="Of the stub voice.")] = 0.0,
) -> None:
    """Serve a stock Pipecat bot on 127.0.0.1, for comparison."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    voice: TextToSpeech
    if tts == "stub":
        voice = StubTextToSpeech(first_audio_s=tts_first_audio_ms / 1000)
    else:
        voice = AudioPostprocessor(espeak_voice())
    try:
        shared = Shared(voice, cycle(warm_transcribers()), llm_url, model)
        asyncio.run(_serve(port, shared))
    except CannotListenError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
