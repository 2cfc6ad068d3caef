import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from pipelines.services.protocols import EAR_RATE_HZ, Samples, ServiceError, TurnModel
from pipelines.services.turn.turn_smart import SmartTurn
from tests.pipelines.services.contracts.leaks import run_leaving_nothing
from tests.pipelines.services.scripted import ScriptedTurnModel

NewTurnModel = Callable[[], TurnModel]


def scripted() -> TurnModel:
    return ScriptedTurnModel(lambda audio: min(1.0, len(audio) / EAR_RATE_HZ / 10))


@pytest.fixture(params=[SmartTurn, scripted])
def new_turn(request: pytest.FixtureRequest) -> NewTurnModel:
    made: NewTurnModel = request.param
    return made


def with_turn(new_turn: NewTurnModel, scenario: Callable[[TurnModel], Awaitable[None]]) -> None:
    async def opened() -> None:
        turn = new_turn()
        await turn.open()
        try:
            await scenario(turn)
        finally:
            await turn.close()

    run_leaving_nothing(opened)


def noise(length_s: float) -> Samples:
    samples = np.random.default_rng(3).standard_normal(round(length_s * EAR_RATE_HZ)) * 0.05
    return samples.astype(np.float32)


@pytest.mark.parametrize("length_s", [0.0, 0.01, 1.0, 8.0, 60.0])
def test_audio_of_any_length_has_a_probability(new_turn: NewTurnModel, length_s: float) -> None:
    async def scenario(turn: TurnModel) -> None:
        assert 0 <= await turn.probability(noise(length_s)) <= 1

    with_turn(new_turn, scenario)


def test_questions_at_once_are_each_answered_as_if_alone(new_turn: NewTurnModel) -> None:
    audios = [noise(length_s) for length_s in (0.5, 2.0, 4.0)]

    async def scenario(turn: TurnModel) -> None:
        together = await asyncio.gather(*map(turn.probability, audios))
        assert together == [await turn.probability(audio) for audio in audios]

    with_turn(new_turn, scenario)


def test_a_cancelled_question_holds_up_nobody(new_turn: NewTurnModel) -> None:
    async def scenario(turn: TurnModel) -> None:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(turn.probability(noise(1.0))) for _ in range(3)]
            await asyncio.sleep(0)
            asked[0].cancel()
            asked[1].cancel()
        assert [each.cancelled() for each in asked] == [True, True, False]

    with_turn(new_turn, scenario)


def test_a_closed_model_does_not_answer(new_turn: NewTurnModel) -> None:
    async def scenario() -> None:
        turn = new_turn()
        for _ in range(2):
            with pytest.raises(ServiceError) as failure:
                await turn.probability(noise(0.1))
            assert failure.value.service == "turn"
            await turn.open()
            await turn.close()

    run_leaving_nothing(scenario)
