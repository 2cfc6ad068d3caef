"""faster-whisper with a tiny model that really hears espeak: batches, drafts, gates, languages."""

import asyncio
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipelines.services.protocols import EAR_RATE_HZ, Samples, ServiceError, TranscriptionJob
from pipelines.services.stt.stt_whisper import LONGEST_S, WhisperSpeechToText, is_speech, transcribe
from pipelines.services.stt.whisper import DecodedStretch, Whisper, best_compute_type
from tests.pipelines.services.contracts.ears import TINY_WHISPER, espeak

SAID = ["what are your opening hours", "tell me a story", "how are you", "what is your name"]


@pytest.fixture(scope="module")
def speech() -> dict[str, Samples]:
    return dict(zip(SAID, espeak(SAID), strict=True))


@pytest.fixture(scope="module")
def model() -> Whisper:
    return Whisper(TINY_WHISPER, device="cpu", compute_type="int8", threads=1)


class Counting(Whisper):
    """Notes how many stretches went through it in one go."""

    def __init__(self) -> None:
        super().__init__(TINY_WHISPER, device="cpu", compute_type="int8", threads=1)
        self.batches: list[int] = []

    def decode(
        self, audio: Sequence[Samples], drafts: Sequence[Sequence[int]]
    ) -> list[DecodedStretch]:
        self.batches.append(len(audio))
        return super().decode(audio, drafts)


def test_several_calls_go_through_the_model_together(
    speech: dict[str, Samples], model: Whisper
) -> None:
    jobs = [TranscriptionJob(audio) for audio in speech.values()]
    together = transcribe(model, jobs)
    alone = [transcribe(model, [job])[0] for job in jobs]
    assert [found.text for found in together] == SAID
    assert [found.tokens for found in together] == [found.tokens for found in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=0.02)


def test_a_draft_is_kept_as_far_as_it_is_right(speech: dict[str, Samples], model: Whisper) -> None:
    audio = speech[SAID[0]]
    (whole,) = model.decode([audio], [()])
    (same,) = model.decode([audio], [whole.tokens])
    assert (same.text, same.kept) == (SAID[0], len(whole.tokens))
    assert same.confidence == pytest.approx(whole.confidence, abs=0.02)

    (other,) = model.decode([speech[SAID[3]]], [()])
    wrong = (*whole.tokens[:2], *other.tokens)
    (mended,) = model.decode([audio], [wrong])
    assert (mended.text, mended.kept) == (SAID[0], 2)


def test_drafts_of_some_of_a_batch_harm_none_of_the_others(
    speech: dict[str, Samples], model: Whisper
) -> None:
    audio = list(speech.values())
    tokens = [heard.tokens for heard in model.decode(audio, [()] * 4)]
    heard = model.decode(audio, [tokens[0][:4], (), tokens[0], tokens[3]])
    assert [each.text for each in heard] == SAID
    assert [each.kept for each in heard] == [4, 0, 0, len(tokens[3])]


