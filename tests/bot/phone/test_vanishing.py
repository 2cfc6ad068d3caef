"""Callers who vanish without closing, at all that `./run serve` has: nothing of them stays."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from bot.calls.connection import ConnectedCall, Send
from bot.calls.limits import Limits
from bot.settings import Settings
from client.caller.speech_file import load, narrowed
from pipelines.audio.mulaw import encode
from pipelines.cascade import CallFormat
from pipelines.core.exchange import AudioOut, FromCaller, ToCaller
from tests.bot.phone.calling import PHONE, media_url, token_for
from tests.bot.phone.speaking_twilio import CONNECTED, media, said, start
from tests.echo import EchoEngine
from tests.patience import until
from tests.serving import RawClient, Served, serving
from tests.test_leaks import RealEngine, assert_no_more, held_after_all, memory_bytes

RECORDING = Path(__file__).parents[2] / "recordings" / "digits_two_nine.wav"
RATE_HZ, FRAME = 8000, 160
CALLS = 50
WITHIN_S = 20.0
GROWTH_BYTES = 10 * 2**20
"""When as many calls have gone before."""


@dataclass
class Watched:
    """A call; when it was over, and whether it had begun to answer."""

    send: Send
    call: ConnectedCall | None = None
    answers: bool = False
    over_s: float = 0.0

    def watch(self, message: ToCaller) -> None:
        self.answers = self.answers or isinstance(message, AudioOut)
        self.send(message)

    def push(self, event: FromCaller) -> None:
        assert self.call is not None
        self.call.push(event)

    async def run(self) -> None:
        assert self.call is not None
        try:
            await self.call.run()
        finally:
            self.over_s = asyncio.get_running_loop().time()


@dataclass
class Engine:
    """The real one, and its calls."""

    real: RealEngine
    calls: list[Watched] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        return self.real.closed

    async def open(self) -> None:
        await self.real.open()

    def new_call(self, form: CallFormat, send: Send) -> Watched:
        call = Watched(send)
        call.call = self.real.new_call(form, call.watch)
        self.calls.append(call)
        return call

    async def close(self) -> None:
        await self.real.close()


def question() -> list[str]:
    """A word and two seconds of silence, as Twilio's messages."""
    spoken = narrowed(load(RECORDING), RATE_HZ).pcm[::2][: round(1.1 * RATE_HZ)]
    pcm = np.concatenate([spoken, np.zeros(2 * RATE_HZ, np.int16)])
    frames = [pcm[at : at + FRAME] for at in range(0, len(pcm) - FRAME + 1, FRAME)]
    return [
        said(media(encode(frame), chunk=number, at_ms=20 * (number - 1)))
        for number, frame in enumerate(frames, 1)
    ]


async def ask_and_vanish(served: Served, sid: str, messages: Sequence[str]) -> RawClient:
    """From then on nothing comes, not even a pong, and nothing is read."""
    token = await token_for(served, sid)
    client = await RawClient.enter(media_url(served))
    begun = start(token=token)
    begun["start"]["callSid"] = sid
    for message in (said(CONNECTED), said(begun), *messages):
        client.send(0x1, message.encode())
    return client


async def vanish(served: Served, engine: Engine) -> float:
    """One after the other, each second one while it is answered; the longest that one was kept."""
    now, messages = asyncio.get_running_loop().time, question()
    clients, vanished_s = [], []
    for number in range(CALLS):
        asks = messages if number % 2 else []
        clients.append(await ask_and_vanish(served, f"CA{number}", asks))
        vanished_s.append(now())
        await until(lambda: len(engine.calls) > number, 0.001)  # noqa: B023
    await until(lambda: not served.sessions.calls, 0.02)
    assert sum(call.answers for call in engine.calls) >= CALLS // 3  # of half of them
    kept_s = [call.over_s - gone_s for call, gone_s in zip(engine.calls, vanished_s, strict=True)]
    for client in clients:
        client.vanish()
    engine.calls.clear()
    return max(kept_s)


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_fifty_calls_that_vanish_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    async def scenario() -> None:
        engine, limits = Engine(RealEngine()), Limits(calls=CALLS, calls_per_address=CALLS)
        async with serving(cast(EchoEngine, engine), phone=PHONE, limits=limits) as served:
            idle = asyncio.all_tasks()
            await vanish(served, engine)  # whatever is made once is made now
            before, memory = await held_after_all(idle), memory_bytes()
            kept_s = await vanish(served, engine)
            assert_no_more(await held_after_all(idle), before)
            grown = memory_bytes() - memory
            print(f"\nkept for {kept_s:.1f} s; {grown / 2**20:+.1f} MB", file=sys.stderr)  # noqa: T201
            assert kept_s < WITHIN_S
            assert grown < GROWTH_BYTES

    asyncio.run(scenario())
