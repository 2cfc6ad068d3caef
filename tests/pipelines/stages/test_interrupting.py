"""The person speaks over the answer, through all the stages on virtual time."""

from collections.abc import Sequence
from typing import Any

import pytest

from pipelines.core.exchange import AudioOut, Flush, StopSpeaking, Typed
from pipelines.services.protocols import ChatMessage
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import (
    FIRST_LEVEL,
    Cue,
    Rehearsed,
    does,
    rehearse,
    says,
    speech_end,
)

STORY = (
    "Once upon a time there was a miller who had three sons and a mill and a donkey and a cat. "
    "When he died the sons shared what he left and the youngest got nothing but the cat."
)
WORDS = STORY.split()
ASKED = says(1.0, "tell me a story!")
DURING = 4.0
"""The story has begun by then, and goes on for longer than anyone listens here."""


def story(messages: Sequence[ChatMessage]) -> list[Step]:
    last = messages[-1].content
    return paced(STORY if "story" in last else f"You said {last}")


def interrupted_by(*cues: Cue, **changes: Any) -> Rehearsed:
    return rehearse(ASKED, *cues, answers=story, **{"until_s": 20.0, **changes})


def silence_after(call: Rehearsed, at_s: float) -> tuple[float, float]:
    """The first pause in what was heard that ends after `at_s`: when it begins and ends."""
    words = call.heard
    for one, following in zip(words, words[1:], strict=False):
        if following.start_s > at_s and following.start_s - one.end_s > 0.001:
            return one.end_s, following.start_s
    return words[-1].end_s, float("inf")


def heard_in_one_answer(call: Rehearsed) -> list[str]:
    """The words of the story's samples, those cut in two by a pause counted once each."""
    levels = dict.fromkeys(word.level for word in call.heard)
    return [call.voice.words[level - FIRST_LEVEL][0] for level in levels]


def share_of(call: Rehearsed, level: int) -> float:
    return sum(word.share for word in call.heard if word.level == level)


def assert_resumed_where_it_was(call: Rehearsed) -> None:
    """Every word in order; at most one of them lost or repeated, even in part."""
    levels = [word.level for word in call.heard]
    assert levels == sorted(levels)
    assert heard_in_one_answer(call)[: len(WORDS)] == WORDS
    off = [level for level in set(levels) if abs(share_of(call, level) - 1.0) > 0.01]
    assert len(off) <= 1
    assert all(0.5 <= share_of(call, level) <= 2.0 for level in off)


@pytest.mark.parametrize("sound", ["mhm", "yeah", "okay"])
@pytest.mark.parametrize("way_s", [0.0, 0.04])
def test_a_back_channel_pauses_the_answer_and_lets_it_go_on(sound: str, way_s: float) -> None:
    call = interrupted_by(cue := says(DURING, sound), way_s=way_s)

    quiet, again = silence_after(call, DURING)
    assert DURING < quiet <= DURING + 0.1 + 2 * way_s
    assert again <= speech_end(cue) + 0.5
    assert_resumed_where_it_was(call)
    assert call.lines == [("user", "tell me a story!"), ("assistant", STORY)]
    assert call.captions("user", final=True) == ["tell me a story!"]
    assert (call.errors, call.tasks_left) == ([], set())


def test_two_back_channels_one_after_the_other_lose_at_most_a_word_each() -> None:
    call = interrupted_by(says(DURING, "mhm"), says(DURING + 1.5, "okay"))

    assert heard_in_one_answer(call) == WORDS
    off = [w for w in {w.level for w in call.heard} if abs(share_of(call, w) - 1.0) > 0.01]
    assert len(off) <= 2


def test_a_stop_word_ends_the_answer_at_once_and_keeps_what_was_heard() -> None:
    call = interrupted_by(says(DURING, "stop"))

    assert call.heard[-1].end_s <= DURING + 0.1 or call.heard[-1].text == "stop"
    assert "You said stop" in call.heard_text
    before = [w for w in call.heard if w.end_s < DURING + 0.2]
    assert_history_is_what_was_heard(call, before)


def assert_history_is_what_was_heard(call: Rehearsed, heard: Sequence[object]) -> None:
    kept = next(line.text for line in call.history if line.role == "assistant").split()
    assert kept == WORDS[: len(kept)]
    assert abs(len(kept) - len(heard)) <= 1


