"""Which voice is chosen for which settings, and what is told where it is not here."""

import asyncio
from pathlib import Path

import pytest

from bot.engines.models.catalogue import find
from bot.engines.models.store import File, Manifest, Store
from bot.settings import Settings, SettingsError
from bot.wiring.voice import choose_voice
from pipelines.services.protocols import TextToSpeech
from pipelines.services.tts.tts_stub import StubTextToSpeech

MODELS = Path(__file__).parents[2] / "models"
PIPER = MODELS / "tiny-piper" / "en_US-tiny-low.onnx"
URL = "http://127.0.0.1:9/v1"


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


def my_voice() -> TextToSpeech:
    return StubTextToSpeech()


@pytest.mark.parametrize(
    ("given", "model", "words"),
    [
        ({}, "espeak", "espeak-ng, a robot's"),
        ({"tts_engine": "stub"}, "stub", "a tone"),
        ({"tts_engine": "hibari"}, "hibari heart", "hibari's heart, on this machine's CPU"),
        ({"tts_engine": "piper", "tts_model": str(PIPER)}, "piper en_US-tiny-low", "Piper's en_US"),
        ({"tts_engine": "kokoro", "tts_model": str(MODELS / "tiny-kokoro"), "tts_voice": "bf_emma"},
         "kokoro bf_emma", "Kokoro's bf_emma"),
        ({"tts_engine": "openai", "tts_base_url": URL, "tts_model": "kokoro"},
         "kokoro alloy", f"alloy of kokoro at {URL}"),
        ({"tts_engine": "pipecat", "tts_model": f"{__name__}:my_voice"},
         f"{__name__}:my_voice", "Pipecat"),
    ],
)  # fmt: skip
def test_each_engine_is_chosen_by_name(given: dict[str, object], model: str, words: str) -> None:
    choice = choose_voice(settings(**given))
    assert choice.model == model
    assert words in choice.in_words


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tts_engine": "piper"},
         "piper-en_US-lessac-medium is not here: ./run models download piper-en_US-lessac"),
        ({"tts_engine": "piper", "tts_model": "en_US-amy-medium"},
         "piper-en_US-amy-medium is not here"),
        ({"tts_engine": "piper", "tts_model": "en_US-emy-medium"}, "did you mean piper-en_US-amy"),
        ({"tts_engine": "piper", "tts_model": "x.onnx"}, "needs to be there, and x.onnx.json"),
        ({"tts_engine": "hibari", "tts_voice": "emma"}, "hibari's only voice here is heart"),
        ({"tts_engine": "kokoro"}, "./run models download kokoro-v1.0"),
        ({"tts_engine": "kokoro", "tts_model": str(MODELS)}, r"needs a .onnx and a voices\*.bin"),
        ({"tts_engine": "kokoro", "tts_model": "large-v3"}, "no voice of kokoro's"),
        ({"tts_engine": "pipecat", "tts_model": "nowhere:voice"}, "TTS_MODEL cannot be"),
    ],
)  # fmt: skip
def test_what_is_not_here_is_told_with_what_to_run(
    given: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=says):
        choose_voice(settings(models_dir=tmp_path, **given))


def test_a_downloaded_voice_is_found_by_its_name(tmp_path: Path) -> None:
    model, store = find("piper-en_US-amy-medium"), Store(tmp_path)
    files = []
    for path in model.source.files:
        target = store.folder(model) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        suffix = ".json" if path.endswith(".json") else ""
        data = PIPER.with_name(PIPER.name + suffix).read_bytes()
        target.write_bytes(data)
        files.append(File(path, len(data), "", "nothing"))
    store.keep(model, Manifest(model.name, model.origin, "", tuple(files)))
    choice = choose_voice(settings(tts_engine="piper", tts_model=model.name, models_dir=tmp_path))

    async def rate_hz() -> int:
        await choice.service.open()
        rate_hz = choice.service.rate_hz
        await choice.service.close()
        return rate_hz

    assert asyncio.run(rate_hz()) == 22_050


def test_every_voice_of_the_catalogue_lies_where_its_name_says() -> None:
    assert find("piper-en_GB-alan-medium").source.files[0] == (
        "en/en_GB/alan/medium/en_GB-alan-medium.onnx"
    )


@pytest.mark.parametrize(
    ("language", "said"), [("en", "two dollars"), ("de", "zwei US-Dollar"), ("xx", "$2")]
)
def test_figures_are_put_into_the_words_of_the_voice(language: str, said: str) -> None:
    choice = choose_voice(settings(tts_engine="stub", tts_language=language))
    assert choice.service._read("$2")[0].said == said  # type: ignore[attr-defined]
