"""TTS_ENGINE=auto: hibari in English, and espeak-ng where hibari cannot be loaded."""

import asyncio

import pytest

from bot.settings import Settings
from bot.wiring import voice
from bot.wiring.second_voice import SecondVoice, VoiceChoice
from bot.wiring.voice import choose_voice
from pipelines.services.minding import Minder
from pipelines.services.protocols import ServiceError
from pipelines.services.tts.tts_hibari import hibari_voice
from pipelines.services.tts.tts_process import ProcessTextToSpeech
from pipelines.services.tts.tts_stub import StubTextToSpeech

pytestmark = pytest.mark.usefixtures("empty_folder")


def auto(**given: object) -> VoiceChoice:
    return choose_voice(Settings.model_validate({"tts_engine": "auto", **given}))


class Broken(StubTextToSpeech):
    """It does not open."""

    closed = False

    async def open(self) -> None:
        raise ServiceError("tts", "hibari did not start", retryable=False)

    async def close(self) -> None:
        self.closed = True


class Counting(Minder):
    runs = 0
    trouble = None

    async def run(self) -> None:
        self.runs += 1


@pytest.mark.parametrize("given", [{}, {"tts_language": "en-gb"}, {"tts_voice": "heart"}])
def test_in_english_hibari_speaks(given: dict[str, object]) -> None:
    choice = auto(**given)
    assert choice.model == "hibari heart"
    assert not choice.is_makeshift
    assert choice.minder is not None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"tts_language": "de"}, "hibari does not speak de"),
        ({"tts_language": "fr-be"}, "hibari does not speak fr-be"),
        ({"tts_language": "enm"}, "hibari does not speak enm"),
        ({"tts_voice": "en-gb"}, "hibari has no voice en-gb"),
    ],
)
def test_what_hibari_does_not_speak_espeak_does_and_says_why(
    given: dict[str, object], why: str
) -> None:
    choice = auto(**given)
    assert choice.model == "espeak"
    assert choice.in_words == f"espeak-ng, a robot's ({why})"
    assert not choice.is_makeshift


def test_without_the_package_espeak_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*parts: str) -> None:
        raise FileNotFoundError(parts)

    monkeypatch.setattr("pipelines.services.tts.tts_hibari.packaged_file", missing)
    choice = auto(tts_voice="heart")
    assert choice.in_words == "espeak-ng, a robot's (hibari is not installed)"
    assert choice.is_makeshift


def test_a_model_that_is_another_is_not_spoken_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*, speed: float) -> ProcessTextToSpeech:
        return hibari_voice(speed=speed, sha256="0" * 64)

    monkeypatch.setattr(voice, "hibari_voice", other)
    choice = auto()
    assert choice.model == "espeak"
    assert "hibari's model is not the one that was tested (sha256 5f70741d)" in choice.in_words
    assert choice.is_makeshift


def test_a_voice_that_does_not_open_gives_way_to_the_second() -> None:
    broken, minder = Broken(), Counting()
    whys: list[str] = []

    def second(why: str) -> VoiceChoice:
        whys.append(why)
        words = f"the second ({why})"
        return VoiceChoice(StubTextToSpeech(), "second", words, minder, is_makeshift=True)

    async def scenario() -> int:
        choice = SecondVoice(VoiceChoice(broken, "first", "the first"), second).choice
        assert (choice.model, choice.in_words) == ("first", "the first")
        await choice.service.open()
        assert (choice.model, choice.in_words) == ("second", "the second (hibari did not start)")
        assert choice.is_makeshift
        assert choice.minder is not None
        await choice.minder.run()
        samples = [len(chunk.pcm) async for chunk in choice.service.synthesise("Good morning.")]
        await choice.service.close()
        await choice.service.open()  # again, it does not try the first
        await choice.service.close()
        return sum(samples)

    assert asyncio.run(scenario()) > 0
    assert broken.closed
    assert minder.runs == 1
    assert whys == ["hibari did not start"]


def test_where_neither_opens_the_start_fails() -> None:
    both = SecondVoice(
        VoiceChoice(Broken(), "first", "the first"),
        lambda why: VoiceChoice(Broken(), "second", "the second", is_makeshift=True),
    )

    async def scenario() -> None:
        for _ in range(2):
            with pytest.raises(ServiceError):
                await both.open()
        await both.close()

    asyncio.run(scenario())