@pytest.mark.parametrize("way_s", [0.0, 0.04])
def test_words_that_go_on_are_a_turn_of_their_own(way_s: float) -> None:
    call = interrupted_by(says(DURING, "no, what time is it?"), way_s=way_s)

    assert call.questions[-1] == "no, what time is it?"
    assert call.heard_text.endswith("You said no, what time is it?")
    quiet, again = silence_after(call, DURING)
    assert quiet <= DURING + 0.1 + 2 * way_s
    assert call.heard[-7].start_s == again
    before = [w for w in call.heard if w.end_s <= quiet]
    assert_history_is_what_was_heard(call, before)
    cut = [c for _, c in call.captioned("bot", final=True) if c.heard is not None]
    assert len(cut) == 1
    assert call.history[1].text == cut[0].heard
    assert not call.history[1].estimated


def test_nothing_of_a_stopped_answer_is_sent_once_it_is_stopped() -> None:
    call = interrupted_by(says(DURING, "stop"))

    flushed = [at for at, item in call.sent if isinstance(item, Flush)]
    committed = call.captioned("user", final=True)[1][0]
    assert len(flushed) == 1
    assert not [
        at for at, i in call.sent if isinstance(i, AudioOut) and flushed[0] < at < committed
    ]


def test_the_model_stops_talking_when_it_is_stopped() -> None:
    def endless(messages: Sequence[ChatMessage]) -> list[Step]:
        last = messages[-1].content
        return [*paced(STORY), (1000.0, "more")] if "story" in last else paced("Fine.")

    call = rehearse(ASKED, says(DURING, "stop"), answers=endless)

    assert call.streams_open == 0
    assert call.heard_text.endswith("Fine.")


def test_a_client_that_cannot_flush_hears_no_more_than_it_was_sent() -> None:
    call = interrupted_by(says(DURING, "no, what time is it?"), flushes=False)

    quiet, _ = silence_after(call, DURING)
    assert quiet <= DURING + 0.16
    before = [w for w in call.heard if w.end_s <= quiet]
    assert_history_is_what_was_heard(call, before)
    assert call.history[1].estimated


def test_a_client_that_cannot_flush_misses_nothing_at_a_back_channel() -> None:
    call = interrupted_by(says(DURING, "mhm"), flushes=False)

    assert heard_in_one_answer(call) == WORDS
    assert all(abs(share_of(call, word.level) - 1.0) < 0.01 for word in call.heard)


def test_the_button_silences_the_answer() -> None:
    call = interrupted_by(does(DURING, StopSpeaking()), says(8.0, "why?"))

    assert silence_after(call, DURING)[0] == pytest.approx(DURING, abs=0.001)
    assert call.states[3:6] == ["speaking", "listening", "hearing"]
    assert call.lines[2:] == [("user", "why?"), ("assistant", "You said why?")]


def test_the_button_in_the_middle_of_an_interruption_loses_no_word_of_it() -> None:
    call = interrupted_by(
        says(DURING, "so tell me the time"),
        does(DURING + 0.22, StopSpeaking()),
    )

    assert call.captions("user", final=True)[1:] == ["so tell me the time"]


def test_the_button_before_the_answer_begins_leaves_the_next_turn_alone() -> None:
    """The person makes a sound while the answer is being thought of, and presses the button."""
    call = rehearse(
        first := says(1.0, "what time is it?"),
        says(speech_end(first) + 0.9, "hm"),
        does(speech_end(first) + 1.0, StopSpeaking()),
        says(9.0, "why?"),
        until_s=16.0,
        answers=lambda messages: paced(f"You said {messages[-1].content}", first_s=2.0),
    )

    assert call.captions("user", final=True) == ["what time is it?", "hm", "why?"]
    assert call.questions[-1] == "why?"
    assert call.heard_text == "You said hm You said why?"


def test_typing_interrupts_the_answer() -> None:
    call = interrupted_by(does(DURING, Typed("tell me a joke")))

    assert silence_after(call, DURING)[0] == pytest.approx(DURING, abs=0.001)
    assert call.lines[2:] == [("user", "tell me a joke"), ("assistant", "You said tell me a joke")]
    before = [w for w in call.heard if w.end_s <= DURING + 0.001]
    assert_history_is_what_was_heard(call, before)


