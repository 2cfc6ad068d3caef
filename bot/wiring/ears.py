"""Chooses the ears."""

from bot.settings import Settings
from pipelines.services.protocols import SpeechToText
from pipelines.services.stt_moonshine import MoonshineSpeechToText


def ears_for(settings: Settings) -> SpeechToText:
    """Not open yet."""
    match settings.stt_engine:
        case "auto" | "moonshine":
            return MoonshineSpeechToText()


def ears_in_words(settings: Settings) -> str:
    match settings.stt_engine:
        case "auto" | "moonshine":
            return "Moonshine tiny English, with Silero VAD and Smart Turn, on this machine's CPU"
