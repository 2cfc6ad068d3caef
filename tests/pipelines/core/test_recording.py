"""Lines of a recording: everything that can happen has one, and without words there are none."""

import json
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pytest

from pipelines.core.commands import StartReply, TurnCommand
from pipelines.core.events import CallFact, LedgerFact, Milestone, Span, TurnFact
from pipelines.core.exchange import AudioIn, CallBegan, Dtmf, FromCaller, ToCaller, TurnMeasured
from pipelines.core.recording import (
    KIND_OF,
    OUR_WORDS,
    RECORD_TYPES,
    TOLD_TYPES,
    TYPE_OF,
    Asked,
    Came,
    Question,
    Told,
    audio_of,
    late_audio,
    line_of,
)

CANARY = "zebrafish"
ALL: list[type[Any]] = [
    one
    for group in (FromCaller, ToCaller, TurnFact, LedgerFact, TurnCommand, Question)
    for one in get_args(group)
] + [Told]
OURS = (TurnMeasured, CallBegan, Told)
"""Made of figures and of the names of models: `pipelines.core.ledger.ledger` says so; `Told` has a
test of its own."""


def full_of_canaries(kind: type[Any]) -> Any:
    """One of them, with the canary wherever a text, a list or a mapping can be."""
    made = object.__new__(kind)
    for one in fields(kind):
        annotation = str(one.type)
        value: Any = 1.5
        if one.name == "pcm":
            value = np.zeros(3, np.int16) if kind is Came else CANARY.encode()
        elif "Mapping" in annotation:
            value = {CANARY: CANARY}
        elif "tuple" in annotation or "Sequence" in annotation:
            value = ((CANARY, CANARY),)
        elif "str" in annotation and one.name not in OUR_WORDS:
            value = CANARY
        elif "Literal" in annotation or one.name in OUR_WORDS:
            value = "ours"
        object.__setattr__(made, one.name, value)
    return made


@pytest.mark.parametrize("kind", [one for one in ALL if one not in OURS], ids=lambda k: k.__name__)
def test_without_words_no_word_gets_through(kind: type[Any]) -> None:
    line = json.dumps(line_of(full_of_canaries(kind), 1.0, "timing"))
    assert CANARY not in line
    assert json.loads(line)["type"] == TYPE_OF[kind]


def test_a_text_becomes_its_length() -> None:
    assert line_of(Dtmf("12#"), 2.0, "timing")["digit_characters"] == 3
    asked = Asked(question=1, of="llm", media_s=0.5, messages=(("user", CANARY),))
    assert line_of(asked, 2.0, "timing") == {
        "t": 2.0, "k": "model", "type": "Asked", "question": 1, "of": "llm", "media_s": 0.5
    }  # fmt: skip


def test_all_is_kept_where_words_are() -> None:
    line = line_of(StartReply(1, 2, "go on"), 3.25, "full")
    assert line | {"t": 3.25, "k": "command", "type": "StartReply", "text": "go on"} == line


def test_times_count_from_the_beginning() -> None:
    assert line_of(Milestone("committed", 107.5), 108.0, "full", 100.0)["at_s"] == 7.5
    worked = line_of(Span("stt", 107.5, 107.75), 108.0, "full", 100.0)
    assert (worked["t"], worked["start_s"], worked["end_s"]) == (8.0, 7.5, 7.75)


def test_sound_is_written_elsewhere_but_for_what_came_late() -> None:
    assert line_of(AudioIn(b"\x01\x00" * 320), 0.0, "full") == {
        "t": 0.0, "k": "in", "type": "AudioIn", "samples": 320
    }  # fmt: skip
    pcm = np.arange(-3, 4, dtype=np.int16)
    assert audio_of(late_audio(pcm.tobytes())).tolist() == pcm.tolist()


def test_the_names_on_disk_stay_when_a_class_gets_another() -> None:
    names = dict.fromkeys(KIND_OF.values(), "")
    for one, kind in KIND_OF.items():
        names[kind] = f"{names[kind]} {TYPE_OF[one]}".strip()
    assert names == {
        "in": (
            "AudioIn Played Sent Typed Muted StopSpeaking Dtmf Expect LineDropped LineRestored Say"
        ),
        "out": "AudioOut Flush Caption StateChanged TurnMeasured AnswerMeasured CallBegan Fault",
        "fact": (
            "Listened SpeechStarted SpeechPaused Transcribed TurnScored TextTyped SilenceAsked "
            "MicrophoneClosed SayAsked ResultsWaiting PlayoutStarted PlayoutEnded ReplyPaused "
            "Reached Worked AnswerCounted SilenceTrimmed HeardToEnd TurnIncomplete "
            "TurnHeldLongEnough"
        ),
        "command": (
            "StartReply CommitReply WithdrawReply PauseReply ResumeReply StopReply ScoreTurn "
            "ForgetSpeech"
        ),
        "model": "Voiced Asked Came Answered Failed CalledOff",
        "told": "Told",
    }


def test_the_table_has_every_class_that_can_be_recorded_once() -> None:
    assert set(RECORD_TYPES.values()) == set(ALL)
    assert len(RECORD_TYPES) == len(TYPE_OF) == len(ALL)


def test_every_fact_that_the_core_can_be_told_has_a_name_and_none_has_words_without_words() -> None:
    assert set(TOLD_TYPES.values()) == set(get_args(CallFact))
    for kind in TOLD_TYPES.values():
        assert CANARY not in json.dumps(line_of(Told(full_of_canaries(kind)), 1.0, "timing"))
