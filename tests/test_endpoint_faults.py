"""An endpoint's faults under a real server with its own clocks: a person speaks, and listens."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from bot.calls.limits import Limits
from bot.settings import Settings
from bot.wiring.engine import Wiring
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine
from client.caller.speech_file import load
from pipelines.words import ENGLISH
from tests.echo import EchoEngine
from tests.pipelines.services.scripted_endpoint import ScriptedEndpoint
from tests.pipelines.stages.test_faults import FAULTS, for_ever
from tests.serving import serving

RECORDING = Path(__file__).parent / "recordings" / "phone_did_not_understand.wav"
LATEST_S = 4.0


class WiredEngine:
    """All that `./run serve` has with these settings."""

    def __init__(self, settings: Settings) -> None:
        self._wiring = Wiring(settings)
        self.new_call = self._wiring.new_call
        self.open = self._wiring.open
        self.closed = False

    async def close(self) -> None:
        await self._wiring.close()
        self.closed = True


async def call(endpoint: ScriptedEndpoint) -> CallResult:
    async with endpoint:
        settings = Settings.model_validate({"llm_base_url": endpoint.url, "llm_warm": False})
        engine = cast(EchoEngine, WiredEngine(settings))
        options = CallOptions(pacing=Pacing(until_quiet_s=3.0))
        async with serving(engine, limits=Limits(calls=1)) as served:
            url = f"http://127.0.0.1:{served.port}"
            result = await place_call(url, [ScriptLine(load(RECORDING))], options)
        assert endpoint.open_connections == 0
        return result


@pytest.mark.soak
@pytest.mark.parametrize(
    "name",
    ["401", "429", "500", "half open", "stall", "dribble", "reset", "garbage", "a 10 MB line"],
)
def test_a_person_who_speaks_is_answered_within_four_seconds(name: str) -> None:
    replies, case = FAULTS[name]
    endpoint = for_ever(replies)
    turn = asyncio.run(call(endpoint)).turns[-1]
    row = turn.words.row or {}
    print(name, turn.wait.v2v_s, len(endpoint.requests), row.get("segments"))  # noqa: T201
    assert not turn.wait.missed
    assert turn.wait.v2v_s <= LATEST_S
    assert turn.words.answer.split()[-1] in {ENGLISH.apology.split()[-1], ENGLISH.cold.split()[-1]}
    assert len(endpoint.requests) >= case.requests
