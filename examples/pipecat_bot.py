"""A stock Pipecat bot whose ears, turn-taking, language model and voice are Halfsecond.

    uvicorn examples.pipecat_bot:app --port 7861

Pipecat's own clients connect to ws://127.0.0.1:7861/ws. The models are loaded once, for all calls.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

from halfsecond import Announcements, Halfsecond, Policies, local_services

LLM_URL, LLM_MODEL = "http://127.0.0.1:8000/v1", "google/gemma-3-12b-it"
POLICIES = Policies(
    system_prompt="You are a friendly assistant. Answer in one or two short sentences.",
    announcements=Announcements(greeting="Hello! How can I help you?"),
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with local_services(llm_base_url=LLM_URL, llm_model=LLM_MODEL) as app.state.models:
        yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def converse(socket: WebSocket) -> None:
    await socket.accept()
    params = FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()
    )
    transport = FastAPIWebsocketTransport(socket, params)
    bot = Halfsecond(socket.app.state.models, POLICIES)
    worker = PipelineWorker(
        Pipeline([transport.input(), bot, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000),
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    async def leave(_transport: FastAPIWebsocketTransport, _socket: WebSocket) -> None:
        await worker.cancel()

    transport.add_event_handler("on_client_disconnected", leave)
    await runner.run()