def test_what_has_been_said_so_far_grows_and_stays(
    speech: dict[str, Samples], model: Whisper
) -> None:
    """As a call asks: more audio each time, with the last hypothesis as the draft."""
    audio, texts, kept = speech[SAID[0]], [], 0
    draft: tuple[int, ...] = ()
    for end in range(EAR_RATE_HZ // 2, len(audio) + EAR_RATE_HZ // 4, EAR_RATE_HZ // 4):
        (heard,) = model.decode([audio[:end]], [draft])
        draft, kept = heard.tokens, kept + heard.kept
        texts.append(heard.text)
    assert texts[-1] == SAID[0]
    assert texts[-2] == SAID[0]
    assert kept >= 5


def test_finals_are_batched_with_finals_and_partials_with_partials(
    speech: dict[str, Samples],
) -> None:
    audio = speech[SAID[2]]

    async def scenario() -> list[int]:
        ears = WhisperSpeechToText(folder=TINY_WHISPER, device="cpu", batch=4)
        await ears.open()
        ears._model = counting = Counting()
        jobs = [TranscriptionJob(audio, final=n % 2 == 1) for n in range(9)]
        heard = await asyncio.gather(*map(ears.transcribe, jobs))
        await ears.close()
        assert {each.text for each in heard} == {SAID[2]}
        return counting.batches

    batches = asyncio.run(scenario())
    assert sum(batches) == 9
    assert max(batches) == 4
    assert len(batches) <= 5  # the first may have gone alone; 4 finals and 4 partials came later


@pytest.mark.parametrize(
    ("heard", "speech"),
    [
        (DecodedStretch((1,), "hello", -0.3, 0.1), True),
        (DecodedStretch((1,), "hello", -0.3, 0.9), True),
        (DecodedStretch((1,), "thanks for watching", -0.7, 0.9), False),
        (DecodedStretch((1,), "thanks for watching", -0.7, 0.2), True),
        (DecodedStretch((1,), "perhaps", -1.2, 0.1), False),
        (DecodedStretch((1,), "", -0.1, 0.1), False),
        (DecodedStretch((1,), "and so on " * 12, -0.1, 0.1, ended=False), False),
        (DecodedStretch((1,), "nine " * 20, -0.1, 0.1), True),
        (DecodedStretch((1,), "no, " * 20, -0.1, 0.1), True),
        (DecodedStretch((1,), "what are your opening hours", -0.1, 0.1, ended=False), True),
        (DecodedStretch((1,), "no no no", -0.1, 0.1), True),
    ],
)
def test_what_is_no_speech_is_told_by_three_marks(heard: DecodedStretch, speech: bool) -> None:
    assert is_speech(heard) is speech


@pytest.mark.parametrize("level", [0.001, 0.02, 0.1])
def test_noise_gives_no_words(model: Whisper, level: float) -> None:
    noise = np.random.default_rng(1).standard_normal(2 * EAR_RATE_HZ) * level
    (found,) = transcribe(model, [TranscriptionJob(noise.astype(np.float32))])
    assert found.text == ""


def test_audio_longer_than_a_window_is_split_and_joined(
    speech: dict[str, Samples], model: Whisper
) -> None:
    pause = np.zeros(EAR_RATE_HZ // 2, np.float32)
    long = np.concatenate([part for audio in speech.values() for part in (audio, pause)])
    assert len(long) < LONGEST_S * EAR_RATE_HZ
    (found,) = transcribe(model, [TranscriptionJob(long)], 2.6)
    assert found.text == " ".join(SAID)
    (again,) = transcribe(model, [TranscriptionJob(long, draft=found.tokens)], 2.6)
    assert again.tokens == found.tokens


def test_an_english_model_is_not_asked_which_language_it_hears(model: Whisper) -> None:
    assert not model.is_multilingual
    assert model.compute_type.startswith("int8")


def test_a_compute_type_is_chosen_that_this_machine_has() -> None:
    assert best_compute_type("cpu") == "int8"


def refused(**changes: object) -> ServiceError:
    async def scenario() -> ServiceError:
        given = {"folder": TINY_WHISPER, "device": "cpu", **changes}
        ears = WhisperSpeechToText(**given)  # type: ignore[arg-type]
        with pytest.raises(ServiceError) as error:
            await ears.open()
        await ears.close()
        return error.value

    return asyncio.run(scenario())


def test_what_cannot_be_loaded_is_said_in_a_line(tmp_path: Path) -> None:
    assert "holds no CTranslate2 model" in str(refused(folder=tmp_path))
    assert "cannot load" in str(refused(compute_type="float17"))
    torn = tmp_path / "torn"
    shutil.copytree(TINY_WHISPER, torn)
    (torn / "model.bin").write_bytes((torn / "model.bin").read_bytes()[:9999])
    assert "cannot load" in str(refused(folder=torn))


def test_what_it_runs_on_and_how_long_a_final_takes_is_known_once_it_is_open() -> None:
    async def scenario() -> str:
        ears = WhisperSpeechToText(folder=TINY_WHISPER, device="cpu")
        assert ears.says == "not open"
        await ears.open()
        await ears.close()
        return ears.says

    name, _, rest = asyncio.run(scenario()).partition(" as int8")
    assert name == "tiny-whisper-espeak"
    assert re.search(r" \d+ ms to a final(: too slow for human pace)?$", rest)
