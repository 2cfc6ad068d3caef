import asyncio

import numpy as np
import pytest
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

from pipelines.services.protocols import EAR_RATE_HZ, Samples
from pipelines.services.turn.turn_smart import SmartTurn, load_smart_turn
from tests.pipelines.services.shipped_speech import shipped_speech


@pytest.fixture(scope="module")
def speech() -> Samples:
    return shipped_speech()


def ask(*audios: Samples) -> list[float]:
    async def scenario() -> list[float]:
        turn = SmartTurn()
        await turn.open()
        try:
            return list(await asyncio.gather(*map(turn.probability, audios)))
        finally:
            await turn.close()

    return asyncio.run(scenario())


def test_it_gives_what_pipecats_analyzer_gives(speech: Samples) -> None:
    """In our session: without VNNI, Pipecat's own multiplies 8 bit numbers less exactly."""
    audios = [speech[: int(length_s * EAR_RATE_HZ)] for length_s in (0.2, 1.7, 5.0, 9.9)]

    theirs = LocalSmartTurnAnalyzerV3(sample_rate=EAR_RATE_HZ)
    theirs._session = load_smart_turn()._session

    assert ask(*audios) == pytest.approx(
        [theirs._predict_endpoint(audio)["probability"] for audio in audios], abs=1e-6
    )


def test_a_whole_sentence_is_over_and_half_a_one_is_not(speech: Samples) -> None:
    whole, torn = ask(speech[-3 * EAR_RATE_HZ :], speech[: int(2.2 * EAR_RATE_HZ)])

    assert torn < 0.5 < whole  # 0.59 to 0.9, by how the processor multiplies 8 bit numbers


def test_only_the_last_eight_seconds_count(speech: Samples) -> None:
    last = speech[-8 * EAR_RATE_HZ :]

    longer, alone = ask(np.concatenate((speech, last)), last)

    assert longer == alone
