from pipelines.core.dictation import Dictation, DictationPolicy, Job


def dictation() -> Dictation:
    return Dictation(DictationPolicy())


def hear(ears: Dictation, media_s: float) -> Job:
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


def test_a_stretch_that_never_pauses_is_closed_at_its_longest_break() -> None:
    ears = dictation()
    ears.speech_started(1.0)
    ears.speech_paused(4.0)
    ears.result(hear(ears, 4.04), "so it went on", (1,), 0.01)
    ears.speech_started(4.06)
    for second in range(5, 11):
        ears.result(hear(ears, float(second)), "so it went on and on", (1, 2), 0.01)

    job = hear(ears, 11.0)

    assert 4.0 < job.start_s < 4.06
    assert ears.text == "so it went on"


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
