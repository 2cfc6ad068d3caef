import math

import pytest

from client.caller.measure import (
    BargeIn,
    ReceivedMessage,
    SentTurn,
    Wait,
    measure_wait,
    onsets,
    summarise,
    words_of,
)
from client.caller.player import Sound

SAID = SentTurn(start_s=10.0, end_s=12.0, next_s=30.0)


def talk(start_s: float, end_s: float) -> list[Sound]:
    """Audible 10 ms windows without a gap."""
    count = round((end_s - start_s) * 100)
    return [(start_s + i / 100, start_s + (i + 1) / 100) for i in range(count)]


def test_the_wait_is_from_the_end_of_speech_to_the_first_audible_sample() -> None:
    wait = measure_wait(SAID, talk(12.437, 14.0))

    assert wait.v2v_s == pytest.approx(0.437)
    assert not wait.missed
    assert not wait.cut_in


def test_the_previous_answer_is_neither_a_cut_in_nor_an_answer() -> None:
    wait = measure_wait(SAID, talk(5.0, 10.5) + talk(12.3, 13.0))

    assert wait.v2v_s == pytest.approx(0.3)
    assert wait.cut_ins_s == ()


def test_an_answer_in_the_middle_of_a_turn_is_a_cut_in_and_the_next_one_counts() -> None:
    wait = measure_wait(SAID, talk(11.0, 11.4) + talk(12.6, 13.0))

    assert wait.cut_ins_s == pytest.approx((1.0,))
    assert wait.v2v_s == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("sounds", "heard_s", "noticed"),
    [
        (talk(11.0, 11.25), (0.25,), False),
        (talk(11.0, 11.3), (0.3,), False),
        (talk(11.0, 11.4), (0.4,), True),
        (talk(11.0, 11.2) + talk(11.3, 11.45), (0.35,), True),
        (talk(10.5, 10.7) + talk(11.2, 11.4), (0.2, 0.2), False),
        (talk(11.9, 13.0), (1.1,), True),
        (talk(9.0, 11.0), (), False),
    ],
)
def test_a_cut_in_is_noticed_that_is_audible_for_more_than_300_ms(
    sounds: list[Sound], heard_s: tuple[float, ...], noticed: bool
) -> None:
    """A breath's length of silence does not end it; what is said later is another."""
    wait = measure_wait(SAID, sounds)

    assert wait.cut_ins_heard_s == pytest.approx(heard_s)
    assert wait.noticed is noticed
    assert wait.cut_in is bool(heard_s)


def test_a_voice_that_talks_across_the_end_is_not_the_answer() -> None:
    talking = talk(11.9, 13.0)

    assert measure_wait(SAID, talking).v2v_s == 5.0
    assert measure_wait(SAID, talking).missed
    assert measure_wait(SAID, talking + talk(13.5, 14.0)).v2v_s == pytest.approx(1.5)


def test_a_breath_between_words_is_not_a_new_answer() -> None:
    assert onsets(talk(11.9, 12.2) + talk(12.4, 13.0)) == pytest.approx([11.9])


def test_no_answer_within_five_seconds_is_missed_and_counts_as_five() -> None:
    for sounds in ([], talk(17.01, 18.0), talk(2.0, 3.0)):
        wait = measure_wait(SAID, sounds)
        assert (wait.v2v_s, wait.missed) == (5.0, True)
    assert not measure_wait(SAID, talk(16.99, 18.0)).missed


def test_the_answer_to_the_next_turn_is_not_this_ones() -> None:
    said = SentTurn(start_s=10.0, end_s=12.0, next_s=13.0)

    assert measure_wait(said, talk(13.2, 14.0)).missed


def test_nothing_is_missed_where_no_answer_is_expected() -> None:
    said = SentTurn(start_s=10.0, end_s=12.0, next_s=30.0, expects_answer=False)

    assert not measure_wait(said, []).missed


