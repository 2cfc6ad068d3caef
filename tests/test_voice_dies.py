"""The voice's process is killed in the middle of a call, and the call goes on."""

import asyncio
import os
import signal
from pathlib import Path
from typing import cast

import pytest

from bot.calls.connection import ConnectedCall, Send
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine
from client.caller.speech_file import load, recording
from pipelines.cascade import CallFormat
from pipelines.core.exchange import Fault, StateChanged, ToCaller
from tests.echo import EchoEngine
from tests.serving import serving
from tests.test_leaks import RECORDING, SPOKEN, RealEngine, children


class Assassin(RealEngine):
    """Kills espeak-ng whenever the person is heard to speak: the reply is on its way then."""

    def __init__(self) -> None:
        super().__init__()
        self.killed: list[int] = []
        self.faults: list[str] = []

    def new_call(self, form: CallFormat, send: Send) -> ConnectedCall:
        def watching(message: ToCaller) -> None:
            if message == StateChanged("hearing"):
                self.kill()
            if isinstance(message, Fault):
                self.faults.append(message.message)
            send(message)

        return super().new_call(form, watching)

    def kill(self) -> None:
        for pid in espeak():
            os.kill(pid, signal.SIGKILL)
            self.killed.append(pid)


def espeak() -> list[int]:
    found = []
    for pid in children():
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"espeak_process" in command:
            found.append(pid)
    return found


def called(engine: Assassin, turns: int) -> CallResult:
    async def scenario() -> CallResult:
        async with serving(cast(EchoEngine, engine)) as served:
            said = recording("two nine", load(RECORDING).pcm[SPOKEN])
            pacing = Pacing(lead_in_s=0.1, until_quiet_s=0.3, hear_s=0.3)
            options = CallOptions(pacing=pacing)
            return await place_call(
                f"http://127.0.0.1:{served.port}", [ScriptLine(said)] * turns, options
            )

    return asyncio.run(scenario())


pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.mark.soak
def test_a_call_whose_voice_is_killed_in_every_turn_is_answered_in_every_turn() -> None:
    engine = Assassin()
    result = called(engine, turns=2)

    assert len(engine.killed) == len(set(engine.killed)) >= 2
    assert [turn.wait.missed for turn in result.turns] == [False, False]
    assert engine.faults == []
