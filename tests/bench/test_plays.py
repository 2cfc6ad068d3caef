"""Planted cut-ins, misses and interruptions, and what the benchmark makes of them."""

import numpy as np
import pytest

from bench.playlist import PlaylistItem, PlaylistPause
from bench.plays import Play, PlayConditions, failure, judge, places_of
from bench.servers import Requests
from client.caller.call import CallResult, TurnResult
from client.caller.measure import MISSED_S, SentTurn, Words, measure_wait
from client.caller.player import Sound
from client.caller.speech_file import Recording, SpokenTurn

RUN = PlayConditions("ours", 0, 1)
STARTED_S = 1000.0
"""The client's clock at the recording's first sample."""
TURN = SpokenTurn(0.4, 4.4, "two words and two more")
FIRST = PlaylistPause(1.0, 0.5, "hanging")
SECOND = PlaylistPause(2.5, 0.3, "clause")


def item(role: str = "turn") -> PlaylistItem:
    recording = Recording("a.flac", np.zeros(16_000 * 10, np.int16), (TURN,), labelled=True)
    return PlaylistItem(
        name="a",
        role=role,  # type: ignore[arg-type]
        what="sentence",
        source="s",
        recording=recording,
        pauses=(FIRST, SECOND),
    )


def sound(start_s: float, end_s: float) -> Sound:
    """In seconds of the recording."""
    return (STARTED_S + start_s, STARTED_S + end_s)


def heard(*sounds: Sound, role: str = "turn", asked: Requests | None = None) -> Play:
    """The play of a bot that sounded so."""
    said = SentTurn(
        start_s=STARTED_S + TURN.start_s,
        end_s=STARTED_S + TURN.end_s,
        next_s=STARTED_S + 10.0,
        interrupts=role != "turn",
        expects_answer=role != "back-channel",
    )
    one = item(role)
    words = Words(transcript="two words", answer="Sure.")
    turn = TurnResult(
        recording=one.recording, turn=TURN, said=said, wait=measure_wait(said, sounds), words=words
    )
    nothing = np.empty(0, np.int16)
    result = CallResult(
        turns=(turn,),
        started_s=STARTED_S,
        spoken=nothing,
        heard=nothing,
        sounds=sounds,
        messages=(),
        microphone_late_s=0.001,
    )
    return judge(one, result, RUN, asked)


@pytest.mark.parametrize("delay_s", [0.0, 0.213, 0.7, 4.9])
def test_a_turn_is_measured_from_its_label_to_the_answer(delay_s: float) -> None:
    play = heard(sound(4.4 + delay_s, 6.0 + delay_s))

    assert play.v2v_s == pytest.approx(delay_s)
    assert not play.missed
    assert not play.cut_in
    assert play.answers == 1


def test_silence_is_a_miss_and_counts_five_seconds() -> None:
    play = heard()

    assert play.missed
    assert play.v2v_s == MISSED_S
    assert play.answers == 0


def test_a_cut_in_is_put_down_to_its_pause_and_the_next_answer_measured() -> None:
    play = heard(sound(1.3, 2.0), sound(4.7, 6.0))

    assert play.cut_ins_s == pytest.approx((1.3,))
    assert [pause.cut_in for pause in play.pauses] == [True, False]
    assert play.cut_in_elsewhere == 0
    assert play.v2v_s == pytest.approx(0.3)
    assert play.answers == 2


def test_an_answer_to_a_pause_may_come_when_the_person_has_gone_on() -> None:
    assert places_of([1.9], [FIRST, SECOND]) == [0]


def test_a_pause_that_has_just_begun_brought_nothing_on() -> None:
    assert places_of([2.55], [FIRST, SECOND]) == [0]
    assert places_of([2.61], [FIRST, SECOND]) == [1]


@pytest.mark.parametrize("at_s", [0.9, 4.35])
def test_a_cut_in_far_from_any_pause_is_counted_elsewhere(at_s: float) -> None:
    play = heard(sound(at_s, at_s + 0.02), sound(4.8, 6.0))

    assert [pause.cut_in for pause in play.pauses] == [False, False]
    assert play.cut_in_elsewhere == 1
    assert play.cut_in


def test_two_cut_ins_at_one_pause_are_one_pause_cut_into() -> None:
    play = heard(sound(1.3, 1.4), sound(1.9, 2.0), sound(4.7, 6.0))

    assert [pause.cut_in for pause in play.pauses] == [True, False]
    assert len(play.cut_ins_s) == 2


def test_a_bot_that_talks_over_the_end_has_not_answered() -> None:
    play = heard(sound(4.3, 7.0))

    assert play.cut_in
    assert play.missed


def test_what_the_llm_was_asked_last_is_kept() -> None:
    asked = Requests(opened=2, finished=1, cancelled=1, asked=("two", "two words"))
    play = heard(sound(4.7, 6.0), asked=asked)

    assert (play.opened, play.cancelled, play.asked) == (2, 1, "two words")


def test_a_call_that_did_not_come_about_is_a_miss() -> None:
    play = failure(item(), "refused with 503", RUN)

    assert play.missed
    assert play.v2v_s == MISSED_S
    assert len(play.pauses) == 2
    assert play.failed == "refused with 503"


# ---- speaking over the bot, which has been talking since a second before ----


def test_the_bots_silence_is_counted_from_the_onset_of_the_speech() -> None:
    play = heard(sound(-0.6, 0.5), sound(5.0, 6.0), role="interruption")

    assert play.barge_in is not None
    assert play.barge_in.silent_s == pytest.approx(0.1)
    assert play.went_on is None


@pytest.mark.parametrize(
    ("sounds", "went_on"),
    [
        ([sound(-0.6, 9.9)], True),
        ([sound(-0.6, 0.5), sound(0.9, 9.9)], True),
        ([sound(-0.6, 0.5), sound(1.2, 9.9)], False),
        ([sound(-0.6, 0.5)], False),
    ],
)
def test_after_a_back_channel_the_bot_goes_on_within_half_a_second(
    sounds: list[Sound], went_on: bool
) -> None:
    assert heard(*sounds, role="back-channel").went_on is went_on
