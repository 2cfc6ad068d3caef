import math

import pytest

from pipelines.core.hearing.dictation import Dictation, DictationJob, DictationPolicy


def dictation() -> Dictation:
    return Dictation(DictationPolicy())


def hear(ears: Dictation, media_s: float) -> DictationJob:
    job = ears.next_job(media_s)
    assert job is not None
    return job


def test_nothing_is_transcribed_before_somebody_speaks() -> None:
    assert dictation().next_job(5.0) is None


def test_a_partial_job_takes_in_the_start_of_the_first_word() -> None:
    ears = dictation()
    ears.speech_started(1.0)

    job = hear(ears, 1.2)

    assert (job.start_s, job.end_s, job.final) == (0.8, 1.2, False)


def test_one_job_is_under_way_at_most() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    hear(ears, 1.2)

    assert ears.next_job(1.6) is None


def test_a_final_job_takes_the_place_of_a_partial_one() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    partial = hear(ears, 1.2)
    ears.speech_paused(1.3)

    final = hear(ears, 1.34)

    assert final.final
    assert not ears.result(partial, "stale", (), 0.0)
    assert ears.result(final, "hello", (7,), 0.03)
    assert (ears.text, ears.complete) == ("hello", True)


def test_the_last_hypothesis_is_the_next_draft() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.result(hear(ears, 1.2), "hel", (3, 4), 0.01)
    ears.speech_paused(1.5)

    assert hear(ears, 1.54).draft == (3, 4)


def test_words_that_were_heard_are_not_unheard_because_the_whole_is_unclear() -> None:
    for heard, kept in (("and the epoch", "and the epoch"), ("Yeah.", "")):
        ears = dictation()
        ears.speech_started(1.0)
        ears.result(hear(ears, 1.2), heard, (3, 4), 0.01)
        ears.result(hear(ears, 1.4), "", (), 0.01)
        ears.speech_paused(1.5)

        ears.result(hear(ears, 1.54), "", (), 0.03)

        assert (ears.text, ears.complete) == (kept, True)


def test_alternatives_are_of_the_whole_turn() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(6.0)
    ears.result(hear(ears, 6.1), "A long first sentence.", (1, 2), 0.05)
    ears.speech_started(6.5)
    ears.speech_paused(7.5)

    ears.result(hear(ears, 7.6), "It is Europe.", (3,), 0.02, (("It is your", 0.26),))

    assert ears.text == "A long first sentence. It is Europe."
    assert ears.alternatives == (("A long first sentence. It is your", 0.26),)


def test_alternatives_are_of_the_newest_look() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(1.5)
    ears.result(hear(ears, 1.54), "them.", (1,), 0.02, (("the", 0.4),))
    assert ears.alternatives

    ears.speech_started(1.9)
    ears.result(hear(ears, 2.2), "the other", (2,), 0.02)
    assert ears.alternatives == ()


def test_what_is_dealt_with_has_no_alternatives() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(1.5)
    ears.result(hear(ears, 1.54), "them.", (1,), 0.02, (("the", 0.4),))

    ears.forget(1.5)

    assert (ears.text, ears.alternatives) == ("", ())


def test_silence_is_transcribed_once() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(1.5)
    ears.result(hear(ears, 1.54), "hello", (), 0.01)

    assert ears.next_job(3.0) is None


def test_speech_that_goes_on_is_heard_with_what_came_before() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(1.5)
    ears.result(hear(ears, 1.54), "my name is", (1,), 0.01)
    ears.speech_started(1.9)

    assert not ears.complete
    assert hear(ears, 2.2).start_s == 0.8


def test_a_long_stretch_is_settled_at_its_pause() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(6.0)
    ears.result(hear(ears, 6.1), "a long first sentence.", (1, 2), 0.05)
    ears.speech_started(6.5)
    ears.speech_paused(7.0)

    job = hear(ears, 7.1)
    ears.result(job, "And more.", (3,), 0.02)

    assert (job.start_s, job.draft) == (6.3, ())
    assert ears.text == "a long first sentence. And more."


def test_a_breath_does_not_close_a_long_stretch() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(6.0)
    ears.result(hear(ears, 6.04), "ill dis", (1, 2), 0.05)
    ears.speech_started(6.08)

    assert hear(ears, 6.3).start_s == 0.8


def test_partial_jobs_give_way_when_the_ears_are_slow() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.result(hear(ears, 1.2), "hel", (), took_s=0.5)

    assert ears.next_job(2.0) is None
    assert ears.next_job(3.3) is not None


def test_a_final_job_never_waits() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.result(hear(ears, 1.2), "hel", (), took_s=0.5)
    ears.speech_paused(1.3)

    assert hear(ears, 1.34).final


def test_the_last_words_are_asked_for_again_when_the_ears_fail() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(1.3)
    assert not ears.failed(hear(ears, 1.34))

    assert ears.result(hear(ears, 1.36), "hello", (), 0.01)
    assert (ears.text, ears.complete) == ("hello", True)


def test_when_the_ears_go_on_failing_what_was_heard_before_has_to_do() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.result(hear(ears, 1.2), "hello", (), 0.01)
    ears.speech_paused(1.3)

    assert [ears.failed(hear(ears, at)) for at in (1.34, 1.36, 1.38)] == [False, False, True]
    assert (ears.text, ears.complete) == ("hello", True)
    assert ears.next_job(1.4) is None


def test_somebody_who_goes_on_gives_the_ears_all_their_tries_again() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(2.0)
    assert not ears.failed(hear(ears, 2.1))
    assert not ears.failed(hear(ears, 2.1))
    ears.speech_started(2.2)
    ears.speech_paused(3.0)

    assert not ears.failed(hear(ears, 3.1))
    ears.result(hear(ears, 3.1), "all of it", (), 0.1)
    assert (ears.text, ears.complete) == ("all of it", True)


