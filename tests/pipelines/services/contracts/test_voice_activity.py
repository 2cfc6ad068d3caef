from collections.abc import Callable

import numpy as np
import pytest

from pipelines.services.protocols import (
    EAR_RATE_HZ,
    VAD_CHUNK,
    Samples,
    ServiceError,
    VoiceActivity,
)
from pipelines.services.vad.vad_silero import SileroVad, load_silero
from tests.pipelines.services.scripted import ScriptedVad, ToneSpeech
from tests.pipelines.services.shipped_speech import shipped_speech

Kind = tuple[Callable[[], VoiceActivity], Samples]


def silero() -> Kind:
    model = load_silero()
    return lambda: SileroVad(model), shipped_speech()


def scripted_by_loudness() -> Kind:
    return ScriptedVad, ToneSpeech("one two three").spoken("one two three")


def scripted_by_the_clock() -> Kind:
    return lambda: ScriptedVad([(0.2, 0.9)]), np.zeros(16_000, np.float32)


@pytest.fixture(params=[silero, scripted_by_loudness, scripted_by_the_clock], scope="module")
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param()
    return made


def listen(vad: VoiceActivity, audio: Samples) -> list[float]:
    whole = audio[: len(audio) // VAD_CHUNK * VAD_CHUNK]
    return [vad.probability(chunk) for chunk in whole.reshape(-1, VAD_CHUNK)]


def test_speech_is_probable_and_silence_is_not(kind: Kind) -> None:
    new, speech = kind
    heard = listen(new(), speech)

    assert all(0 <= p <= 1 for p in heard)
    assert max(heard) > 0.8
    assert max(listen(new(), np.zeros(5 * VAD_CHUNK, np.float32))) < 0.2


def test_reset_begins_again(kind: Kind) -> None:
    new, speech = kind
    vad = new()
    once = listen(vad, speech)
    vad.reset()

    assert listen(vad, speech) == once


def test_two_calls_do_not_hear_each_other(kind: Kind) -> None:
    new, speech = kind
    first, second = new(), new()
    alone = listen(new(), speech)

    listen(first, speech[: 10 * VAD_CHUNK])

    assert listen(second, speech) == alone


def test_a_chunk_of_another_size_is_refused(kind: Kind) -> None:
    new, _ = kind
    for samples in (0, VAD_CHUNK // 2, VAD_CHUNK + 1):
        with pytest.raises(ServiceError):
            new().probability(np.zeros(samples, np.float32))


def test_after_a_minute_of_silence_it_is_silence_still_and_speech_is_speech(kind: Kind) -> None:
    new, speech = kind
    vad = new()
    silence = np.zeros(60 * EAR_RATE_HZ, np.float32)

    assert max(listen(vad, silence)[-100:]) < 0.2
    if speech.any():  # one goes by the clock
        assert max(listen(vad, speech)) > 0.8


def test_very_loud_and_broken_samples_leave_it_a_probability(kind: Kind) -> None:
    new, speech = kind
    vad = new()
    for scale in (0.0, 1e-6, 1.0, 10.0):
        assert all(0 <= p <= 1 for p in listen(vad, speech[: 20 * VAD_CHUNK] * scale))


def test_what_is_given_is_left_as_it_was(kind: Kind) -> None:
    new, speech = kind
    before = speech.copy()
    listen(new(), speech)

    assert np.array_equal(speech, before)
