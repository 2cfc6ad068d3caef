"""Moonshine's own library, with the model of its wheel: what people repeat."""

import asyncio
import re
from collections.abc import Sequence

import pytest

from bench.stt_corpus import recordings
from pipelines.core.turn.wording import words
from pipelines.services.onnx import packaged_file
from pipelines.services.protocols import Samples, TranscriptionJob
from pipelines.services.stt.stt_moonshine_library import MoonshineLibrarySpeechToText
from tests.pipelines.services.contracts.ears import espeak

REPEATED = {
    "no " * 12 + "please": "(no ){10,13}please ",
    "stop " * 7 + "please": "(stop ){6,8}please ",
    "one two " * 6: "(one two ){5,6}",
}


def listen(sounds: Sequence[Samples]) -> list[str]:
    folder = packaged_file("moonshine_voice", "assets", "tiny-en", "tokenizer.bin").parent

    async def heard() -> list[str]:
        ears = MoonshineLibrarySpeechToText(folder=folder, size="tiny", workers=1)
        await ears.open()
        answers = [await ears.transcribe(TranscriptionJob(sound)) for sound in sounds]
        await ears.close()
        return [answer.text for answer in answers]

    return asyncio.run(heard())


@pytest.fixture(scope="module")
def heard() -> dict[str, str]:
    return dict(zip(REPEATED, listen(espeak(list(REPEATED))), strict=True))


@pytest.mark.parametrize("said", REPEATED)
def test_what_people_repeat_is_written_to_its_end(heard: dict[str, str], said: str) -> None:
    assert re.fullmatch(REPEATED[said], " ".join(words(heard[said])) + " ")


@pytest.mark.parametrize(
    ("name", "share", "said"),
    [
        ("phone_number_to_call", 0.5, "please enter the number"),
        ("wide_first_in_line", 0.8, "will be answered by the next available"),
    ],
)
def test_speech_that_is_cut_off_is_not_made_longer(name: str, share: float, said: str) -> None:
    (speech,) = [one.speech for one in recordings() if one.name == name]

    (heard,) = listen([speech[: int(share * len(speech))]])

    assert " ".join(words(heard)).endswith(said)
