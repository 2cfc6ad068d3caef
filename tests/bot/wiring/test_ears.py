"""Which ears are chosen, why, and what is said where they cannot be."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.engines.models.catalogue import find
from bot.engines.models.store import File, Manifest, Store, sha256
from bot.settings import Settings, SettingsError
from bot.wiring.ears import Choice, Machine, choose_ears, completes_for
from pipelines.core.turn.endpointing import nothing_known
from pipelines.services.stt.stt_openai import OpenAiSpeechToText
from pipelines.services.stt.stt_pipecat import PipecatSpeechToText
from tests.pipelines.services.contracts.ears import TINY_WHISPER


@pytest.fixture(autouse=True)
def importable(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(empty_folder))


def machine(cuda: int) -> Machine:
    return Machine(
        has_nvidia=lambda: cuda > 0, cuda_devices=lambda: cuda, in_hub_cache=lambda _: None
    )


def chosen(*, cuda: int = 0, **given: object) -> Choice:
    """On a machine with so many devices."""
    return choose_ears(
        Settings.model_validate({"models_dir": "models", **given}), machine(cuda=cuda)
    )


def install(name: str) -> None:
    """The tiny model, under the name of another."""
    model, store = find(name), Store(Path("models"))
    folder = store.folder(model)
    shutil.copytree(TINY_WHISPER, folder)
    files = [File(file.name, file.stat().st_size, sha256(file), "") for file in folder.iterdir()]
    store.keep(model, Manifest(name, model.origin, "", tuple(files)))


def test_without_cuda_it_is_moonshine_and_says_so() -> None:
    choice = chosen()
    assert choice.model == "moonshine-tiny-en"
    assert "Moonshine tiny English on this machine's CPU (no CUDA is here)" in choice.in_words()


def test_with_cuda_and_no_model_it_says_what_to_run() -> None:
    choice = chosen(cuda=1)
    assert choice.model == "moonshine-tiny-en"
    assert "large-v3-turbo is not: ./run models download large-v3-turbo" in choice.in_words()


def test_a_driver_without_a_device_that_ctranslate2_can_use_is_no_cuda() -> None:
    install("large-v3-turbo")
    settings = Settings.model_validate({"models_dir": "models"})
    found = Machine(lambda: True, cuda_devices=lambda: 0, in_hub_cache=lambda _: None)
    assert "(CTranslate2 finds no CUDA)" in choose_ears(settings, found).in_words()


def test_a_model_in_hugging_faces_own_cache_is_taken() -> None:
    settings = Settings.model_validate({"models_dir": "models"})
    found = Machine(lambda: True, cuda_devices=lambda: 1, in_hub_cache=lambda _: TINY_WHISPER)
    assert choose_ears(settings, found).model == "faster-whisper large-v3-turbo"


def test_with_cuda_and_its_model_it_is_faster_whisper() -> None:
    install("large-v3-turbo")
    choice = chosen(cuda=1)
    assert choice.model == "faster-whisper large-v3-turbo"
    assert "(CUDA and its model are here)" in choice.in_words()


def test_a_cpu_is_taken_on_a_machine_with_cuda_where_it_is_wanted() -> None:
    install("large-v3-turbo")
    assert chosen(cuda=1, stt_device="cpu").model == "moonshine-tiny-en"


def test_faster_whisper_by_name_says_how_long_a_final_takes_here() -> None:
    install("distil-small.en")
    choice = chosen(stt_engine="faster-whisper")

    async def opened() -> str:
        await choice.service.open()
        await choice.service.close()
        return choice.in_words()

    assert choice.model == "faster-whisper distil-small.en"
    assert "on cpu" in asyncio.run(opened())


def test_the_words_of_open_ears_hold_what_was_measured() -> None:
    choice = chosen(stt_engine="faster-whisper", stt_model=str(TINY_WHISPER))

    async def opened() -> str:
        await choice.service.open()
        words = choice.in_words()
        await choice.service.close()
        return words

    words = asyncio.run(opened())
    assert "tiny-whisper-espeak as int8" in words
    assert " ms to a final" in words
    assert "(as STT_ENGINE says)" in words


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"stt_engine": "faster-whisper"},
            "STT_MODEL: distil-small.en is not here: ./run models download distil-small.en",
        ),
        (
            {"stt_engine": "faster-whisper", "stt_model": "someone/some-model"},
            "STT_MODEL: someone/some-model is not here: ./run models download someone/some-model",
        ),
        (
            {"stt_engine": "faster-whisper", "stt_model": "large-v3-turb"},
            "STT_MODEL: there is no model large-v3-turb: did you mean large-v3-turbo?",
        ),
        (
            {"stt_engine": "moonshine", "stt_model": "moonshine-small-streaming-en"},
            "STT_MODEL: moonshine-small-streaming-en is no Moonshine that is here: "
            "./run models download moonshine-small-streaming-en",
        ),
        (
            {"stt_engine": "pipecat", "stt_model": "no_such_module:new"},
            "STT_MODEL cannot be imported: No module named 'no_such_module'",
        ),
        ({"stt_engine": "pipecat", "stt_model": "bot:__doc__"}, "is no function"),
    ],
)
def test_what_is_not_here_is_one_line_that_says_what_to_do(
    given: dict[str, Any], line: str
) -> None:
    with pytest.raises(SettingsError) as error:
        chosen(**given)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_an_engine_that_lacks_a_setting_is_no_setting() -> None:
    with pytest.raises(ValueError, match="needs STT_BASE_URL and STT_MODEL"):
        chosen(stt_engine="openai", stt_model="whisper-1")
    with pytest.raises(ValueError, match="needs STT_MODEL=module"):
        chosen(stt_engine="pipecat")


def test_a_server_is_asked_as_it_is_set() -> None:
    choice = chosen(
        stt_engine="openai",
        stt_base_url="http://gpu:8000/v1",
        stt_model="whisper-1",
        stt_api_key="sk-1",
        stt_language="auto",
    )
    service = choice.service
    assert isinstance(service, OpenAiSpeechToText)
    assert (service.base_url, service.model) == ("http://gpu:8000/v1", "whisper-1")
    assert (service.api_key, service.language) == ("sk-1", None)
    assert choice.in_words().startswith("whisper-1 at http://gpu:8000/v1, with Silero")


def test_a_pipecat_service_is_made_by_a_function_of_ones_own(empty_folder: Path) -> None:
    (empty_folder / "my_ears.py").write_text("def new_service():\n    return None\n")
    choice = chosen(stt_engine="pipecat", stt_model="my_ears:new_service")
    assert isinstance(choice.service, PipecatSpeechToText)
    assert choice.in_words().startswith("the Pipecat service of my_ears:new_service")


def test_words_of_english_and_of_who_knows_what_are_judged_and_no_others() -> None:
    for language in ("en", "auto"):
        completes = completes_for(Settings.model_validate({"stt_language": language}))
        assert (completes("Set an alarm for half past") or 1.0) < 0.05
    assert completes_for(Settings.model_validate({"stt_language": "de"})) is nothing_known
