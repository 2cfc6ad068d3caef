"""A fault in the ears' thread in the middle of a call through the server: the call goes on."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from bot.calls.limits import Limits
from bot.wiring.engine import Wiring
from client.caller.call import place_call
from client.caller.conductor import ScriptLine
from client.caller.speech_file import load
from pipelines.services.stt.moonshine import Decoding
from pipelines.services.stt.stt_moonshine import MoonshineSpeechToText
from pipelines.services.stt.stt_restarting import RestartingSpeechToText
from tests.engines_real.calling import WiredEngine
from tests.serving import serving

RECORDINGS = Path(__file__).parent / "recordings"
ASKED = ["phone_which_folder", "phone_check_the_number", "phone_outgoing_call"]


pytestmark = pytest.mark.usefixtures("empty_folder")


class Saboteur:
    """Breaks the model of each engine in turn, once it has done so many jobs."""

    def __init__(self, wiring: Wiring, after: int) -> None:
        self._ears = cast(RestartingSpeechToText, wiring._stt)
        self._after = after
        self.faults = 0

    def sabotage(self) -> None:
        engine = cast(MoonshineSpeechToText, self._ears.engine)
        model = engine._model
        assert model is not None
        decode, jobs = model.decode, 0

        def faulty(*given: object) -> Decoding:
            nonlocal jobs
            jobs += 1
            if jobs > self._after:
                self.faults += 1
                raise MemoryError("injected")
            return decode(*given)  # type: ignore[arg-type]

        model.decode = faulty  # type: ignore[assignment, method-assign]


async def called() -> tuple[list[str], Saboteur]:
    """The ears' version of the caller's words, by the history."""
    engine = WiredEngine(stt_engine="moonshine")
    saboteur = Saboteur(engine._wiring, after=6)
    async with serving(engine.as_engine(), limits=Limits(calls=4)) as served:
        saboteur.sabotage()
        lines = [ScriptLine(load(RECORDINGS / f"{name}.wav")) for name in ASKED]
        await place_call(f"http://127.0.0.1:{served.port}", lines)
    [conversation] = engine.conversations
    return [line.text for line in conversation.lines if line.role == "user"], saboteur


@pytest.mark.soak
def test_a_fault_in_the_ears_in_mid_call_costs_no_turn() -> None:
    heard, saboteur = asyncio.run(called())
    assert saboteur.faults >= 1
    assert len(heard) == len(ASKED)
    for text, word in zip(heard, ["folder", "number", "outgoing"], strict=True):
        assert word in text.lower()
