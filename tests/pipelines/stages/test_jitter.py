"""Audio that comes late, in bursts or not at all: the same turns, and none that hangs."""

import random
from collections.abc import Callable, Sequence
from itertools import accumulate

import pytest

from pipelines.services.protocols import ChatMessage
from pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import FRAME_S, Cue, Rehearsed, rehearse, says, speech_end

TALK = [
    says(1.0, "what time is it? in Paris?"),
    says(6.0, "tell me a story!"),
    says(9.0, "mhm"),
    says(10.5, "no, who are you?"),
]
TURNS = ["what time is it? in Paris?", "tell me a story!", "no, who are you?"]
UNTIL_S = 16.0


def answers(messages: Sequence[ChatMessage]) -> list[Step]:
    last = messages[-1].content
    story = "Once upon a time there was a miller who had three sons and a mill and a donkey."
    return paced(story if "story" in last else "Just so.")


def talk(arrivals: Callable[[int], float]) -> Rehearsed:
    return rehearse(*TALK, answers=answers, until_s=UNTIL_S, arrivals=arrivals)


def schedule(seed: int) -> Callable[[int], float]:
    """Each frame up to 60 ms late, and a stall of up to 500 ms every two seconds or so."""
    chance = random.Random(seed)
    lateness, stalled_until = [], 0.0
    for frame in range(round(UNTIL_S / FRAME_S)):
        due = (frame + 1) * FRAME_S
        if due > stalled_until and chance.random() < 0.01:
            stalled_until = due + chance.uniform(0.1, 0.5)
        lateness.append(max(stalled_until, due + chance.uniform(0.0, 0.06)))
    in_order = list(accumulate(lateness, max))
    return in_order.__getitem__


def test_jitter_and_stalls_with_bursts_give_the_same_turns(soak: bool) -> None:
    for seed in range(50 if soak else 12):
        call = talk(schedule(seed))

        assert call.captions("user", final=True) == TURNS, f"seed {seed}"
        assert [line.text for line in call.history if line.role == "user"] == TURNS
        assert (call.errors, call.tasks_left) == ([], set())


def stalled(from_s: float, to_s: float) -> Callable[[int], float]:
    """Nothing comes between the two moments; then all of it at once."""

    def arrives(frame: int) -> float:
        due = (frame + 1) * FRAME_S
        return to_s if from_s < due < to_s else due

    return arrives


def heard_before(call: Rehearsed, at_s: float) -> list[str]:
    return [caption.text for at, caption in call.captioned("user", final=True) if at < at_s]


def test_audio_that_stops_after_the_words_does_not_hold_up_the_answer() -> None:
    cue = says(1.0, "what time is it?")
    gone_s = speech_end(cue) + 0.02
    call = rehearse(cue, arrivals=stalled(gone_s, gone_s + 4.0))

    assert heard_before(call, gone_s + 2.0) == ["what time is it?"]


def test_audio_that_stops_in_mid_word_ends_the_turn_and_the_next_one_is_heard() -> None:
    first = says(1.0, "what time is it?")
    call = rehearse(first, says(8.0, "why?"), arrivals=stalled(1.9, 5.0), until_s=14.0)

    assert heard_before(call, 5.0) == ["what time is"]
    assert call.captions("user", final=True) == ["what time is", "why?"]
    assert call.states[-1] == "listening"


def test_a_frame_that_is_lost_for_good_is_silence() -> None:
    """The microphone's clock goes on: what is said afterwards is heard as it was said."""
    call = rehearse(says(1.0, "why?"), says(8.0, "who are you?"), arrivals=stalled(3.0, 6.0))

    assert call.captions("user", final=True) == ["why?", "who are you?"]


@pytest.mark.parametrize("stall_s", [0.3, 0.5])
def test_a_stall_in_the_middle_of_a_word_changes_no_word(stall_s: float) -> None:
    cue: Cue = says(1.0, "what time is it?")
    call = rehearse(cue, arrivals=stalled(1.45, 1.45 + stall_s))

    assert call.captions("user", final=True) == ["what time is it?"]
