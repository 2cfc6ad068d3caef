"""Audio that comes late, in bursts or not at all: the same turns, and none that hangs."""

import random
from collections.abc import Callable, Sequence
from itertools import accumulate

import pytest

from pipelines.core.call import SOUND_LOST
from pipelines.core.exchange import Fault
from pipelines.services.protocols import ChatMessage
from tests.pipelines.services.scripted import Step, paced
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


def test_audio_that_stops_in_mid_word_ends_the_turn_and_what_comes_later_is_heard() -> None:
    first = says(1.0, "what time is it?")
    call = rehearse(first, says(8.0, "why?"), arrivals=stalled(1.9, 5.0), until_s=14.0)

    assert heard_before(call, 5.0) == ["what time is"]
    assert call.captions("user", final=True) == ["what time is", "is it?", "why?"]
    assert call.states[-1] == "listening"


# ---- a stall that is waited out, and the burst after it ----

LONG = "tell me all about the weather in Paris and in London"


@pytest.mark.parametrize("stall_s", [1.0, 3.0, 6.0, 9.0])
@pytest.mark.parametrize("at_s", [1.9, 3.0])
def test_a_stall_in_the_middle_of_a_turn_is_waited_out_and_no_word_is_lost(
    stall_s: float, at_s: float
) -> None:
    call = rehearse(
        says(1.0, LONG), stall_s=15.0, arrivals=stalled(at_s, at_s + stall_s), until_s=18.0
    )

    assert call.captions("user", final=True) == [LONG]
    assert len(call.rows) == 1
    assert call.errors == []


@pytest.mark.parametrize("stall_s", [0.75, 15.0])
@pytest.mark.parametrize("pause_s", [1.0, 1.5, 2.5])
def test_a_pause_within_the_burst_ends_no_turn(pause_s: float, stall_s: float) -> None:
    """The network stood still while somebody spoke, paused, and spoke on: all of it is here."""
    first, second = says(1.0, "tell me the time."), says(2.3 + pause_s, "in Paris, please.")
    until_s = second.at_s + 3.0
    call = rehearse(
        first, second, stall_s=stall_s, arrivals=stalled(0.9, until_s), until_s=until_s + 6.0
    )

    assert call.captions("user", final=True) == ["tell me the time. in Paris, please."]
    [asked_s] = [at for at, state in call.shown if state == "speaking"]
    assert asked_s > until_s


def test_the_turn_ends_in_the_silence_after_the_burst() -> None:
    call = rehearse(
        says(1.0, "what time is it?"), stall_s=15.0, arrivals=stalled(1.5, 6.0), until_s=12.0
    )

    [(told_s, caption)] = call.captioned("user", final=True)
    assert caption.text == "what time is it?"
    assert 6.0 < told_s < 7.5


def test_of_a_stall_of_half_a_minute_the_newest_ten_seconds_are_heard() -> None:
    call = rehearse(
        says(3.0, "hello there"),
        says(27.0, "who are you?"),
        stall_s=15.0,
        arrivals=stalled(2.0, 31.0),
        until_s=40.0,
    )

    assert call.captions("user", final=True) == ["who are you?"]
    assert [item for _, item in call.sent if isinstance(item, Fault)] == [Fault(SOUND_LOST)]


def test_a_frame_that_is_lost_for_good_is_silence() -> None:
    """The microphone's clock goes on: what is said afterwards is heard as it was said."""
    call = rehearse(says(1.0, "why?"), says(8.0, "who are you?"), arrivals=stalled(3.0, 6.0))

    assert call.captions("user", final=True) == ["why?", "who are you?"]


@pytest.mark.parametrize("stall_s", [0.3, 0.5])
def test_a_stall_in_the_middle_of_a_word_changes_no_word(stall_s: float) -> None:
    cue: Cue = says(1.0, "what time is it?")
    call = rehearse(cue, arrivals=stalled(1.45, 1.45 + stall_s))

    assert call.captions("user", final=True) == ["what time is it?"]
