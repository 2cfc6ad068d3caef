"""Audio sent and audio heard: positions on a clock that the test moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.audio.audible import first_audible
from pipelines.core.events import PlayoutWord
from pipelines.core.speaking import playout as playout_module
from pipelines.core.speaking.playout import ClauseDue, PlayoutState
from tests.pipelines.core.speaking.sounding import Send, Sounding
from tests.steps import counted

RATE = 1000
FRAME = 20


def tone(seconds: float) -> NDArray[np.int16]:
    return np.full(round(seconds * RATE), 8000, np.int16)


def playing(seconds: float = 1.0, *, reports: bool = True, lead_s: float = 0.06) -> Sounding:
    """Four words, a quarter of it each; nothing sent yet."""
    playout = Sounding(RATE, lead_s, reports=reports)
    playout.begin(1)
    words = [
        PlayoutWord(w, round(i * seconds * RATE / 4))
        for i, w in enumerate("one two three four".split())
    ]
    playout.sound(tone(seconds), "one two three four", words)
    playout.end()
    return playout


def sent(playout: Sounding, now: float) -> list[Send]:
    return [item for item in playout.sends(now) if isinstance(item, Send)]


def play_until(playout: Sounding, until: float, start: float = 0.0) -> list[Send]:
    """Ask at every deadline, as the shell does."""
    out, now = sent(playout, start), start
    while (deadline := playout.deadline()) is not None and deadline <= until:
        now = max(now, deadline)
        out += sent(playout, now)
        if playout.over(now):
            break
    return out


def test_the_first_frames_go_out_at_once_and_no_further_ahead_than_the_lead() -> None:
    assert [frame.start for frame in sent(playing(), 0.0)] == [0, 20, 40]


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.005])
def test_clauses_with_next_to_no_sound_are_shown_together(seconds: float) -> None:
    playout = Sounding(RATE, 0.06, reports=True)
    playout.begin(1)
    for n in range(100):
        playout.sound(tone(seconds), f"clause {n}.", ())
    playout.sound(tone(0.5), "the last.", ())
    playout.end()
    items = [item for at in range(60) for item in playout.sends(at / 100)]
    shown = [item.text for item in items if isinstance(item, ClauseDue)]
    assert " ".join(shown) == " ".join([*(f"clause {n}." for n in range(100)), "the last."])
    assert len(shown) <= 1 + 100 * seconds / 0.02 + 1


def test_a_frame_follows_every_20_ms() -> None:
    playout = playing()
    sent(playout, 0.0)

    assert playout.deadline() == pytest.approx(0.02)
    assert sent(playout, 0.019) == []
    assert [frame.start for frame in sent(playout, 0.02)] == [60]


def test_everything_is_sent_once_and_in_order() -> None:
    frames = play_until(playing(), 2.0)

    assert [frame.start for frame in frames] == list(range(0, 1000, FRAME))
    assert b"".join(frame.pcm for frame in frames) == tone(1.0).tobytes()


def test_a_clause_is_announced_with_its_first_frame() -> None:
    assert playing().sends(0.0)[0] == ClauseDue("one two three four")


def test_audio_that_comes_late_is_played_from_then_on() -> None:
    playout = Sounding(RATE, 0.06, reports=False)
    playout.begin(1)
    playout.sound(tone(0.1), "early", ())
    play_until(playout, 0.5)

    playout.sound(tone(0.1), "late", ())
    playout.end()
    play_until(playout, 5.0, start=0.6)

    assert not playout.over(0.69)
    assert playout.over(0.70)


def test_the_reply_is_over_when_the_client_says_so() -> None:
    playout = playing()
    play_until(playout, 1.0)

    assert not playout.over(1.05)
    playout.played(0, 1000, 1.06)
    assert playout.over(1.06)


def test_a_client_that_falls_silent_does_not_hold_the_reply_for_ever() -> None:
    playout = playing()
    play_until(playout, 1.0)

    assert playout.over(2.01)


def test_an_interruption_keeps_the_words_that_were_heard() -> None:
    playout = playing()
    play_until(playout, 0.5)
    playout.played(0, 480, 0.5)

    generation, heard = playout.stop(0.5)

    assert (generation, heard.text, heard.whole) == (1, "one two", False)
    assert not heard.estimated


def untimed(text: str, samples: int) -> Sounding:
    playout = Sounding(RATE, lead_s=0.2, reports=True)
    playout.begin(1)
    playout.sound(np.full(samples, 3000, np.int16), text, ())
    play_until(playout, 0.5)
    playout.played(0, 480, 0.5)
    return playout


def test_where_the_voice_gives_no_times_the_words_are_shared_out_and_marked() -> None:
    playout = untimed("one two three four", RATE)
    playout.end()

    heard = playout.heard(0.5)

    assert (heard.text, heard.estimated) == ("one two", True)


def test_a_clause_without_a_word_adds_none_to_what_was_heard() -> None:
    playout = Sounding(RATE, 0.06, reports=True)
    playout.begin(1)
    playout.sound(tone(0.2), "one two", [])
    playout.sound(tone(0.2), " ", [])
    play_until(playout, 0.3)
    playout.played(0, 250, 0.3)
    assert playout.heard(0.3).text == "one two"
    playout.end()
    play_until(playout, 0.6, start=0.3)
    playout.played(0, 400, 0.6)
    assert playout.heard(0.6).text == "one two"


def test_times_that_were_estimated_before_stay_marked() -> None:
    playout = untimed("one two", RATE)
    playout.sound(
        np.full(RATE, 3000, np.int16),
        "",
        (PlayoutWord("one", 0, True), PlayoutWord("two", 900, True)),
    )

    heard = playout.heard(0.5)

    assert (heard.text, heard.estimated) == ("one", True)


def test_a_clause_that_is_still_being_made_is_not_squeezed_into_what_is_there() -> None:
    playout = untimed("one two three four five six seven eight", RATE // 2)

    assert playout.heard(0.5).text == "one two"


def test_the_last_report_of_what_was_flushed_still_counts() -> None:
    playout = playing()
    play_until(playout, 0.6)
    playout.played(0, 300, 0.3)
    _, heard = playout.stop(0.6)
    assert heard.text == "one two"

    playout.played(0, 640, 0.62)

    assert playout.heard(0.7).text == "one two three"


def test_a_report_of_an_older_generation_changes_nothing() -> None:
    playout = playing()
    play_until(playout, 0.5)
    playout.played(0, 300, 0.5)
    playout.pause(0.5)
    playout.resume()
    sent(playout, 0.6)

    assert playout.played(0, 900, 0.61) is None


def test_where_nothing_is_reported_what_was_sent_less_the_lead_is_an_estimate() -> None:
    playout = playing(reports=False)
    play_until(playout, 0.5)

    heard = playout.heard(0.5)

    assert heard.estimated
    assert heard.text == "one two"


def test_a_pause_loses_and_repeats_nothing() -> None:
    playout = playing()
    before = play_until(playout, 0.4)
    playout.played(0, 400, 0.4)
    playout.pause(0.4)
    playout.played(0, 410, 0.41)

    playout.resume()
    after = play_until(playout, 3.0, start=0.9)

    heard_before = b"".join(frame.pcm for frame in before)[: 2 * 410]
    assert heard_before + b"".join(frame.pcm for frame in after) == tone(1.0).tobytes()
    assert [frame.generation for frame in after[:1]] == [1]
    assert after[0].start == 0


def test_while_paused_nothing_is_sent() -> None:
    playout = playing()
    sent(playout, 0.0)
    playout.pause(0.1)

    assert playout.state is PlayoutState.PAUSED
    assert playout.sends(0.5) == []
    assert playout.deadline() is None


def test_words_without_times_are_placed_by_their_length() -> None:
    playout = Sounding(RATE, 0.06, reports=True)
    playout.begin(1)
    playout.sound(tone(1.0), "a somewhat longwinded", ())
    playout.end()
    play_until(playout, 1.0)
    playout.played(0, 500, 0.5)

    assert playout.heard(0.5).text == "a somewhat"


@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=20),
    st.lists(st.floats(0.0, 0.2), min_size=1, max_size=60),
)
def test_however_the_audio_comes_each_sample_is_sent_once(
    pieces: list[int], steps: list[float]
) -> None:
    playout = Sounding(RATE, 0.06, reports=False)
    playout.begin(1)
    now, out, given_ = 0.0, [], b""
    for index, step in enumerate(steps):
        if index < len(pieces):
            pcm = np.arange(pieces[index], dtype=np.int16)
            given_ += pcm.tobytes()
            playout.sound(pcm, "", ())
        out += sent(playout, now)
        now += step
    playout.end()
    out += play_until(playout, now + 10.0, start=now)

    expected = b"".join(
        np.arange(n, dtype=np.int16).tobytes() for n in pieces[: min(len(steps), len(pieces))]
    )
    assert b"".join(frame.pcm for frame in out) == given_ == expected
    assert [frame.start for frame in out] == list(
        np.cumsum([0, *(len(frame.pcm) // 2 for frame in out)])[:-1]
    )


def test_silence_is_not_audible() -> None:
    quiet = np.zeros(RATE, np.int16)

    assert first_audible(quiet, RATE) is None
    assert first_audible(np.concatenate((quiet, tone(0.1))), RATE) == RATE


# ---- cut off ----


def test_a_listener_who_was_cut_off_hears_on_from_what_was_heard() -> None:
    playout = playing()
    play_until(playout, 0.5)
    playout.played(0, 400, 0.5)

    assert playout.drop(0.6) == 1
    assert sent(playout, 30.0) == []
    assert playout.deadline() is None
    assert playout.played(0, 430, 30.0) == 430, "what it says once it is back"
    playout.resume()

    first = sent(playout, 30.0)[0]
    assert (first.generation, first.start) == (1, 0)
    assert playout.played(1, 20, 30.1) == 450


def test_a_listener_who_counts_from_nothing_again_has_not_unheard_anything() -> None:
    playout = playing()
    play_until(playout, 0.5)
    playout.played(0, 400, 0.5)
    playout.drop(0.6)

    assert playout.played(0, 0, 0.7) is None
    assert playout.heard_samples(0.7) >= 400


def test_one_who_is_cut_off_in_silence_counts_anew() -> None:
    playout = playing(0.1)
    play_until(playout, 0.2)
    playout.clear()

    generation = playout.drop(1.0)
    playout.begin(2)
    playout.sound(tone(0.1), "next", ())

    assert generation == 1
    assert [(frame.generation, frame.start) for frame in sent(playout, 2.0)][0] == (1, 0)


def test_one_who_is_cut_off_twice_is_given_the_same_beginning() -> None:
    playout = playing()
    play_until(playout, 0.5)
    assert [playout.drop(0.5), playout.drop(0.6)] == [1, 1]


def test_a_reply_that_was_stopped_does_not_go_on() -> None:
    playout = playing()
    play_until(playout, 0.5)
    playout.drop(0.5)
    playout.stop(0.6)
    playout.resume()
    assert sent(playout, 1.0) == []


def test_a_clause_is_announced_once_though_it_is_heard_twice() -> None:
    playout = playing()
    assert playout.sends(0.0)[0] == ClauseDue("one two three four")
    playout.pause(0.01)
    playout.resume()
    assert not [item for item in playout.sends(0.5) if isinstance(item, ClauseDue)]


# ---- by the clock alone, and at rest ----


def test_before_anything_is_sent_nothing_is_heard() -> None:
    playout = Sounding(RATE, 0.06, reports=False)
    playout.begin(1)
    playout.sound(tone(1.0), "one", ())

    assert playout.heard_samples(50.0) == 0


def test_while_it_plays_no_more_is_heard_than_there_was_time_for() -> None:
    playout = playing(reports=False, lead_s=0.2)
    play_until(playout, 0.5)

    assert playout.sent == 700
    assert playout.heard_samples(0.5) == 500


def test_after_a_pause_without_reports_all_that_was_sent_counts_as_heard() -> None:
    playout = playing(reports=False, lead_s=0.2)
    play_until(playout, 0.5)
    playout.pause(0.5)

    assert playout.heard_samples(0.5) == playout.sent == 700
    assert playout.heard_samples(0.51) == 700


def test_after_a_pause_with_reports_what_was_reported_counts_and_time_no_longer_does() -> None:
    playout = playing(reports=True, lead_s=0.2)
    play_until(playout, 0.5)
    playout.played(0, 400, 0.5)
    playout.pause(0.52)
    heard = playout.heard_samples(0.52)

    assert heard == 420
    assert playout.heard_samples(9.0) == 420


def test_when_it_goes_on_nothing_more_is_heard_until_more_is_sent() -> None:
    playout = playing(reports=True, lead_s=0.2)
    play_until(playout, 0.5)
    playout.pause(0.5)
    playout.resume()

    assert playout.heard_samples(9.0) == playout.sent == 500


# ---- the place ----


def asking(*clauses: str, ended: bool = True) -> Sounding:
    """Each word takes a second, and the voice says so."""
    playout = Sounding(RATE, 0.2, reports=True)
    playout.begin(1)
    for clause in clauses:
        tokens = clause.split()
        words = [PlayoutWord(token, at * RATE) for at, token in enumerate(tokens)]
        playout.sound(tone(len(tokens)), clause, words)
    if ended:
        playout.end()
    return playout


@pytest.mark.parametrize(
    ("heard_s", "sentences", "left_s"),
    [
        (0.5, (("Very well.", 1.5),), 5.5),
        (1.5, (("Very well.", 0.5),), 4.5),
        (3.5, (("Very well.", -1.5),), 2.5),
        (4.5, (("Shall I book it?", 1.5),), 1.5),
        (6.0, (("Shall I book it?", 0.0),), 0.0),
    ],
)
def test_the_place_is_told_by_the_sentences_that_end_near_it(
    heard_s: float, sentences: tuple[tuple[str, float], ...], left_s: float
) -> None:
    playout = asking("Very well.", "Shall I book it?")
    play_until(playout, heard_s)
    playout.played(0, round(heard_s * RATE), heard_s)
    playout.pause(heard_s)

    assert playout.around(heard_s) == sentences
    assert playout.left_s(heard_s) == left_s


def test_a_sentence_may_be_of_several_clauses_and_a_clause_of_several_sentences() -> None:
    playout = asking("Well then,", "shall I? Yes? Fine.", "And")
    play_until(playout, 4.0)
    playout.played(0, 4 * RATE, 4.0)

    assert playout.around(4.0) == (
        ("Well then, shall I?", 0.0),
        ("Yes?", 1.0),
        ("Fine.", 2.0),
    )


def test_while_more_of_a_reply_may_come_nothing_is_said_of_its_end() -> None:
    playout = asking("Shall I?", ended=False)
    play_until(playout, 1.0)

    assert playout.left_s(1.0) is None
    assert playout.around(1.0) == (("Shall I?", 1.0),)


def test_a_clause_that_is_still_made_is_held_to_be_as_long_as_its_letters() -> None:
    playout = Sounding(RATE, 0.2, reports=True)
    playout.begin(1)
    playout.sound(tone(0.3), "Shall I book it now?", ())
    play_until(playout, 0.1)

    [(text, ends_s)] = playout.around(0.1)
    assert text == "Shall I book it now?"
    assert ends_s == pytest.approx(1.16, abs=0.03)


def test_a_reply_is_confirmed_when_the_client_has_said_that_all_of_it_was_heard() -> None:
    playout = playing(reports=True)
    play_until(playout, 1.1)
    playout.played(0, 990, 1.1)
    before = playout.is_confirmed
    playout.played(0, 1000, 1.12)

    assert (before, playout.is_confirmed) == (False, True)


@pytest.mark.parametrize("clauses", [50, 400])
def test_what_nobody_has_heard_yet_is_not_gone_through_word_by_word(clauses: int) -> None:
    """It is asked with each report of the page, of all that a fast voice has made ahead."""
    playout = Sounding(RATE, 0.06, reports=True)
    playout.begin(1)
    for _ in range(clauses):
        playout.sound(tone(1.0), "one two three four five six seven eight", [])
    playout.end()
    sent(playout, 0.0)
    with counted(playout_module) as count:
        assert count(lambda: playout.heard(0.5)) <= 12 * clauses + 200