def test_what_is_typed_to_be_known_interrupts_nothing_and_is_known_to_the_next_answer() -> None:
    known = Typed("I am in Paris.", interrupts=False)
    call = interrupted_by(does(DURING, known), says(16.0, "why?"))

    assert call.heard_text == f"{STORY} You said why?"
    assert [m.content for m in call.llm.requests[-1] if m.role == "user"] == [
        "tell me a story!", "I am in Paris.", "why?",
    ]  # fmt: skip
    assert "I am in Paris." not in call.questions


def test_a_person_who_goes_on_before_the_answer_is_heard_is_answered_once() -> None:
    call = rehearse(
        first := says(1.0, "what time is it?"),
        says(speech_end(first) + 1.0, "in Paris?"),
        answers=lambda messages: paced(f"You said {messages[-1].content}", first_s=2.0),
    )

    assert call.heard_text == "You said what time is it? in Paris?"
    assert call.lines[0] == ("user", "what time is it? in Paris?")
    assert len(call.history) == 2


def test_a_cough_before_the_answer_is_heard_only_delays_it() -> None:
    call = rehearse(
        first := says(1.0, "what time is it?"),
        says(speech_end(first) + 1.0, "mhm"),
        answers=lambda messages: paced(f"You said {messages[-1].content}", first_s=1.0),
    )

    assert call.heard_text == "You said what time is it?"
    assert call.captions("user", final=True) == ["what time is it?"]


@pytest.mark.parametrize("words", ["thank you!", "oh, how nice!", "that's lovely, thank you!"])
@pytest.mark.parametrize("flushes", [True, False])
def test_a_courtesy_in_the_middle_of_the_story_does_not_stop_it(words: str, flushes: bool) -> None:
    call = interrupted_by(says(DURING, words), flushes=flushes)

    assert heard_in_one_answer(call)[: len(WORDS)] == WORDS
    assert [line.text for line in call.history if line.role == "user"] == ["tell me a story!"]
    assert (call.errors, call.tasks_left) == ([], set())


def asked_over(answer: str, words: str, before_end_s: float, flushes: bool = True) -> list[str]:
    """The question that the model is asked, for words before the end of an answer, or after it."""

    def answers(messages: Sequence[ChatMessage]) -> list[Step]:
        return paced(answer if "table" in messages[-1].content else "Good.")

    asked = says(1.0, "I want a table!")
    alone = rehearse(asked, answers=answers, until_s=12.0, flushes=flushes)
    end_s = alone.heard[-1].end_s
    said = says(round(end_s - before_end_s, 2), words)
    call = rehearse(asked, said, answers=answers, until_s=end_s + 6.0, flushes=flushes)
    assert (call.errors, call.tasks_left) == ([], set())
    return [line.text for line in call.history if line.role == "user"][1:]


@pytest.mark.parametrize("words", ["yes.", "okay!", "sure, thanks."])
@pytest.mark.parametrize("before_end_s", [0.7, 0.4, 0.1, -0.2])
def test_a_short_answer_about_the_end_of_a_question_counts(words: str, before_end_s: float) -> None:
    assert asked_over("There is one at seven. Shall I book it?", words, before_end_s) == [words]


@pytest.mark.parametrize(
    ("answer", "words", "before_end_s", "asked"),
    [
        ("There is one at seven. Shall I book it?", "mhm.", 0.3, ["mhm."]),
        ("There is one at seven. Shall I book it?", "okay.", 2.4, []),
        ("Would you like me to book the table for two at seven?", "yes.", 2.0, []),
        ("Then I will book the table for two at seven.", "okay.", 0.4, []),
        ("Then I will book the table for two at seven.", "thank you.", 0.4, ["thank you."]),
        ("Then I will book the table for two at seven.", "thank you.", 2.0, []),
        ("Shall I book it? It is near the big window.", "yes.", 1.6, ["yes."]),
    ],
)
def test_what_the_bot_says_decides_whether_it_was_answered(
    answer: str, words: str, before_end_s: float, asked: list[str]
) -> None:
    assert asked_over(answer, words, before_end_s) == asked


def test_a_client_that_reports_nothing_answers_a_question_before_its_end_too() -> None:
    question = "There is one at seven. Shall I book it?"

    assert asked_over(question, "yes.", 0.4, flushes=False) == ["yes."]
