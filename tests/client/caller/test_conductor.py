"""Whole calls on virtual time: 20 ms at a time, no socket, no clock."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from client.caller.conductor import CallerStage, Conductor, Pacing, ScriptLine
from client.caller.measure import Wait, measure_wait
from client.caller.microphone import CallerMicrophone
from client.caller.player import Loudspeaker
from client.caller.speech_file import Recording, SpokenTurn
from tests.client.caller.loopback import tone

PACING = Pacing(lead_in_s=0.1, until_quiet_s=0.5)


def spoken(duration_s: float, trailing_s: float = 0.0) -> Recording:
    pcm = np.concatenate([tone(duration_s, 16_000), tone(trailing_s, 16_000) * 0])
    return Recording("tone", pcm, (SpokenTurn(0.0, duration_s),))


class Rehearsal:
    """Runs a conductor to its end against a bot that `answer` scripts."""

    def __init__(self, lines: Sequence[ScriptLine], pacing: Pacing = PACING) -> None:
        self.microphone = CallerMicrophone(100.0)
        self.speaker = Loudspeaker()
        self.conductor = Conductor(lines, self.microphone, self.speaker, pacing)
        self.conductor.ready(100.0)

    def run(self, answer: Callable[["Rehearsal", float], None], limit_s: float = 120.0) -> None:
        while self.conductor.stage is not CallerStage.DONE:
            now = self.microphone.deadline
            assert now < 100.0 + limit_s, "the call never ends"
            self.conductor.tick(now)
            self.microphone.take(now)
            answer(self, now)

    def waits(self) -> list[Wait]:
        until_s = self.microphone.heard_s(self.microphone.position)
        return [
            measure_wait(said, self.speaker.sounds)
            for _, saids in self.conductor.said(until_s)
            for said in saids
        ]

    def starts_s(self) -> list[float]:
        return [self.microphone.heard_s(one.first_sample) for one in self.conductor.delivered]


def answering(*delays_s: float, for_s: float = 1.0) -> Callable[[Rehearsal, float], None]:
    """A bot that answers the nth line so long after its labelled end."""
    given: list[int] = []

    def answer(call: Rehearsal, now: float) -> None:
        count = len(call.conductor.delivered)
        if not count or count in given or count > len(delays_s):
            return
        latest = call.conductor.delivered[-1]
        end = latest.first_sample + latest.line.recording.turns[-1].end_s * 16_000
        if call.microphone.position < end:
            return
        if now + 0.02 > call.microphone.heard_s(end) + delays_s[count - 1]:
            given.append(count)
            call.speaker.add(
                tone(for_s, 24_000), call.microphone.heard_s(end) + delays_s[count - 1]
            )

    return answer


@pytest.mark.parametrize("delay_s", [0.0, 0.213, 1.0, 4.99])
def test_the_measured_wait_is_the_bots_delay(delay_s: float) -> None:
    call = Rehearsal([ScriptLine(spoken(0.73))])
    call.run(answering(delay_s))

    [wait] = call.waits()
    assert wait.v2v_s == pytest.approx(delay_s, abs=1e-6)
    assert not wait.missed
    assert not wait.cut_in


def test_an_answer_within_the_recordings_own_trailing_silence_counts() -> None:
    call = Rehearsal([ScriptLine(spoken(0.5, trailing_s=3.0))])
    call.run(answering(0.3))

    assert call.waits()[0].v2v_s == pytest.approx(0.3)


def test_the_next_line_waits_until_the_bot_has_been_quiet() -> None:
    call = Rehearsal([ScriptLine(spoken(0.5)), ScriptLine(spoken(0.5))])
    call.run(answering(0.3, 0.4, for_s=1.0))

    first, second = call.starts_s()
    assert second - first == pytest.approx(0.5 + 0.3 + 1.0 + 0.5, abs=0.04)
    assert [wait.v2v_s for wait in call.waits()] == pytest.approx([0.3, 0.4])


def test_a_bot_that_greets_is_heard_out_first() -> None:
    call = Rehearsal([ScriptLine(spoken(0.5))])
    call.speaker.add(tone(2.0, 24_000), 100.0)
    call.run(answering(0.3))

    assert call.starts_s()[0] == pytest.approx(102.5, abs=0.04)
    assert not call.waits()[0].cut_in


def test_nothing_is_said_before_the_handshake() -> None:
    microphone = CallerMicrophone(100.0)
    conductor = Conductor([ScriptLine(spoken(0.5))], microphone, Loudspeaker(), PACING)
    for _ in range(100):
        conductor.tick(microphone.deadline)
        microphone.take(microphone.deadline)

    assert conductor.stage is CallerStage.WAITING
    assert conductor.delivered == []


def test_a_missed_turn_is_given_up_after_five_seconds_and_the_call_goes_on() -> None:
    call = Rehearsal([ScriptLine(spoken(0.5)), ScriptLine(spoken(0.5))])
    call.run(answering(60.0, 0.25))

    assert [(wait.missed, wait.v2v_s) for wait in call.waits()] == [
        (True, 5.0),
        (False, pytest.approx(0.25)),
    ]
    first, second = call.starts_s()
    assert second - first == pytest.approx(5.5, abs=0.04)


def test_a_fixed_schedule_does_not_wait_for_the_bot() -> None:
    pacing = Pacing(lead_in_s=0.1, until_quiet_s=0.5, gap_s=2.0)
    call = Rehearsal([ScriptLine(spoken(0.5)), ScriptLine(spoken(0.5))], pacing)
    call.run(answering(0.3, 0.3, for_s=0.4))

    first, second = call.starts_s()
    assert second - first == pytest.approx(2.5, abs=0.04)


def test_a_fixed_schedule_counts_from_the_end_of_what_follows_the_words() -> None:
    pacing = Pacing(lead_in_s=0.1, until_quiet_s=0.5, gap_s=1.0)
    call = Rehearsal([ScriptLine(spoken(0.5, trailing_s=2.0)), ScriptLine(spoken(0.5))], pacing)
    call.run(answering(0.3, 0.3, for_s=0.4))

    first, second = call.starts_s()
    assert second - first == pytest.approx(3.5, abs=0.04)


def test_a_barge_in_comes_so_long_after_the_answer_became_audible() -> None:
    call = Rehearsal([ScriptLine(spoken(0.5)), ScriptLine(spoken(0.6), barge_in_after_s=1.5)])
    bot = answering(0.3, 0.4, for_s=8.0)
    silenced: list[float] = []

    def stop_when_spoken_over(call: Rehearsal, now: float) -> None:
        bot(call, now)
        if len(call.conductor.delivered) == 2 and not silenced:
            silenced.append(now)
            call.speaker.flush(1, now)

    call.run(stop_when_spoken_over)

    first, second = call.starts_s()
    assert second - first == pytest.approx(0.5 + 0.3 + 1.5, abs=0.04)
    barge_in = call.waits()[1].barge_in
    assert barge_in is not None
    assert barge_in.silent_s == pytest.approx(silenced[0] - second)
    assert call.waits()[0].barge_in is None
    assert call.waits()[1].v2v_s == pytest.approx(0.4)


def test_a_back_channel_waits_for_no_answer() -> None:
    mhm = ScriptLine(spoken(0.3), barge_in_after_s=0.5, expects_answer=False)
    call = Rehearsal([ScriptLine(spoken(0.5)), mhm])
    call.run(answering(0.3, for_s=3.0))

    assert [wait.missed for wait in call.waits()] == [False, False]


def test_a_bot_that_never_stops_is_talked_over_in_the_end() -> None:
    pacing = Pacing(lead_in_s=0.1, until_quiet_s=0.5, answer_limit_s=10.0)
    call = Rehearsal([ScriptLine(spoken(0.5)), ScriptLine(spoken(0.5))], pacing)
    call.run(answering(0.3, for_s=500.0))

    first, second = call.starts_s()
    assert second - first == pytest.approx(10.5, abs=0.04)


def test_progress_counts_what_has_gone_out() -> None:
    call = Rehearsal([ScriptLine(spoken(0.5)), ScriptLine(spoken(0.7))])
    seen = [call.conductor.progress()]
    call.run(lambda call, now: seen.append(call.conductor.progress()))

    assert (seen[0].line, seen[0].played_s) == (-1, 0.0)
    assert seen[-1].line == 1
    assert seen[-1].played_s == pytest.approx(1.2)
    assert [one.played_s for one in seen] == sorted(one.played_s for one in seen)


def test_two_turns_in_one_recording_are_measured_apart() -> None:
    pcm = np.concatenate([tone(0.5, 16_000), tone(2.0, 16_000) * 0, tone(0.5, 16_000)])
    both = Recording("two", pcm, (SpokenTurn(0.0, 0.5), SpokenTurn(2.5, 3.0)))
    call = Rehearsal([ScriptLine(both)])
    call.run(answering_each_silence(0.3))

    assert [wait.v2v_s for wait in call.waits()] == pytest.approx([0.3, 0.3], abs=0.021)


def answering_each_silence(delay_s: float) -> Callable[[Rehearsal, float], None]:
    """A bot that hears the silence itself, to within a frame."""
    loud_until: list[float | None] = [None]

    def answer(call: Rehearsal, now: float) -> None:
        if call.microphone.tape[-320:].any():
            loud_until[0] = now
        elif loud_until[0] is not None and now - loud_until[0] >= delay_s - 1e-9:
            loud_until[0] = None
            call.speaker.add(tone(0.4, 24_000), now)

    return answer


def test_of_an_answer_only_so_much_is_listened_to() -> None:
    pacing = Pacing(lead_in_s=0.1, until_quiet_s=0.5, hear_s=0.4)
    call = Rehearsal([ScriptLine(spoken(0.5)), ScriptLine(spoken(0.5))], pacing)
    call.run(answering(0.2, 0.2, for_s=3.0))

    assert call.starts_s()[1] - call.starts_s()[0] == pytest.approx(0.5 + 0.2 + 0.4, abs=0.021)
    assert [wait.v2v_s for wait in call.waits()][0] == pytest.approx(0.2, abs=1e-6)


def test_an_answer_that_is_to_be_interrupted_is_listened_to_until_then() -> None:
    pacing = Pacing(lead_in_s=0.1, until_quiet_s=0.5, hear_s=0.4)
    call = Rehearsal(
        [ScriptLine(spoken(0.5)), ScriptLine(spoken(0.5), barge_in_after_s=1.0)], pacing
    )
    call.run(answering(0.2, for_s=3.0))

    assert call.starts_s()[1] - call.starts_s()[0] == pytest.approx(0.5 + 0.2 + 1.0, abs=0.021)
