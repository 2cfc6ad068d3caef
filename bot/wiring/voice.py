"""Chooses the voice, and says which. An engine is imported when it is chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bot.engines.models.catalogue import UnknownModelError, find
from bot.engines.models.store import Store
from bot.settings import Settings, SettingsError
from bot.terminal.program import program
from bot.wiring.imported import function_at
from pipelines.addresses import printable
from pipelines.core.speaking.speakable import reader
from pipelines.services.minding import Minder
from pipelines.services.protocols import TextToSpeech
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_espeak import espeak_voice
from pipelines.services.tts.tts_stub import StubTextToSpeech

PIPER, KOKORO = "piper-en_US-lessac-medium", "kokoro-v1.0"
"""The default where no model is named."""
NATURAL_WPM = 165
"""Words a minute of a voice that cannot be told them, roughly."""


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    service: TextToSpeech
    """Not open yet."""
    model: str
    """For the ledger."""
    in_words: str
    """For the operator."""
    minder: Minder | None = None
    """For a voice that is a process."""


def choose_voice(settings: Settings) -> VoiceChoice:
    """Raises SettingsError, with what to run, where what is named is not here."""
    bare = _ENGINES[settings.tts_engine](settings)
    read = reader(settings.tts_language)
    postprocessor = AudioPostprocessor(
        bare.service, read=read, cached_bytes=settings.tts_cache_mb * 2**20
    )
    return VoiceChoice(postprocessor, bare.model, bare.in_words, bare.minder)


def voice_for(settings: Settings) -> TextToSpeech:
    """Not open yet. Raises SettingsError."""
    return choose_voice(settings).service


def _espeak(settings: Settings) -> VoiceChoice:
    language = "en-us" if settings.tts_language == "en" else settings.tts_language
    voice = settings.tts_voice or language
    service = espeak_voice(voice=voice, words_a_minute=settings.tts_rate_wpm)
    return VoiceChoice(service, "espeak", "espeak-ng, a robot's", service.minder)


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
