"""The peer: a stock Pipecat bot behind the same door, ears, voice and LLM server as ours.

`python -m bench.stock_pipecat --port 0 --llm-url http://127.0.0.1:8001/v1` prints its address
and serves calls on `/ws`. The pipeline is the one that `pipecat init` writes (its templates
`run_bot_logic_cascade` and `pipeline_components`): Pipecat's FastAPI WebSocket transport with
its protobuf serializer, its Moonshine service, its aggregators with Silero and the default turn
strategies (VAD start, Smart Turn v3 stop), its OpenAI service, its RTVI.

Where it is not stock, it is kinder: the speech model is loaded once and warmed, nothing is
logged below a warning, metrics are off, no greeting is spoken, and a call that is over is
cancelled at once.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
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
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.services.moonshine.stt import Model, MoonshineSTTService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

from bot.listening import CannotListenError, address, listen
from pipelines.cascade import SYSTEM_PROMPT
from pipelines.services.protocols import EAR_RATE_HZ, ServiceError, TextToSpeech
from pipelines.services.tts_espeak import EspeakTextToSpeech
from pipelines.services.tts_stub import StubTextToSpeech

VoiceName = Literal["espeak", "stub"]


class WheelMoonshine(MoonshineSTTService):
    """Pipecat's service, on the model of the moonshine-voice wheel: one for all calls."""

    _shared: Transcriber | None = None

    def __init__(self) -> None:
        super().__init__(settings=self.Settings(model=Model.TINY))

    def _load(self) -> Transcriber:
        if WheelMoonshine._shared is None:
            WheelMoonshine._shared = Transcriber(get_model_path("tiny-en"), ModelArch.TINY)
        return WheelMoonshine._shared


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


async def converse(socket: WebSocket, voice: TextToSpeech, llm_url: str, model: str) -> None:
    """One call, from the accepted socket to its end."""
    transport = FastAPIWebsocketTransport(
        websocket=socket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()
        ),
    )
    llm = OpenAILLMService(
        api_key="EMPTY",
        base_url=llm_url,
        settings=OpenAILLMService.Settings(model=model, system_instruction=SYSTEM_PROMPT),
    )
    user, assistant = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    worker = PipelineWorker(
        Pipeline(
            [
                transport.input(),
                WheelMoonshine(),
                user,
                llm,
                SharedVoice(voice),
                transport.output(),
                assistant,
            ]
        ),
        params=PipelineParams(),
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(_: FastAPIWebsocketTransport, __: WebSocket) -> None:
        await runner.cancel()

    await runner.run()


def create_app(voice: TextToSpeech, llm_url: str, model: str) -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def call(socket: WebSocket) -> None:
        await socket.accept()
        await converse(socket, voice, llm_url, model)

    return app


def warm() -> None:
    """Load the speech model and run it once: a first call is not slower than the next."""
    second = np.zeros(EAR_RATE_HZ, np.float32).tolist()
    WheelMoonshine()._load().transcribe_without_streaming(second, EAR_RATE_HZ)


async def _serve(port: int, voice: TextToSpeech, llm_url: str, model: str) -> None:
    with listen("127.0.0.1", port) as listener:
        await voice.open()
        try:
            warm()
            config = uvicorn.Config(create_app(voice, llm_url, model), log_config=None)
            typer.echo(f"{address(listener).replace('http', 'ws', 1)}/ws")
            await uvicorn.Server(config).serve([listener])
        finally:
            await voice.close()


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
        voice = EspeakTextToSpeech()
    try:
        asyncio.run(_serve(port, voice, llm_url, model))
    except CannotListenError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
