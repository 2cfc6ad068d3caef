"""The model's mark that the person has not finished, through all the stages on virtual time."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pipelines.cascade import Policies
from pipelines.core.exchange import Muted, Typed
from pipelines.core.thinking.turn_marks import INSTRUCTION
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import ChatMessage, Finished
from tests.pipelines.core.turn.certainty import certain
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import Rehearsed, does, rehearse, says, speech_end

ASKING = Policies(
    turn=TurnPolicy(
        asks_model=True, endpointing=replace(certain(0.3, hanging_s=2.0), incomplete=-40.0)
    )
)
"""A turn is over after 0.3 s, one that the model calls incomplete after 2 s."""
FIRST, WHOLE = "hello my name is ann.", "hello my name is ann. i lost my card."


def marks(*incomplete: str, first_s: float = 0.15) -> Callable[[Sequence[ChatMessage]], list[Step]]:
    """The model gives the mark for these words, as far as it may; "always" for all."""

    def answer(messages: Sequence[ChatMessage]) -> list[Step]:
        _, asked, words = messages[-1].content.rpartition(INSTRUCTION)
        if asked and (words in incomplete or "always" in incomplete):
            return [(first_s, Finished("stop", turn_incomplete=True))]
        return paced(f"You said {words}", first_s=first_s)

    return answer


def assert_nothing_is_left(call: Rehearsed) -> None:
    assert (call.errors, call.tasks_left, call.streams_open) == ([], set(), 0)
    assert call.states[-1] == "listening"
    assert all("◐" not in line.text and INSTRUCTION not in line.text for line in call.history)


def test_a_caller_who_goes_on_is_not_cut_into_and_is_answered_once() -> None:
    first = says(1.0, FIRST)
    call = rehearse(
        first,
        says(speech_end(first) + 1.2, "i lost my card."),
        policies=ASKING,
        answers=marks(FIRST),
    )
    assert call.lines == [("user", WHOLE), ("assistant", f"You said {WHOLE}")]
    assert call.heard_text == f"You said {WHOLE}"
    assert call.captions("user", final=True) == [WHOLE]
    assert_nothing_is_left(call)


def test_without_the_mark_the_same_caller_is_cut_into() -> None:
    first = says(1.0, FIRST)
    call = rehearse(first, says(speech_end(first) + 1.2, "i lost my card."), policies=ASKING)
    assert len(call.captions("user", final=True)) == 2


def test_a_caller_who_says_no_more_is_answered_at_the_limit_without_the_instruction() -> None:
    said = says(1.0, FIRST)
    call = rehearse(said, policies=ASKING, answers=marks(FIRST))
    assert call.questions == [INSTRUCTION + FIRST, FIRST]
    assert call.lines == [("user", FIRST), ("assistant", f"You said {FIRST}")]
    (at,) = [at for at, _ in call.captioned("user", final=True)]
    assert 1.9 < at - speech_end(said) < 2.3
    assert_nothing_is_left(call)


def test_a_mark_slower_than_the_limit_costs_one_more_answer_and_no_more() -> None:
    said = says(1.0, FIRST)
    call = rehearse(said, policies=ASKING, answers=marks("always", first_s=3.0))
    assert call.questions == [INSTRUCTION + FIRST, FIRST]
    assert call.heard_text == f"You said {FIRST}"
    assert_nothing_is_left(call)


def test_an_answer_without_the_mark_comes_as_soon_as_if_nobody_had_asked() -> None:
    def at(policies: Policies) -> list[float]:
        call = rehearse(says(1.0, FIRST), policies=policies, answers=marks())
        return [at for at, _ in call.captioned("bot", final=False)]

    without = replace(ASKING, turn=replace(ASKING.turn, asks_model=False))
    assert at(ASKING) == at(without)


def test_the_instruction_stands_before_the_question_and_in_no_history() -> None:
    call = rehearse(says(1.0, "who are you?"), says(7.0, "why?"), policies=ASKING, answers=marks())
    before, after = call.llm.requests
    assert after[: len(before) - 1] == before[:-1], "the next prompt begins otherwise"
    assert [m.content for m in after[1:]] == [
        "who are you?",
        "You said who are you?",
        INSTRUCTION + "why?",
    ]
    assert [one.judges_turn for one in call.llm.samplings] == [True, True]


def test_a_model_that_always_gives_the_mark_answers_every_turn() -> None:
    said = [says(1.0 + 8.0 * n, f"sentence number w{n}.") for n in range(5)]
    call = rehearse(*said, policies=ASKING, answers=marks("always"), until_s=44.0)
    assert [text for role, text in call.lines if role == "user"] == [one.does for one in said]
    assert [one.judges_turn for one in call.llm.samplings].count(True) == 3
    assert_nothing_is_left(call)


def test_a_caller_who_mutes_the_microphone_has_finished() -> None:
    said = says(1.0, FIRST)
    end_s = speech_end(said)
    call = rehearse(
        said, does(end_s + 0.1, Muted(muted=True)), policies=ASKING, answers=marks("always")
    )
    (at,) = [at for at, _ in call.captioned("user", final=True)]
    assert at - end_s < 1.0
    assert_nothing_is_left(call)


def test_a_turn_is_answered_where_no_more_sound_comes_after_the_mark() -> None:
    """A client that is silent while it is thought about, without having said so."""
    said = says(1.0, FIRST)
    stops = round((speech_end(said) + 0.5) / 0.02)
    call = rehearse(
        said,
        policies=ASKING,
        answers=marks("always"),
        arrivals=lambda frame: (frame + 1) * 0.02 + (100.0 if frame > stops else 0.0),
    )
    assert call.heard_text == f"You said {FIRST}"


def test_typed_text_is_answered_as_it_is() -> None:
    call = rehearse(
        does(1.0, Typed("hello and")), policies=ASKING, answers=marks("always"), microphone=False
    )
    assert call.questions == ["hello and"]
    assert_nothing_is_left(call)
