"""Chooses the voice."""

from bot.settings import Settings
from pipelines.services.protocols import TextToSpeech
from pipelines.services.studio import Studio
from pipelines.services.tts_espeak import espeak_voice
from pipelines.services.tts_stub import StubTextToSpeech


def voice_in_words(settings: Settings) -> str:
    if settings.tts_engine == "stub":
        return "the stub, a tone (TTS_ENGINE=espeak speaks)"
    return "espeak-ng, a robot's"


def voice_for(settings: Settings) -> TextToSpeech:
    """Not open yet."""
    if settings.tts_engine == "stub":
        return Studio(StubTextToSpeech(first_audio_s=settings.tts_stub_first_audio_s))
    return Studio(espeak_voice(words_a_minute=settings.tts_rate_wpm))
