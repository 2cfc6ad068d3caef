import numpy as np
import pytest

from pipelines.services.protocols import EAR_RATE_HZ, Samples, Transcription, TranscriptionJob
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.stt.stretches import is_silent, split_at_quiet
from pipelines.services.stt.stt_moonshine import LONGEST_S, is_no_speech, transcribe
from tests.pipelines.services.shipped_speech import shipped_speech


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def model() -> Moonshine:
    return Moonshine()


def noise(length_s: float, level: float, *, seed: int = 1) -> Samples:
    samples = np.random.default_rng(seed).standard_normal(int(length_s * EAR_RATE_HZ)) * level
    return samples.astype(np.float32)


def tone(length_s: float, hz: float, level: float) -> Samples:
    t = np.arange(int(length_s * EAR_RATE_HZ)) / EAR_RATE_HZ
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        np.zeros(EAR_RATE_HZ, np.float32),
        noise(0.05, 0.1),
        noise(0.4, 0.1),
        noise(2.0, 0.0005),
        noise(2.0, 0.01),
        noise(3.0, 0.2),
        noise(40.0, 0.02),
        tone(2.0, 50.0, 0.1) + noise(2.0, 0.001),
    ],
    ids=["nothing", "silence", "click", "burst", "hiss", "noise", "storm", "long noise", "hum"],
)
def test_what_is_no_speech_gives_no_words(model: Moonshine, sound: Samples) -> None:
    assert transcribe(model, TranscriptionJob(sound), never) == Transcription("")


def test_alternatives_come_with_final_jobs_alone(model: Moonshine) -> None:
    cut_off = shipped_speech()[: round(1.4 * EAR_RATE_HZ)]

    partial = transcribe(model, TranscriptionJob(cut_off), never)
    final = transcribe(model, TranscriptionJob(cut_off, final=True), never)

    assert partial.text == final.text
    assert partial.alternatives == ()
    assert final.alternatives
    assert final.text not in dict(final.alternatives)


def test_long_audio_is_cut_where_it_is_quietest() -> None:
    loud = noise(30.0, 0.1)
    for at_s in (7.0, 15.0, 24.0):
        loud[int(at_s * EAR_RATE_HZ) :][: EAR_RATE_HZ // 4] *= 0.01

    stretches = list(split_at_quiet(loud, LONGEST_S))

    assert np.array_equal(np.concatenate(stretches), loud)
    cuts_s = np.cumsum([len(s) for s in stretches])[:-1] / EAR_RATE_HZ
    assert cuts_s == pytest.approx([7.125, 15.125, 24.125], abs=0.05)


@pytest.mark.parametrize("length_s", [0.0, LONGEST_S, LONGEST_S + 0.01, 61.0])
def test_no_stretch_is_longer_than_the_model_does_well_with(length_s: float) -> None:
    audio = noise(length_s, 0.1)

    stretches = list(split_at_quiet(audio, LONGEST_S))

    assert sum(map(len, stretches)) == len(audio)
    assert all(len(s) <= LONGEST_S * EAR_RATE_HZ for s in stretches)


@pytest.mark.parametrize("text", ["", "You", "you.", "Thank you for watching!", "...", "-"])
def test_what_moonshine_says_to_noise_is_no_speech(text: str) -> None:
    assert is_no_speech(text)


@pytest.mark.parametrize("text", ["Thank you.", "You know.", "I.", "7.", "Yes"])
def test_what_people_say_is_speech(text: str) -> None:
    assert not is_no_speech(text)


def test_silence_is_by_its_loudest_moment() -> None:
    click = np.zeros(EAR_RATE_HZ, np.float32)
    click[8000:8320] = 0.01

    assert is_silent(np.zeros(100, np.float32))
    assert is_silent(noise(1.0, 0.0005))
    assert not is_silent(click)