def test_a_barge_in_is_measured_to_the_silence_and_to_what_follows_it() -> None:
    said = SentTurn(start_s=10.0, end_s=11.0, next_s=30.0, interrupts=True)
    sounds = talk(8.0, 9.95) + talk(10.05, 10.12) + talk(11.4, 13.0)

    wait = measure_wait(said, sounds)

    assert wait.barge_in is not None
    assert wait.barge_in.silent_s == pytest.approx(0.12)
    assert wait.barge_in.next_sound_s == pytest.approx(1.4)
    assert wait.v2v_s == pytest.approx(0.4)
    assert not wait.cut_in


def test_a_bot_that_was_silent_anyway_stops_at_once() -> None:
    said = SentTurn(start_s=10.0, end_s=11.0, next_s=30.0, interrupts=True)

    assert measure_wait(said, talk(8.0, 9.0)).barge_in == BargeIn(0.0, None)


def test_percentiles_count_every_turn() -> None:
    waits = [
        Wait(v2v_s=0.2, missed=False),
        Wait(v2v_s=0.4, missed=False, cut_ins_s=(1.0,), cut_ins_heard_s=(0.2,)),
        Wait(v2v_s=0.4, missed=False, cut_ins_s=(1.0, 2.0), cut_ins_heard_s=(0.2, 0.5)),
        Wait(v2v_s=5.0, missed=True),
    ]

    summary = summarise(waits)

    assert (summary.turns, summary.cut_in, summary.noticed, summary.missed) == (4, 2, 1, 1)
    assert summary.p50_s == pytest.approx(0.4)
    assert summary.p95_s == pytest.approx(5.0)
    assert summary.p99_s == pytest.approx(5.0)


def test_no_turns_have_no_percentiles() -> None:
    assert math.isnan(summarise([]).p50_s)


def test_words_come_from_the_first_kind_of_message_that_says_them() -> None:
    words = words_of(
        [
            ReceivedMessage(1.0, "user-transcription", {"text": "what", "final": False}),
            ReceivedMessage(1.1, "user-transcription", {"text": "what is it", "final": True}),
            ReceivedMessage(1.1, "user-input", {"text": "what is it", "final": True}),
            ReceivedMessage(1.2, "bot-output", {"text": "It is ten.", "spoken_status": "new"}),
            ReceivedMessage(1.3, "bot-tts-text", {"text": "It"}),
            ReceivedMessage(
                1.4, "bot-output", {"text": "It is ten.", "spoken_status": "completed"}
            ),
            ReceivedMessage(1.5, "bot-output", {"text": "Good night.", "spoken_status": None}),
        ]
    )

    assert words.transcript == "what is it"
    assert words.answer == "It is ten. Good night."
    assert words.row is None


def test_the_last_ledger_row_is_the_turns() -> None:
    words = words_of(
        [
            ReceivedMessage(1.0, "server-message", {"type": "turn", "row": {"turn": 1}}),
            ReceivedMessage(1.1, "server-message", {"type": "state", "state": "listening"}),
            ReceivedMessage(1.2, "server-message", {"type": "turn", "row": {"turn": 2}}),
            ReceivedMessage(
                1.3, "server-message", {"type": "cut-off", "turn": 2, "heard": "It is"}
            ),
        ]
    )

    assert words.row == {"turn": 2}
    assert words.cut_off == "It is"


def test_the_answer_is_what_was_said_after_the_last_interruption() -> None:
    words = words_of(
        [
            ReceivedMessage(1.0, "bot-output", {"text": "You said: the number."}),
            ReceivedMessage(1.1, "server-message", {"type": "cut-off", "turn": 1, "heard": "You"}),
            ReceivedMessage(1.2, "bot-output", {"text": "You said: the number is two."}),
        ]
    )

    assert words.answer == "You said: the number is two."
    assert words.cut_off == "You"


def test_a_transcript_that_goes_on_from_the_one_before_replaces_it() -> None:
    texts = ["It is,", "It is not in service.", "It is not in service. Try again.", "Now."]
    words = words_of([ReceivedMessage(1.0, "user-transcription", {"text": text}) for text in texts])

    assert words.transcript == "It is not in service. Try again. Now."
