"""Sounds that are no speech to the bot are no turns, and hide none: the real ears, virtual time."""

from collections.abc import Callable
from functools import cache

import pytest

from bench.fit.observe import InlineStt, InlineTurnModel
from pipelines.services.protocols import Samples
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.vad.vad_silero import SileroVad, load_silero
from tests.pipelines.stages.rehearsal import Rehearsed, rehearse
from tests.pipelines.stages.sounds import crowd, hum, mains, music, silence, spoken, white_noise

SHORT_S, LONG_S = 20.0, 600.0
SOUNDS = [silence, white_noise, hum, music]


@cache
def ears() -> InlineStt:
    return InlineStt(Moonshine())


def call_with(sound: Samples, seconds: float) -> Rehearsed:
    """Nothing else reaches the microphone."""
    silero = load_silero()
    return rehearse(
        sound=sound,
        until_s=seconds,
        vad=lambda: SileroVad(silero),
        stt=ears(),
        turn=InlineTurnModel(),
    )


@pytest.mark.parametrize("make", SOUNDS)
@pytest.mark.parametrize(
    "seconds", [SHORT_S, pytest.param(LONG_S, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
def test_a_sound_without_a_voice_is_no_turn(
    make: Callable[[float, int], Samples], seconds: float
) -> None:
    call = call_with(make(seconds, 1), seconds)

    assert call.captions("user", final=True) == []
    assert call.questions == []


@pytest.mark.parametrize(
    "seconds", [SHORT_S, pytest.param(LONG_S, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
def test_many_people_who_talk_to_each_other_are_one_turn_at_most(seconds: float) -> None:
    call = call_with(crowd(seconds, 1), seconds)

    assert len(call.captions("user", final=True)) <= 1


def test_a_voice_is_heard_over_the_mains() -> None:
    call = call_with(spoken("phone_not_in_service", 8.0) + mains(8.0), 8.0)

    said = "The number you have dialed is not in service. Please check the number and try again."
    assert call.captions("user", final=True) == [said]
