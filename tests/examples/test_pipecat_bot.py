"""The stock bot with our processor in it, at a real socket, by Pipecat's protobuf."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InputTransportMessageFrame,
    OutputAudioRawFrame,
)
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from websockets.asyncio.client import ClientConnection, connect

from bot.server.listening import listen
from client.caller.speech_file import load
from examples import pipecat_bot
from halfsecond import local_services
from tests.pipelines.services.scripted import ScriptedLanguageModel, paced

RECORDING = Path(__file__).parents[1] / "recordings" / "phone_which_folder.wav"
FRAME = 320


async def speak(socket: ClientConnection) -> None:
    serializer = ProtobufFrameSerializer()
    spoken = load(RECORDING).pcm
    pcm = np.concatenate((np.zeros(48_000, np.int16), spoken, np.zeros(160_000, np.int16)))
    for at in range(0, len(pcm) - FRAME, FRAME):
        frame = OutputAudioRawFrame(pcm[at : at + FRAME].tobytes(), 16_000, 1)
        await socket.send(await serializer.serialize(frame) or b"")
        await asyncio.sleep(0.02)


async def hear(socket: ClientConnection) -> tuple[str, float]:
    """The transcript, and the seconds of sound that are no silence after it."""
    serializer, text, seconds = ProtobufFrameSerializer(), "", 0.0
    async for message in socket:
        frame = await serializer.deserialize(message)
        if isinstance(frame, InputTransportMessageFrame):
            text = text or _transcript(frame.message)
        elif isinstance(frame, InputAudioRawFrame) and text:
            pcm = np.frombuffer(frame.audio, "<i2")
            seconds += len(pcm) / frame.sample_rate if abs(pcm).max(initial=0) > 300 else 0.0
            if seconds > 0.5:
                break
    return text, seconds


def _transcript(message: dict[str, Any]) -> str:
    is_final = message.get("type") == "user-transcription" and message["data"]["final"]
    return str(message["data"]["text"]) if is_final else ""


@pytest.mark.timeout(120)
def test_a_stock_bot_hears_a_recording_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answers(messages: object) -> list[object]:
        asked.append(messages[-1].content)  # type: ignore[index]
        return paced("It is in the blue folder on the shelf beside the door.")  # type: ignore[return-value]

    llm = ScriptedLanguageModel(answers)  # type: ignore[arg-type]
    monkeypatch.setattr(pipecat_bot, "local_services", lambda **_: local_services(llm=llm))

    async def scenario() -> tuple[str, float]:
        with listen("127.0.0.1", 0) as listener:
            server = uvicorn.Server(uvicorn.Config(pipecat_bot.app, log_config=None))
            serving = asyncio.ensure_future(server.serve([listener]))
            port = listener.getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}/ws", open_timeout=60) as socket:
                speaking = asyncio.ensure_future(speak(socket))
                heard = await hear(socket)
                speaking.cancel()
            server.should_exit = True
            await serving
        return heard

    text, seconds = asyncio.run(scenario())
    assert "folder" in text.lower()
    assert asked
    assert "folder" in asked[-1].lower()
    assert seconds > 0.5
