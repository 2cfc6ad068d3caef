"""The bot speaks of its own accord, ends the call, hands it on, and is dialled at."""

from collections.abc import Sequence
from typing import Any

import pytest

from pipelines.cascade import Policies
from pipelines.core.announcements import Announcements
from pipelines.core.events import HeardToEnd
from pipelines.core.exchange import (
    AudioOut,
    Dtmf,
    Flush,
    LineDropped,
    LineRestored,
    Say,
    StopSpeaking,
    Typed,
)
from pipelines.core.keypad import KeypadPolicy
from pipelines.core.recording import Noted
from pipelines.services.protocols import ChatMessage
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import Cue, Rehearsed, does, rehearse, says

GREETING = "Hello! How can I help you today?"


def story(messages: Sequence[ChatMessage]) -> list[Step]:
    told = "story" in messages[-1].content
    return paced("Once there was a miller who had three sons. " * 6 if told else "Thank you.")


def with_manners(*cues: Cue, until_s: float, **announcements: Any) -> Rehearsed:
    return rehearse(
        *cues, policies=Policies(announcements=Announcements(**announcements)), until_s=until_s
    )


def test_a_greeting_is_heard_at_once_and_is_history() -> None:
    call = with_manners(says(3.5, "what time is it?"), greeting=GREETING, until_s=8.0)

    assert call.heard[0].start_s < 0.1
    assert call.heard_text.startswith(GREETING)
    assert call.lines[:2] == [("assistant", GREETING), ("user", "what time is it?")]
    assert call.questions[-1] == "what time is it?"
    assert [row["turn"] for row in call.rows] == [2], "nobody waited for the greeting"
    assert (call.errors, call.tasks_left) == ([], set())


def test_a_greeting_can_be_interrupted() -> None:
    call = with_manners(says(0.6, "stop, what time is it?"), greeting=GREETING, until_s=6.0)

    assert any(isinstance(item, Flush) for _, item in call.sent)
    assert GREETING not in call.heard_text
    assert call.heard_text.endswith("what time is it?")
    assert call.lines[0][0] == "assistant"
    assert GREETING.startswith(call.lines[0][1])


def test_what_is_said_of_ones_own_accord_ends_what_was_under_way() -> None:
    call = rehearse(says(1.0, "tell me a story"), does(3.0, Say("We close now.")), until_s=6.0)

    assert call.heard_text.endswith("We close now.")
    assert call.states[-3:] == ["thinking", "speaking", "listening"]
    assert call.streams_open == 0
    assert (call.errors, call.tasks_left) == ([], set())


def test_a_silence_is_asked_about_and_ends_the_call() -> None:
    call = with_manners(silence_s=3.0, until_s=14.0)

    announcements = Announcements()
    assert call.heard_text == f"{announcements.are_you_there} {announcements.nobody_there}"
    asked, left = [word for word in call.heard if word.text in ("Are", "I")][:2]
    assert asked.start_s == pytest.approx(3.0, abs=0.1)
    assert left.start_s - asked.start_s > 3.0
    assert call.ended_s == pytest.approx(call.heard[-1].end_s, abs=0.15)
    assert call.tasks_left == set()


def test_the_call_ends_when_the_last_word_was_heard() -> None:
    call = rehearse(does(1.0, Say("Goodbye then, and thank you.", ends_call=True)), until_s=5.0)

    assert call.heard_text == "Goodbye then, and thank you."
    assert call.ended_s == pytest.approx(call.heard[-1].end_s, abs=0.15)


def test_who_cuts_the_last_word_off_keeps_the_call() -> None:
    goodbye = Say("Goodbye then, and thank you so very much for calling.", ends_call=True)
    call = rehearse(does(1.0, goodbye), says(2.0, "wait, another question"), until_s=10.0)

    assert call.ended_s is None
    assert call.questions == ["wait, another question"]
    assert call.heard_text.endswith("You said wait, another question")


def test_keys_interrupt_and_reach_the_model_in_order() -> None:
    cues = [does(3.0 + 0.3 * n, Dtmf(key)) for n, key in enumerate("4711#")]
    call = rehearse(says(1.0, "tell me a story"), *cues, answers=story, until_s=8.0)

    flushes = [at for at, item in call.sent if isinstance(item, Flush)]
    assert len(flushes) == 1
    assert flushes[0] == pytest.approx(3.0, abs=0.02)
    audio = [at for at, item in call.sent if isinstance(item, AudioOut) and at > flushes[0]]
    assert audio[0] > 3.0 + 0.3 * 4
    assert call.questions[-1] == "(pressed on the telephone's keypad: 4 7 1 1)"


