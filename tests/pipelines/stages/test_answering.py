"""A question and its answer, through all the stages on virtual time."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from pipelines.cascade import Policies
from pipelines.core.exchange import AudioOut, Fault, Muted, Typed
from pipelines.core.thinking.answering import NO_ANSWER
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    ChatMessage,
    Finished,
    ServiceError,
    TextDelta,
    Transcription,
    TranscriptionJob,
)
from pipelines.words import ENGLISH
from tests.pipelines.core.turn.certainty import certain
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import Rehearsed, Scene, does, rehearse, says, speech_end

PATIENT = Policies(turn=TurnPolicy(endpointing=certain(0.5, lead_s=0.35)))
"""A reply is begun after 0.15 s of silence, and let go after 0.5 s."""
QUESTION = "what time is it?"
REFUSED = ServiceError("llm", "scripted", retryable=False)


def committed(call: Rehearsed) -> list[float]:
    return [at for at, _ in call.captioned("user", final=True)]


def faults(call: Rehearsed) -> list[float]:
    return [at for at, item in call.sent if isinstance(item, Fault)]


def audio_sent(call: Rehearsed) -> list[float]:
    return [at for at, item in call.sent if isinstance(item, AudioOut)]


def test_words_that_end_no_thought_are_waited_for_as_the_policies_judge_them() -> None:
    said = says(1.0, "set it for half past.")
    likely, unlikely = Policies(completes=lambda _: 0.9), Policies(completes=lambda _: 0.001)

    (at_once,) = committed(rehearse(said, policies=likely))
    (waited,) = committed(rehearse(said, policies=unlikely))

    assert at_once < speech_end(said) + 0.4
    assert waited >= at_once + 0.5


def test_a_question_is_answered_once() -> None:
    call = rehearse(says(1.0, QUESTION))

    assert call.heard_text == f"You said {QUESTION}"
    assert all(word.share == 1.0 for word in call.heard)
    assert call.lines == [("user", QUESTION), ("assistant", f"You said {QUESTION}")]
    assert call.captions("user", final=True) == [QUESTION]
    assert call.captions("bot", final=True) == [f"You said {QUESTION}"]
    assert call.states == ["listening", "hearing", "thinking", "speaking", "listening"]
    assert (call.errors, call.tasks_left) == ([], set())


def test_the_model_is_asked_with_what_was_said_and_heard_before() -> None:
    call = rehearse(says(1.0, "who are you?"), says(6.0, "why?"))

    assert [(m.role, m.content) for m in call.llm.requests[-1][1:]] == [
        ("user", "who are you?"),
        ("assistant", "You said who are you?"),
        ("user", "why?"),
    ]


def test_what_was_ready_before_the_commit_is_held_and_goes_out_in_its_instant() -> None:
    call = rehearse(
        says(1.0, QUESTION),
        answers=lambda messages: paced("It is noon.", first_s=0.01, between_s=0.001),
        policies=PATIENT,
    )

    assert call.asked_s[-1] < committed(call)[0]
    assert audio_sent(call)[0] == committed(call)[0]
    assert call.captioned("bot", final=False)[0][0] == committed(call)[0]
    segments = call.rows[0]["segments"]
    assert isinstance(segments, dict)
    hidden = ("llm_first_token", "first_clause", "tts_first_audio", "send")
    assert [segments[name] for name in hidden] == [0, 0, 0, 0]


def test_an_answer_is_sent_when_the_socket_has_it() -> None:
    """On a busy server that is later than when it was let go; the page plays both alike."""
    changes: dict[str, Any] = {"answers": lambda messages: paced("It is noon."), "way_s": 0.05}
    at_once = rehearse(says(1.0, QUESTION), **changes).rows[0]
    later = rehearse(says(1.0, QUESTION), **changes, socket_s=0.03).rows[0]

    assert later["voice_to_voice_s"] == at_once["voice_to_voice_s"]
    changed = {
        name: round(seconds - at_once["segments"][name], 6)  # type: ignore[index]
        for name, seconds in later["segments"].items()  # type: ignore[attr-defined]
    }
    assert {name: by for name, by in changed.items() if by} == {"send": 0.03, "played": -0.03}


def test_a_person_who_goes_on_withdraws_the_answer_without_a_trace() -> None:
    whole = f"{QUESTION} in Paris?"
    call = rehearse(
        first := says(1.0, QUESTION),
        says(speech_end(first) + 0.3, "in Paris?"),
        policies=PATIENT,
        answers=lambda messages: [
            *paced(f"Of {len(messages[-1].content)} letters. And", first_s=0.01),
            (60.0, " so on."),
        ],
    )
    answer = f"Of {len(whole)} letters."

    assert call.questions == [QUESTION, whole]
    assert (call.streams_beside, call.streams_open) == ([0, 0], 1)
    assert call.captions("user", final=True) == [whole]
    assert call.captions("bot", final=False) == [answer]
    assert call.heard_text == answer
    assert call.lines == [("user", whole), ("assistant", answer)]
    assert min(audio_sent(call)) >= committed(call)[0]


def test_an_answer_made_for_other_words_is_made_anew() -> None:
    class Mishears:
        """Takes a word for another until it has heard all of it."""

        async def open(self) -> None: ...

        async def close(self) -> None: ...

        async def transcribe(self, job: TranscriptionJob) -> Transcription:
            await asyncio.sleep(0.005)
            whole = job.final and len(job.audio) > 1.4 * EAR_RATE_HZ
            return Transcription(QUESTION if whole else "what time is dinner?")

    first = says(1.0, "what time is")
    call = rehearse(first, says(speech_end(first) + 0.3, "it?"), stt=Mishears(), policies=PATIENT)

    assert call.questions == ["what time is dinner?", QUESTION]
    assert call.streams_beside == [0, 0]
    assert call.heard_text == f"You said {QUESTION}"
    assert call.lines[0] == ("user", QUESTION)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "👍",
        "...",
        " \n\n",
        "?!",
        "```\nprint(1)\n```",
        "<br>",
        "| - | - |",
        "---",
        "**",
        "</b>",
    ],
)
def test_an_answer_with_nothing_to_say_is_apologised_for(words: str) -> None:
    call = rehearse(
        says(1.0, QUESTION),
        says(11.0, "hello?"),
        answers=lambda messages: (
            [(0.1, words)] if messages[-1].content == QUESTION else paced("Hello.")
        ),
        until_s=15.0,
    )

    assert call.heard_text == f"{ENGLISH.apology} Hello."
    assert call.states[-1] == "listening"


def test_an_answer_that_is_cut_off_ends_at_a_whole_sentence() -> None:
    call = rehearse(
        says(1.0, QUESTION),
        answers=lambda messages: [
            *paced("Open the lid of it. Then, slowly, pour in the"),
            (0.1, Finished("length")),
        ],
    )

    assert call.heard_text == "Open the lid of it."
    assert call.lines[-1] == ("assistant", "Open the lid of it.")


def test_an_answer_that_is_cut_off_in_its_only_sentence_is_said_as_it_is() -> None:
    call = rehearse(
        says(1.0, QUESTION),
        answers=lambda messages: [
            *paced("Open the lid and pour in the"),
            (0.1, Finished("length")),
        ],
    )

    assert call.heard_text == "Open the lid and pour in the"


def test_a_thought_that_turns_out_to_be_one_before_the_turn_is_over_is_never_heard() -> None:
    call = rehearse(
        says(1.0, QUESTION),
        answers=lambda messages: [
            *paced("Ten it is. I say ten.", first_s=0.05, between_s=0.01),
            (0.02, TextDelta("We close at ten.", anew=True)),
        ],
        policies=PATIENT,
    )

    assert call.heard_text == "We close at ten."
    assert call.captions("bot", final=True) == ["We close at ten."]
    assert call.lines[-1] == ("assistant", "We close at ten.")


def test_a_thought_that_is_being_heard_stops_when_it_turns_out_to_be_one() -> None:
    thought = "Ten it is. I say ten, and that is the end of it all. Then they may want to book."
    call = rehearse(
        does(1.0, Typed(QUESTION)),
        answers=lambda messages: [*paced(thought), (1.0, TextDelta("We close at ten.", anew=True))],
    )

    assert call.heard_text.endswith("We close at ten.")
    assert "book" not in call.heard_text
    assert call.states[-1] == "listening"
    assert call.errors == []


def refuses_once(step_s: float) -> object:
    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        if messages[-1].content == QUESTION:
            return [(step_s, REFUSED)]
        return paced("Hello again.")

    return answers


@pytest.mark.parametrize("after_s", [0.0, 0.05, 5.0], ids=["at once", "quickly", "after a hang"])
def test_a_model_that_fails_is_apologised_for_and_the_call_goes_on(after_s: float) -> None:
    call = rehearse(
        says(1.0, QUESTION),
        says(16.0, "hello?"),
        answers=refuses_once(after_s),
        until_s=21.0,
    )

    assert call.heard_text == f"{ENGLISH.apology} Hello again."
    assert call.captions("bot", final=True)[-1] == "Hello again."
    assert call.errors == []


def test_an_apology_is_no_answer_so_its_wait_is_none_and_the_person_is_told() -> None:
    call = rehearse(
        says(1.0, QUESTION), says(16.0, "hello?"), answers=refuses_once(0.0), until_s=21.0
    )

    assert [row["turn"] for row in call.rows] == [2]
    assert [item for _, item in call.sent if isinstance(item, Fault)] == [Fault(NO_ANSWER)]


def test_a_model_that_dies_in_mid_answer_is_apologised_for_after_what_it_said() -> None:
    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        return [*paced("It is exactly"), (0.1, REFUSED)]

    call = rehearse(says(1.0, QUESTION), answers=answers)

    assert call.heard_text == f"It is exactly {ENGLISH.apology}"
    assert call.lines[-1] == ("assistant", f"It is exactly {ENGLISH.apology}")


def test_a_model_that_fails_before_the_commit_is_apologised_for_once() -> None:
    call = rehearse(says(1.0, QUESTION), answers=lambda messages: [(0.0, REFUSED)])

    assert call.heard_text == ENGLISH.apology
    assert min(audio_sent(call)) >= committed(call)[0]


def test_a_voice_that_fails_on_one_sentence_says_the_others() -> None:
    call = rehearse(
        says(1.0, QUESTION),
        answers=lambda messages: paced("It is noon. It is broken. Ask me later."),
        tts_fails=lambda text: "broken" in text,
    )

    assert call.heard_text == "It is noon. Ask me later."
    assert call.lines[-1] == ("assistant", "It is noon. Ask me later.")
    assert len(faults(call)) == 1


def test_a_voice_that_fails_altogether_leaves_the_call_alive() -> None:
    call = rehearse(
        says(1.0, QUESTION),
        says(11.0, "hello?"),
        tts_fails=lambda text: "time" in text,
        until_s=15.0,
    )

    assert call.heard_text == f"{ENGLISH.apology} You said hello?"
    assert call.states[-1] == "listening"
    assert faults(call) == pytest.approx([committed(call)[0]], abs=0.05)


def test_a_voice_that_makes_no_sound_of_an_answer_apologises() -> None:
    call = rehearse(says(1.0, QUESTION), tts_is_silent=lambda text: "time" in text)

    assert call.heard_text == ENGLISH.apology
    assert call.states[-1] == "listening"
    assert len(faults(call)) == 1


def test_a_voice_that_makes_no_sound_of_one_sentence_says_the_others() -> None:
    call = rehearse(
        says(1.0, QUESTION),
        answers=lambda messages: paced("It is mute. It is noon now. Ask me later."),
        tts_is_silent=lambda text: "mute" in text,
    )

    assert call.heard_text == "It is noon now. Ask me later."


def test_a_voice_that_fails_on_what_is_withdrawn_is_nobodys_business() -> None:
    asked: list[str] = []

    def fails(text: str) -> bool:
        asked.append(text)
        return len(asked) == 1

    call = rehearse(
        first := says(1.0, QUESTION),
        says(speech_end(first) + 0.3, "in Paris?"),
        policies=PATIENT,
        tts_fails=fails,
    )

    assert call.questions == [QUESTION, f"{QUESTION} in Paris?"]
    assert [text for text in asked if "Paris" not in text][-1] == f"You said {QUESTION}"
    assert faults(call) == []


def test_ears_that_fail_once_answer_with_what_they_hear_later() -> None:
    failed: list[TranscriptionJob] = []

    def fails(job: TranscriptionJob) -> bool:
        failed.append(job)
        return len(failed) <= 2

    call = rehearse(says(1.0, QUESTION), stt_fails=fails)

    assert call.lines[0] == ("user", QUESTION)
    assert call.heard_text == f"You said {QUESTION}"


def test_ears_that_fail_through_a_whole_turn_hear_the_next_one() -> None:
    broken = True

    def fails(job: TranscriptionJob) -> bool:
        return broken and asyncio.get_running_loop().time() < 4.0

    call = rehearse(says(1.0, QUESTION), says(8.0, "hello?"), stt_fails=fails)

    assert call.lines == [
        ("assistant", ENGLISH.unheard),
        ("user", "hello?"),
        ("assistant", "You said hello?"),
    ]
    assert call.states[-1] == "listening"


def test_what_is_typed_is_answered_without_a_word_spoken() -> None:
    call = rehearse(does(1.0, Typed("tell me a joke")))

    assert call.captions("user", final=True) == ["tell me a joke"]
    assert call.lines == [("user", "tell me a joke"), ("assistant", "You said tell me a joke")]


def test_what_is_typed_long_after_a_cough_has_waited_for_nothing() -> None:
    class Deaf:
        async def open(self) -> None: ...

        async def close(self) -> None: ...

        async def transcribe(self, job: TranscriptionJob) -> Transcription:
            return Transcription("")

    call = rehearse(says(1.0, "ahem"), does(8.0, Typed("tell me a joke")), stt=Deaf())

    assert call.heard_text == "You said tell me a joke"
    assert [sampling.waited_s for sampling in call.llm.samplings] == [0.0]
    assert call.rows == []


def test_two_messages_typed_at_once_answer_the_second() -> None:
    call = rehearse(does(1.0, Typed("one")), does(1.0, Typed("two")))

    assert call.heard_text == "You said two"
    assert [line.text for line in call.history] == ["one", "two", "You said two"]
    assert (call.errors, call.tasks_left) == ([], set())


def test_who_lets_go_of_the_button_to_talk_is_answered_at_once() -> None:
    first = says(1.0, "my number is")
    held = rehearse(first, policies=PATIENT)
    let_go = rehearse(first, does(speech_end(first) + 0.02, Muted(muted=True)), policies=PATIENT)

    assert let_go.captions("user", final=True) == ["my number is"]
    waits = [float(str(call.rows[0]["segments"]["endpointing"])) for call in (let_go, held)]  # type: ignore[index]
    assert waits[0] == pytest.approx(0.02, abs=0.011)
    assert waits[1] > 0.3


def test_every_row_of_the_ledger_sums_to_the_wait_that_the_page_saw() -> None:
    cues = [says(1.0, QUESTION), says(6.0, "who are you?"), says(11.0, "why?")]
    call = rehearse(*cues, until_s=16.0, scene=Scene(tts_first_s=0.1, way_s=0.03))

    assert [row["turn"] for row in call.rows] == [1, 2, 3]
    starts = [word.start_s for word in call.heard if word.text == "You"]
    for row, cue, start in zip(call.rows, cues, starts, strict=True):
        segments, wait = row["segments"], row["voice_to_voice_s"]
        assert isinstance(segments, dict)
        assert isinstance(wait, float)
        assert min(segments.values()) >= 0
        assert round(sum(segments.values()) * 1e6) == round(wait * 1e6)
        # The server learns of both ends a way late, and of the first by frames of 20 ms.
        assert wait == pytest.approx(start + 0.03 - speech_end(cue), abs=0.021)
        assert row["unattributed_s"] == 0.0


def test_a_client_that_reports_nothing_is_measured_at_the_socket() -> None:
    call = rehearse(says(1.0, QUESTION), flushes=False)

    assert [row["end_measured_at"] for row in call.rows] == ["socket"]
    assert call.lines[-1] == ("assistant", f"You said {QUESTION}")
    assert call.history[-1].estimated


@pytest.mark.parametrize("at_s", [0.5, 2.3, 2.6, 3.5])
def test_a_call_that_is_cut_off_leaves_no_task_and_no_stream(at_s: float) -> None:
    call = rehearse(says(1.0, QUESTION), until_s=at_s)

    assert (call.tasks_left, call.errors, call.llm.answering) == (set(), [], 0)
