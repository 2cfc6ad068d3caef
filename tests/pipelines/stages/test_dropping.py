"""The line drops in mid-call and comes back, through all the stages on virtual time."""

import pytest

from pipelines.core.exchange import AudioOut, Flush, LineDropped, LineRestored, Typed
from tests.pipelines.stages.rehearsal import Rehearsed, does, says
from tests.pipelines.stages.test_interrupting import (
    DURING,
    STORY,
    WORDS,
    assert_resumed_where_it_was,
    interrupted_by,
    silence_after,
)

BACK = 14.0


def cut_off(*cues: object, at_s: float = DURING, **changes: object) -> Rehearsed:
    dropped = (does(at_s, LineDropped()), does(BACK, LineRestored()))
    return interrupted_by(*dropped, *cues, **{"until_s": 32.0, **changes})  # type: ignore[arg-type]


def sound_sent(call: Rehearsed, after_s: float, before_s: float) -> list[float]:
    return [
        at
        for at, item in call.sent
        if isinstance(item, AudioOut) and after_s < at < before_s - 1e-6
    ]


@pytest.mark.parametrize("way_s", [0.0, 0.06])
def test_the_answer_waits_and_goes_on_from_where_it_was_heard(way_s: float) -> None:
    call = cut_off(way_s=way_s)

    assert sound_sent(call, DURING, BACK) == []
    fell_silent_s, went_on_s = silence_after(call, DURING)
    assert fell_silent_s <= DURING + way_s + 0.01
    assert BACK <= went_on_s <= BACK + way_s + 0.05
    assert_resumed_where_it_was(call)
    assert call.history[-1].text == STORY
    assert call.tasks_left == set()


def test_the_conversation_is_the_same_one_afterwards() -> None:
    call = cut_off(says(26.0, "and now this"), until_s=34.0)
    assert [line.text for line in call.history if line.role == "user"] == [
        "tell me a story!",
        "and now this",
    ]


def test_an_answer_that_is_ready_meanwhile_is_not_lost() -> None:
    call = cut_off(at_s=1.5)
    assert sound_sent(call, 1.5, BACK) == []
    assert [word.text for word in call.heard][:4] == WORDS[:4]
    assert call.heard[0].start_s == pytest.approx(BACK, abs=0.1)


def test_an_answer_that_nobody_came_back_for_is_remembered_as_far_as_it_was_heard() -> None:
    call = interrupted_by(does(DURING, LineDropped()), says(9.0, "hello there"), until_s=14.0)
    answer = next(line.text for line in call.history if line.role == "assistant")
    words = [word.text for word in call.heard]
    assert answer.split() in (words, words[:-1]), "the last one may have been cut in two"


def test_an_interruption_that_was_under_way_is_judged_and_the_answer_does_not_go_on() -> None:
    call = cut_off(says(DURING - 0.3, "no stop that please"), at_s=DURING)
    spoken = " ".join(word.text for word in call.heard if word.start_s >= BACK)
    assert spoken.startswith("You said")


def test_typing_after_the_return_ends_the_answer_that_waited() -> None:
    call = interrupted_by(
        does(DURING, LineDropped()),
        does(BACK, Typed("something else")),
        does(BACK, LineRestored()),
        until_s=24.0,
    )
    spoken = [word.text for word in call.heard if word.start_s >= BACK]
    assert spoken == "You said something else".split()


def test_each_return_begins_a_generation_that_the_client_was_told_of() -> None:
    call = cut_off()
    last: int | None = None
    for _, item in call.sent:
        match item:
            case Flush(generation):
                last = generation
            case AudioOut(_, generation, start):
                assert generation == (last or 0)
                assert start >= 0
            case _:
                pass
    assert last == 1