def test_ears_that_are_slow_have_longer_than_ears_that_hang() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.result(hear(ears, 3.0), "hello and", (), 0.1)
    ears.speech_paused(6.0)
    assert ears.patience_s == 2.5

    ears.speech_started(6.2)
    ears.result(hear(ears, 9.0), "hello and so on", (), 1.5)
    ears.speech_paused(10.0)
    assert ears.patience_s == 4.5

    ears.speech_started(10.2)
    ears.result(hear(ears, 11.0), "hello and so on", (), 60.0)
    ears.speech_paused(12.0)
    assert ears.patience_s == 8.0


def test_what_is_dealt_with_is_forgotten() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(1.5)
    ears.result(hear(ears, 1.54), "hello", (), 0.01)

    ears.forget(1.5)

    assert ears.text == ""
    assert ears.next_job(9.0) is None


def test_of_speech_that_goes_on_the_rest_is_kept() -> None:
    """An onset is told some 40 ms late: what is dealt with by then may lie behind it."""
    ears = dictation()
    ears.speech_started(1.0)

    ears.forget(1.1)
    ears.speech_paused(1.5)

    assert hear(ears, 1.54).start_s == 1.1


def test_speech_that_has_begun_meanwhile_is_kept() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(1.5)
    ears.result(hear(ears, 1.54), "hello", (), 0.01)
    ears.speech_started(2.0)

    ears.forget(1.9)

    assert hear(ears, 2.3).start_s == 1.9


def test_a_breath_is_where_a_long_stretch_is_closed() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    for window in range(80, 1000):
        ears.level(-60.0 if 600 <= window < 610 else -20.0, window / 100)

    job = hear(ears, 10.0)

    assert job.boundary_s == pytest.approx(6.05, abs=0.04)
    assert (job.start_s, job.final) == (0.8, False)
    assert job.end_s == pytest.approx(6.85, abs=0.04)


def test_words_on_either_side_of_a_boundary_are_said_once() -> None:
    ears = talking_since(1.0)
    ears.result(hear(ears, 10.0), "so it went on and on until the", (1,), 0.01)

    rest = hear(ears, 10.1)
    ears.result(rest, "on until the morning came", (2,), 0.01)

    assert (rest.start_s, rest.end_s) == pytest.approx((8.2, 10.1))
    assert ears.text == "so it went on and on until the morning came"


def talking_since(onset_s: float) -> Dictation:
    ears = dictation()
    ears.speech_started(onset_s)
    return ears


def numbered(job: DictationJob) -> str:
    """Perfect ears: four words a second, each with its own name, whole ones alone."""
    first, last = math.ceil(job.start_s * 4), math.floor(job.end_s * 4)
    return " ".join(f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(first, last))


@pytest.mark.parametrize(("length_s", "took_s"), [(11, 0.1), (24, 0.1), (34, 2.0), (140, 0.3)])
def test_of_speech_without_a_pause_every_word_is_heard(length_s: int, took_s: float) -> None:
    """Whatever the ears take: 2 s for a stretch is far too slow for human pace."""
    ears, jobs = talking_since(1.0), []
    now, free_s = 1.0, 0.0
    job = None
    while not ears.complete:
        now += 0.02
        if now >= 1.0 + length_s and now - 0.02 < 1.0 + length_s:
            ears.speech_paused(1.0 + length_s)
        asked = ears.next_job(now)
        if asked is not None:
            jobs.append(asked)
            job, free_s = asked, now + took_s
        if job is not None and now >= free_s:
            ears.result(job, numbered(job), (1,), took_s)
            job = None

    assert ears.text == numbered(DictationJob(0.8, 1.1 + length_s, True, ()))
    assert max(job.end_s - job.start_s for job in jobs) <= 12.0
    assert now < 1.2 + length_s + 3 * took_s


def test_speech_that_is_over_before_it_is_closed_is_asked_whole() -> None:
    ears = talking_since(1.0)
    closing = hear(ears, 10.0)
    ears.speech_paused(10.2)

    final = hear(ears, 10.3)
    assert closing.boundary_s is not None
    assert (final.start_s, final.final, final.boundary_s) == (0.8, True, None)
    assert final.end_s == pytest.approx(10.3)
    assert not ears.result(closing, "stale", (), 0.1)


def test_late_ears_close_what_is_long_before_they_hear_the_last_words() -> None:
    ears = talking_since(1.0)
    ears.speech_paused(21.0)

    first = hear(ears, 21.1)
    assert first.boundary_s is not None
    assert first.final
    assert ears.next_job(21.12) is None
    assert not ears.result(first, numbered(first), (), 0.5)
    assert not ears.complete
    assert hear(ears, 21.6).start_s == first.boundary_s - 0.8


def test_a_boundary_that_the_ears_failed_at_is_asked_for_again() -> None:
    ears = talking_since(1.0)
    ears.result(hear(ears, 9.0), "so it went on", (1,), 0.01)

    for at in (10.0, 10.02, 10.04):
        assert not ears.failed(hear(ears, at))

    assert hear(ears, 10.3).start_s > 0.8
    assert ears.text == "so it went on"


def test_sound_that_is_gone_is_lost_once_and_the_words_before_it_stay() -> None:
    ears = talking_since(1.0)
    ears.result(hear(ears, 3.0), "so it went on", (1,), 0.01)

    job = ears.next_job(50.0, oldest_s=10.0)

    assert job is not None
    assert job.start_s == 10.0
    assert job.lost_s == pytest.approx(9.2)
    ears.result(job, "and on", (), 0.1)
    assert ears.text == "so it went on and on"
    assert hear(ears, 50.2).lost_s == 0.0
