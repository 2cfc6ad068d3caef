"""A client: plays a WAV (16 kHz, mono, 16 bit) at a server, prints the words, keeps the answer.

python -m examples.client question.wav answer.wav http://127.0.0.1:7860
"""

import asyncio
import json
import sys
import wave

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from bot.browser.browser_pb2 import AudioRawFrame, Frame, MessageFrame

READY = {"label": "rtvi-ai", "id": "1", "type": "client-ready", "data": {"version": "2.0.0"}}


async def speak(socket: ClientConnection, question: wave.Wave_read) -> None:
    while True:  # the question, then silence: a microphone is never done
        pcm = question.readframes(320).ljust(640, b"\0")
        audio = AudioRawFrame(audio=pcm, sample_rate=16_000, num_channels=1)
        await socket.send(Frame(audio=audio).SerializeToString())
        await asyncio.sleep(0.02)


async def ask(question: str, answer: str, url: str) -> None:
    with wave.open(question) as mine, wave.open(answer, "wb") as heard:
        heard.setparams((1, 2, 24_000, 0, "NONE", ""))
        async with connect(url) as socket, asyncio.TaskGroup() as tasks:
            ready = MessageFrame(data=json.dumps(READY))
            await socket.send(Frame(message=ready).SerializeToString())
            speaking = tasks.create_task(speak(socket, mine))
            while True:
                frame = Frame.FromString(await socket.recv(decode=False))
                heard.writeframes(frame.audio.audio)
                said = json.loads(frame.message.data or "{}")
                if said.get("type") == "user-transcription" and said["data"]["final"]:
                    print("you:", said["data"]["text"])
                elif said.get("type") == "bot-tts-text":
                    print("bot:", said["data"]["text"])
                elif said.get("type") == "bot-stopped-speaking":
                    break
            speaking.cancel()


def main(question: str, answer: str, server: str) -> None:
    ticket = httpx2.post(f"{server}/start", json={}).json()
    asyncio.run(ask(question, answer, ticket["wsUrl"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