def test_keys_without_a_terminator_are_complete_after_a_pause() -> None:
    policies = Policies(keypad=KeypadPolicy(pause_s=1.0))
    call = rehearse(does(1.0, Dtmf("1")), does(1.5, Dtmf("2")), policies=policies, until_s=4.0)

    assert call.questions == ["(pressed on the telephone's keypad: 1 2)"]
    assert call.asked_s[0] == pytest.approx(2.5, abs=0.02)


# ---- what must be heard ----

NOTICE = "Hello! This call is recorded. How can I help you today?"


def with_notice(*cues: Cue, **changes: Any) -> Rehearsed:
    announcements = Announcements(greeting=NOTICE, greeting_must_be_heard=True)
    return rehearse(
        *cues, policies=Policies(announcements=announcements), **{"until_s": 10.0, **changes}
    )


@pytest.mark.parametrize("flushes", [True, False])
@pytest.mark.parametrize("at_s", [0.05, 0.6, 1.5, 3.0])
@pytest.mark.parametrize("words", ["hello", "stop, what time is it?"])
def test_speech_over_what_must_be_heard_is_answered_after_it(
    words: str, at_s: float, flushes: bool
) -> None:
    call = with_notice(says(at_s, words), flushes=flushes)

    assert call.heard_text == f"{NOTICE} You said {words}"
    assert call.questions[-1] == words
    assert call.lines[:2] == [("assistant", NOTICE), ("user", words)]
    assert (call.errors, call.tasks_left) == ([], set())


@pytest.mark.parametrize(
    ("event", "question"),
    [
        (Typed("a table for two"), "a table for two"),
        (Dtmf("7"), "(pressed on the telephone's keypad: 7)"),
        (StopSpeaking(), None),
    ],
)
def test_keys_text_and_the_button_do_not_stop_what_must_be_heard(
    event: Typed | Dtmf | StopSpeaking, question: str | None
) -> None:
    call = with_notice(does(0.8, event))

    assert call.heard_text.startswith(NOTICE)
    assert not any(isinstance(item, Flush) for _, item in call.sent)
    assert call.questions == ([] if question is None else [question])


def test_a_line_that_drops_pauses_what_must_be_heard_and_it_is_heard_to_its_end() -> None:
    call = with_notice(does(1.0, LineDropped()), does(2.5, LineRestored()))

    assert not [word for word in call.heard if 1.1 < word.start_s < 2.4]
    assert call.heard_text.endswith("How can I help you today?")
    assert call.lines == [("assistant", NOTICE)]


def test_a_silence_after_what_must_be_heard_is_asked_about() -> None:
    announcements = Announcements(greeting=NOTICE, greeting_must_be_heard=True, silence_s=3.0)
    call = rehearse(policies=Policies(announcements=announcements), until_s=9.0)

    assert call.heard_text == f"{NOTICE} {announcements.are_you_there}"


def test_the_answer_to_speech_over_what_must_be_heard_can_be_interrupted() -> None:
    call = with_notice(says(0.6, "tell me a story"), says(7.0, "stop it"), answers=story)

    assert call.heard_text.startswith(NOTICE)
    assert any(isinstance(item, Flush) for _, item in call.sent)
    assert call.questions[-1] == "stop it"


class Notes:
    """`Recorder` that keeps what says that something was heard to its end."""

    def __init__(self) -> None:
        self.marks: list[HeardToEnd] = []

    def note(self, item: Noted, at_s: float) -> None:
        if isinstance(item, HeardToEnd):
            self.marks.append(item)

    def close(self) -> None: ...


@pytest.mark.parametrize("flushes", [True, False])
def test_a_recording_says_when_what_must_be_heard_was_played_to_its_end(flushes: bool) -> None:
    notes = Notes()
    call = with_notice(says(0.6, "hello"), recorder=notes, flushes=flushes)

    end_s = next(word.end_s for word in call.heard if word.text == "today?")
    [mark] = notes.marks
    assert mark.at_s == pytest.approx(end_s, abs=0.15)
    assert mark.confirmed is flushes


@pytest.mark.parametrize(
    ("cues", "changes"),
    [
        ([], {"until_s": 1.5}),
        ([does(0.8, LineDropped())], {}),
        ([], {"tts_fails": lambda text: True}),
    ],
    ids=["hung up", "the line is gone", "the voice failed"],
)
def test_a_recording_says_nothing_of_what_was_not_played_to_its_end(
    cues: list[Cue], changes: dict[str, Any]
) -> None:
    notes = Notes()
    with_notice(*cues, recorder=notes, **changes)

    assert notes.marks == []


def test_a_greeting_that_may_be_interrupted_leaves_no_such_mark() -> None:
    notes = Notes()
    rehearse(
        policies=Policies(announcements=Announcements(greeting=NOTICE)), until_s=8.0, recorder=notes
    )

    assert notes.marks == []
