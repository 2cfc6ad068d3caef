import pytest

from pipelines.core.events import Transcribed
from pipelines.core.turn.hypothesis import Hypothesis


def looks(*seen: tuple[str, float], final: bool = False) -> Hypothesis:
    hypothesis = Hypothesis()
    for text, upto_s in seen:
        hypothesis.learn(Transcribed(text, upto_s, final))
    return hypothesis


def test_words_seen_once_have_not_stood() -> None:
    assert looks(("I live in Paris.", 2.0)).stood_s(2.5) == 0.0


def test_words_stand_while_more_audio_adds_nothing() -> None:
    same = ("I live in Paris.", 2.0), ("I live in, Paris.", 2.2), ("I live in Paris.", 2.3)

    assert looks(*same).stood_s(2.5) == pytest.approx(0.3)


def test_words_that_are_all_known_stand_while_the_silence_grows() -> None:
    assert looks(("I live in Paris.", 2.0), final=True).stood_s(2.5) == pytest.approx(0.5)


@pytest.mark.parametrize("other", ["I live in Paris,", "I live in Paris", "I live in Paris now."])
def test_another_word_or_another_mark_is_new(other: str) -> None:
    seen = looks(("I live in Paris.", 2.0), (other, 2.2))

    assert seen.stood_s(2.2) == 0.0


def test_a_sentence_that_lost_its_full_stop_stands_anew() -> None:
    seen = looks(("I live.", 1.0), ("I live,", 1.2), ("I live.", 1.4), ("I live.", 1.5))

    assert seen.stood_s(1.5) == pytest.approx(0.1)


def test_new_speech_reopens_the_words_and_keeps_them() -> None:
    hypothesis = looks(("Hello.", 1.0), final=True)

    hypothesis.reopen()

    assert (hypothesis.text, hypothesis.upto_s, hypothesis.final) == ("Hello.", 1.0, False)


def test_what_is_forgotten_stands_no_longer() -> None:
    hypothesis = looks(("Hello.", 1.0), ("Hello.", 2.0))

    hypothesis.forget(2.5)

    assert (hypothesis.text, hypothesis.upto_s, hypothesis.stood_s(2.5)) == ("", 2.5, 0.0)


def test_at_first_there_are_no_words_and_silence_adds_none() -> None:
    hypothesis = Hypothesis()
    assert (hypothesis.text, hypothesis.upto_s, hypothesis.final) == ("", 0.0, False)

    hypothesis.learn(Transcribed("", 0.5, final=False))

    assert hypothesis.stood_s(0.5) == 0.5
