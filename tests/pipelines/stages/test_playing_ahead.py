"""A voice is many times as fast as speech: what it has made and nobody has heard is bounded."""

import asyncio

import numpy as np
import pytest

from pipelines.core.exchange import LineDropped, LineRestored, StopSpeaking, Typed
from pipelines.stages import playing
from pipelines.stages.playing import _Sound
from tests.pipelines.services.scripted import paced
from tests.pipelines.stages.rehearsal import does, rehearse

AHEAD_S, KEPT_S = 8.0, 2.0
CLAUSE_S = 1.62
"""The length of one of these sentences, spoken."""
STORY = " ".join(f"This is sentence {n} of it." for n in range(10, 50))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times at which the voice was asked for a clause, which it then has at once."""
    monkeypatch.setattr(playing, "MOST_AHEAD_S", AHEAD_S)
    monkeypatch.setattr(playing, "KEPT_S", KEPT_S)
    return []


def note(made: list[float], text: str) -> bool:
    made.append(asyncio.get_running_loop().time())
    return False


def test_the_voice_waits_for_what_is_played(made: list[float]) -> None:
    done = rehearse(
        does(1.0, Typed("Go on.")),
        answers=lambda _: paced(STORY, between_s=0.001),
        tts_fails=lambda text: note(made, text),
        microphone=False,
        until_s=90.0,
    )
    assert [line for role, line in done.lines if role == "assistant"] == [STORY]
    assert len(made) == 40
    begun_s = made[0]
    for clauses, at_s in enumerate(made):
        assert clauses * CLAUSE_S - (at_s - begun_s) <= AHEAD_S + 2 * CLAUSE_S


@pytest.mark.parametrize("interrupts_at_s", [2.0, 11.0, 30.0])
def test_a_reply_that_is_stopped_lets_the_next_one_be_made(
    made: list[float], interrupts_at_s: float
) -> None:
    done = rehearse(
        does(1.0, Typed("Go on.")),
        does(interrupts_at_s, Typed("And now?")),
        answers=lambda said: paced(
            STORY if said[-1].content == "Go on." else "I am here.", between_s=0.001
        ),
        tts_fails=lambda text: note(made, text),
        microphone=False,
        until_s=interrupts_at_s + 5.0,
    )
    assert [line for role, line in done.lines if role == "assistant"][-1] == "I am here."


def test_a_line_that_drops_and_comes_back_goes_on_from_where_it_was(made: list[float]) -> None:
    done = rehearse(
        does(1.0, Typed("Go on.")),
        does(30.0, LineDropped()),
        does(45.0, LineRestored()),
        answers=lambda _: paced(STORY, between_s=0.001),
        tts_fails=lambda text: note(made, text),
        microphone=False,
        until_s=110.0,
    )
    assert [line for role, line in done.lines if role == "assistant"] == [STORY]


def test_a_person_who_stops_it_has_the_floor(made: list[float]) -> None:
    done = rehearse(
        does(1.0, Typed("Go on.")),
        does(5.0, StopSpeaking()),
        answers=lambda _: paced(STORY, between_s=0.001),
        tts_fails=lambda text: note(made, text),
        microphone=False,
        until_s=10.0,
    )
    assert done.states[-1] == "listening"
    assert len(made) * CLAUSE_S <= AHEAD_S + 4.0 + 3 * CLAUSE_S


@pytest.mark.parametrize("step", [10, 100, 999])
def test_sound_that_was_played_long_ago_is_forgotten(step: int) -> None:
    sound, most = _Sound(), 0
    pcm = np.arange(20_000, dtype=np.int16)
    for place in range(0, 20_000 - step, step):
        sound.add(pcm[place : place + step])
        assert sound.play(place, step, 500) == pcm[place : place + step].tobytes()
        most = max(most, len(sound._pcm) // 2)
        back = max(0, place - 400)
        assert sound.play(back, 10, 500) == pcm[back : back + 10].tobytes()
    assert most <= 2 * 500 + 2 * step


def test_sound_is_counted_from_what_was_played_last() -> None:
    sound = _Sound()
    sound.add(np.zeros(1000, np.int16))
    sound.play(0, 300, 100)
    assert sound.ahead == 700
    sound.play(300, 300, 100)
    sound.cut(700)
    assert sound.ahead == 100
    sound.cut(0)
    assert sound.ahead <= 0
