import numpy as np
import pytest
from pipecat.audio.vad.silero import SileroOnnxModel

from pipelines.services.onnx import OnnxModel, packaged_file
from pipelines.services.protocols import EAR_RATE_HZ, VAD_CHUNK, Samples, ServiceError
from pipelines.services.vad.vad_silero import RESET_AFTER_CHUNKS, SileroVad, load_silero
from tests.pipelines.services.shipped_speech import shipped_speech


@pytest.fixture(scope="module")
def model() -> OnnxModel:
    return load_silero()


@pytest.fixture(scope="module")
def speech() -> Samples:
    return shipped_speech()


def listen(vad: SileroVad, audio: Samples) -> list[float]:
    return [vad.probability(chunk) for chunk in chunks(audio)]


def chunks(audio: Samples) -> list[Samples]:
    return [
        audio[start : start + VAD_CHUNK]
        for start in range(0, len(audio) - VAD_CHUNK + 1, VAD_CHUNK)
    ]


def test_it_hears_speech_and_pauses(model: OnnxModel, speech: Samples) -> None:
    heard = listen(SileroVad(model), speech)

    assert max(heard) > 0.95
    assert min(heard) < 0.05
    assert 0.3 < np.mean([p > 0.5 for p in heard]) < 0.9


def test_it_gives_what_pipecats_wrapper_gives(model: OnnxModel, speech: Samples) -> None:
    start = next(i for i, p in enumerate(listen(SileroVad(model), speech)) if p > 0.5)
    before_any_reset = speech[start * VAD_CHUNK :][: (RESET_AFTER_CHUNKS - 1) * VAD_CHUNK]
    path = str(packaged_file("pipecat", "audio", "vad", "data", "silero_vad.onnx"))
    theirs = SileroOnnxModel(path)  # type: ignore[no-untyped-call]

    ours = listen(SileroVad(model), before_any_reset)

    assert ours == [float(theirs(c, EAR_RATE_HZ)[0, 0]) for c in chunks(before_any_reset)]


def test_calls_that_take_turns_on_one_model_do_not_hear_each_other(
    model: OnnxModel, speech: Samples
) -> None:
    first, second = SileroVad(model), SileroVad(model)
    backwards = speech[::-1].copy()

    together = [
        (first.probability(a), second.probability(b))
        for a, b in zip(chunks(speech), chunks(backwards), strict=True)
    ]

    assert [p for p, _ in together] == listen(SileroVad(model), speech)
    assert [p for _, p in together] == listen(SileroVad(model), backwards)


def test_reset_forgets_what_was_heard(model: OnnxModel, speech: Samples) -> None:
    vad = SileroVad(model)
    once = listen(vad, speech)
    vad.reset()

    assert listen(vad, speech) == once


def test_long_silence_does_not_wear_the_model_out(model: OnnxModel, speech: Samples) -> None:
    vad = SileroVad(model)
    silence = np.zeros(60 * EAR_RATE_HZ // VAD_CHUNK * VAD_CHUNK, np.float32)
    assert max(listen(vad, silence)) < 0.1

    after_silence = np.array(listen(vad, speech)) > 0.5

    fresh = np.array(listen(SileroVad(model), speech)) > 0.5
    assert np.mean(after_silence == fresh) > 0.97


@pytest.mark.parametrize("length", [0, 160, VAD_CHUNK - 1, VAD_CHUNK + 1])
def test_a_chunk_of_another_size_is_refused(model: OnnxModel, length: int) -> None:
    with pytest.raises(ServiceError):
        SileroVad(model).probability(np.zeros(length, np.float32))
