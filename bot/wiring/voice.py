"""Chooses the voice, and says which. An engine is imported when it is chosen."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from bot.engines.models.catalogue import UnknownModelError, find
from bot.engines.models.store import Store
from bot.settings import Settings, SettingsError
from bot.terminal.program import program
from bot.wiring.imported import function_at
from bot.wiring.second_voice import SecondVoice, VoiceChoice
from pipelines.addresses import printable
from pipelines.core.speaking.speakable import reader
from pipelines.services.protocols import ServiceError, TextToSpeech
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_espeak import espeak_voice
from pipelines.services.tts.tts_hibari import VOICE as HEART
from pipelines.services.tts.tts_hibari import hibari_voice
from pipelines.services.tts.tts_stub import StubTextToSpeech

PIPER, KOKORO = "piper-en_US-lessac-medium", "kokoro-v1.0"
"""The default where no model is named."""
NATURAL_WPM = 165
"""Words a minute of a voice that cannot be told them, roughly."""


def choose_voice(settings: Settings) -> VoiceChoice:
    """Raises SettingsError, with what to run, where what is named is not here."""
    if settings.tts_engine == "auto":
        return _best(settings)
    return _postprocessed(_ENGINES[settings.tts_engine](settings), settings)


def _postprocessed(bare: VoiceChoice, settings: Settings) -> VoiceChoice:
    postprocessor = AudioPostprocessor(
        bare.service,
        read=reader(settings.tts_language),
        cached_bytes=settings.tts_cache_mb * 2**20,
    )
    return replace(bare, service=postprocessor)


def _best(settings: Settings) -> VoiceChoice:
    if settings.tts_language.partition("-")[0] != "en":
        return _robot(settings, f"hibari does not speak {settings.tts_language}")
    if settings.tts_voice not in (None, HEART):
        return _robot(settings, f"hibari has no voice {settings.tts_voice}")
    any_voice = settings.model_copy(update={"tts_voice": None})
    try:
        first = _postprocessed(_hibari(settings), settings)
    except SettingsError as error:
        return _robot(any_voice, str(error), is_makeshift=True)
    return SecondVoice(first, lambda why: _robot(any_voice, why, is_makeshift=True)).choice


def _robot(settings: Settings, why: str, *, is_makeshift: bool = False) -> VoiceChoice:
    choice = _postprocessed(_espeak(settings), settings)
    return replace(choice, in_words=f"{choice.in_words} ({why})", is_makeshift=is_makeshift)


def voice_for(settings: Settings) -> TextToSpeech:
    """Not open yet. Raises SettingsError."""
    return choose_voice(settings).service


def _espeak(settings: Settings) -> VoiceChoice:
    language = "en-us" if settings.tts_language == "en" else settings.tts_language
    voice = settings.tts_voice or language
    service = espeak_voice(voice=voice, words_a_minute=settings.tts_rate_wpm)
    return VoiceChoice(service, "espeak", "espeak-ng, a robot's", service.minder)


def _hibari(settings: Settings) -> VoiceChoice:
    if settings.tts_voice not in (None, HEART):
        raise SettingsError(f"TTS_VOICE: hibari's only voice here is {HEART}")
    try:
        service = hibari_voice(speed=_speed(settings))
    except ServiceError as error:
        raise SettingsError(str(error).removeprefix("tts: ")) from None
    in_words = f"hibari's {HEART}, on this machine's CPU"
    return VoiceChoice(service, f"hibari {HEART}", in_words, service.minder)


def _stub(settings: Settings) -> VoiceChoice:
    service = StubTextToSpeech(first_audio_s=settings.tts_stub_first_audio_s)
    return VoiceChoice(service, "stub", "the stub, a tone (TTS_ENGINE=espeak speaks)")


def _piper(settings: Settings) -> VoiceChoice:
    from pipelines.services.tts.tts_piper import piper_voice

    _need("piper", "piper", "piper-tts")
    name = settings.tts_model or PIPER
    model = Path(name).expanduser()
    if model.suffix != ".onnx":
        name = name if name.startswith("piper-") else f"piper-{name}"
        folder, files = _downloaded(settings, name, "piper")
        model = folder / next(file for file in files if file.endswith(".onnx"))
    if not (model.is_file() and model.with_name(model.name + ".json").is_file()):
        raise SettingsError(
            f"TTS_MODEL: {model} needs to be there, and {model.name}.json beside it"
        )
    service = piper_voice(model=model, speed=_speed(settings))
    return VoiceChoice(
        service,
        f"piper {model.stem}",
        f"Piper's {model.stem}, on this machine's CPU",
        service.minder,
    )


def _kokoro(settings: Settings) -> VoiceChoice:
    from pipelines.services.tts.tts_kokoro import VOICE, kokoro_voice

    _need("kokoro", "kokoro_onnx", "kokoro-onnx")
    name = settings.tts_model or KOKORO
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder, _ = _downloaded(settings, name, "kokoro")
    models, voices = sorted(folder.glob("*.onnx")), sorted(folder.glob("voices*.bin"))
    if not (models and voices):
        raise SettingsError(f"TTS_MODEL: {folder} needs a .onnx and a voices*.bin in it")
    voice = settings.tts_voice or VOICE
    service = kokoro_voice(model=models[0], voices=voices[0], voice=voice, speed=_speed(settings))
    in_words = f"Kokoro's {voice}, on this machine's CPU"
    return VoiceChoice(service, f"kokoro {voice}", in_words, service.minder)


def _openai(settings: Settings) -> VoiceChoice:
    from pipelines.services.tts.tts_openai import OpenAiTextToSpeech

    url, model = settings.tts_base_url, settings.tts_model
    assert url is not None
    assert model is not None
    voice = settings.tts_voice or "alloy"
    service = OpenAiTextToSpeech(
        base_url=url,
        model=model,
        voice=voice,
        api_key=settings.tts_api_key.get_secret_value(),
        speed=_speed(settings),
    )
    return VoiceChoice(service, f"{model} {voice}", f"{voice} of {model} at {printable(url)}")


def _pipecat(settings: Settings) -> VoiceChoice:
    from pipelines.services.tts.tts_pipecat import PipecatTextToSpeech

    where = settings.tts_model
    assert where is not None
    service = PipecatTextToSpeech(new_service=function_at(where, "TTS_MODEL"))
    return VoiceChoice(service, where, f"the Pipecat service of {where}")


_ENGINES: dict[str, Callable[[Settings], VoiceChoice]] = {
    "hibari": _hibari,
    "espeak": _espeak,
    "stub": _stub,
    "piper": _piper,
    "kokoro": _kokoro,
    "openai": _openai,
    "pipecat": _pipecat,
}


def _speed(settings: Settings) -> float:
    return settings.tts_rate_wpm / NATURAL_WPM


def _need(engine: str, module: str, package: str) -> None:
    if find_spec(module) is None:
        raise SettingsError(
            f"TTS_ENGINE={engine} needs a package: .venv/bin/python -m pip install {package}"
        )


def _downloaded(settings: Settings, name: str, kind: str) -> tuple[Path, tuple[str, ...]]:
    """Its folder, and its files in it."""
    try:
        model = find(name)
    except UnknownModelError as error:
        raise SettingsError(f"TTS_MODEL: {error}") from None
    if model.kind != kind:
        raise SettingsError(f"TTS_MODEL: {name} is no voice of {kind}'s")
    folder = Store(settings.models_dir).installed(model)
    if folder is None:
        raise SettingsError(f"TTS_MODEL: {name} is not here: {program()} models download {name}")
    return folder, model.source.files
