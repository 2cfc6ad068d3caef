"""The jobs of an engine that dies or hangs, on virtual time; then Moonshine's."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.services.protocols import ServiceError, Transcription, TranscriptionJob
from pipelines.services.stt.moonshine import Decoding
from pipelines.services.stt.stt_moonshine import MoonshineSpeechToText
from pipelines.services.stt.stt_restarting import HUNG_S, WITHIN_S, RestartingSpeechToText
from replay.virtual_time import run
from tests.pipelines.services.contracts import ears
from tests.pipelines.services.scripted import ScriptedSpeechToText, ToneSpeech

SPEECH = ToneSpeech("what time is it")
AUDIO = SPEECH.spoken("what time is it")
JOB = TranscriptionJob(AUDIO, final=True)
LOAD_S = 0.5


class Engine(ScriptedSpeechToText):
    """Fails or hangs from its `lives`th job on."""

    def __init__(self, lives: float, *, hangs: bool = False, retryable: bool = False) -> None:
        super().__init__(SPEECH.heard, workers=1)
        self._lives = lives
        self._hangs = hangs
        self._retryable = retryable
        self.closed = False

    async def open(self) -> None:
        await asyncio.sleep(LOAD_S)
        await super().open()

    async def close(self) -> None:
        await super().close()
        self.closed = True

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        if len(self.jobs) >= self._lives:
            if self._hangs:
                await asyncio.Event().wait()
            raise ServiceError("stt", "injected", retryable=self._retryable)
        return await super().transcribe(job)


class House:
    """Restarting ears, and all engines that they ever had."""

    def __init__(self, *engines: Engine) -> None:
        self._next = iter(engines)
        self.made: list[Engine] = []
        self.ears = RestartingSpeechToText(self._new)

    def _new(self) -> Engine:
        self.made.append(next(self._next))
        return self.made[-1]


def with_house(*engines: Engine, scenario: Callable[[House], Any]) -> House:
    house = House(*engines)

    async def opened() -> None:
        await house.ears.open()
        await scenario(house)
        await house.ears.close()

    run(opened())
    assert all(engine.closed for engine in house.made)
    return house


def now() -> float:
    return asyncio.get_running_loop().time()


def test_what_a_dying_engine_was_listening_to_is_heard_by_the_next() -> None:
    async def scenario(house: House) -> None:
        asked_at = now()
        heard = await asyncio.gather(*(house.ears.transcribe(JOB) for _ in range(4)))
        assert [each.text for each in heard] == ["what time is it"] * 4
        assert now() - asked_at < 2.0

    house = with_house(Engine(0), Engine(99), scenario=scenario)
    assert len(house.made) == 2


def test_an_engine_that_hangs_is_replaced_and_asked_again() -> None:
    async def scenario(house: House) -> None:
        asked_at = now()
        assert (await house.ears.transcribe(JOB)).text == "what time is it"
        assert HUNG_S <= now() - asked_at < HUNG_S + 2.0

    with_house(Engine(0, hangs=True), Engine(99), scenario=scenario)


def test_a_long_queue_is_no_death() -> None:
    async def scenario(house: House) -> None:
        asked_at = now()
        await asyncio.gather(*(house.ears.transcribe(JOB) for _ in range(250)))
        assert now() - asked_at > HUNG_S

    house = with_house(Engine(999), scenario=scenario)
    assert len(house.made) == 1


def test_what_is_retryable_is_no_death() -> None:
    async def scenario(house: House) -> None:
        with pytest.raises(ServiceError, match="injected") as error:
            await house.ears.transcribe(JOB)
        assert error.value.retryable

    house = with_house(Engine(0, retryable=True), scenario=scenario)
    assert len(house.made) == 1


def test_audio_that_no_engine_could_take_kills_none() -> None:
    async def scenario(house: House) -> None:
        with pytest.raises(ServiceError, match="not mono float32"):
            await house.ears.transcribe(TranscriptionJob(AUDIO.reshape(2, -1)))

    house = with_house(Engine(99), scenario=scenario)
    assert len(house.made) == 1


def test_three_deaths_in_a_minute_are_told_and_a_minute_later_it_is_tried_again() -> None:
    async def scenario(house: House) -> None:
        began_at = now()
        for _ in range(2):
            with pytest.raises(ServiceError, match="died 3 times in a minute") as error:
                await house.ears.transcribe(JOB)
            assert not error.value.retryable
        assert len(house.made) == 3
        await asyncio.sleep(began_at + WITHIN_S + 1 - now())
        assert (await house.ears.transcribe(JOB)).text == "what time is it"

    with_house(Engine(0), Engine(0), Engine(0), Engine(99), scenario=scenario)


def test_a_job_that_nobody_waits_for_takes_no_engine_with_it() -> None:
    async def scenario(house: House) -> None:
        async with asyncio.TaskGroup() as tasks:
            job = tasks.create_task(house.ears.transcribe(JOB))
            await asyncio.sleep(0.001)
            job.cancel()
        assert (await house.ears.transcribe(JOB)).text == "what time is it"

    house = with_house(Engine(99), scenario=scenario)
    assert len(house.made) == 1


@pytest.mark.parametrize("fault", ["raises", "hangs"])
def test_a_fault_in_moonshines_thread_costs_one_engine_and_no_words(fault: str) -> None:
    said, audio = next(iter(ears.moonshine().speech.items()))
    let_go = threading.Event()
    made: list[MoonshineSpeechToText] = []

    def decode(*_: object) -> Decoding:
        if fault == "hangs":
            let_go.wait()
        raise MemoryError("injected")

    def new() -> MoonshineSpeechToText:
        made.append(MoonshineSpeechToText(workers=1))
        return made[-1]

    async def scenario() -> list[Transcription]:
        restarting = RestartingSpeechToText(new, hung_s=1.0)
        await restarting.open()
        model = made[0]._model
        assert model is not None
        model.decode = decode  # type: ignore[assignment, method-assign]
        jobs = [TranscriptionJob(audio), TranscriptionJob(audio, final=True)]
        heard = await asyncio.gather(*map(restarting.transcribe, jobs))
        let_go.set()
        await restarting.close()
        return list(heard)

    before = set(threading.enumerate())
    heard = asyncio.run(scenario())
    assert [ears.words(each.text) for each in heard] == [said, said]
    assert len(made) == 2
    for thread in set(threading.enumerate()) - before:
        thread.join()
