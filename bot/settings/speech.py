"""Which ears and which voice."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from bot.settings.group import EmptyIsUnset, Group
from pipelines.core.turn.endpointing import TurnPatience

TtsEngine = Literal["auto", "hibari", "espeak", "stub", "piper", "kokoro", "openai", "pipecat"]
SttEngine = Literal["auto", "moonshine", "faster-whisper", "openai", "pipecat"]


class SpeechSettings(Group):
    stt_engine: SttEngine = "auto"
    """Which ears. auto: faster-whisper where CUDA and its model are, else Moonshine."""

    stt_model: Annotated[str | None, EmptyIsUnset] = None
    """A name of `models list`, a folder, or OWNER/NAME on the hub; for pipecat module:function."""

    stt_device: Literal["auto", "cpu", "cuda"] = "auto"
    """The device of faster-whisper."""

    stt_language: str = Field("en", pattern=r"^(auto|[a-z]{2,3})$")
    """The language spoken; auto detects it in each utterance, where the model knows several."""

    stt_base_url: Annotated[str | None, EmptyIsUnset] = None
    """For STT_ENGINE=openai: a server with /audio/transcriptions, up to and including /v1."""

    stt_api_key: SecretStr = SecretStr("EMPTY")
    """The key of that server; one of your own takes any."""

    turn_patience: TurnPatience = "normal"
    """How long a person who pauses is waited for: quick answers soonest, patient cuts in least."""

    models_dir: Path = Path("~/.cache/halfsecond/models")
    """Where downloaded models lie."""

    models_hub: str = Field("https://huggingface.co", pattern=r"^https?://[^/]+")
    """Where models are downloaded from: the hub, or a mirror of it."""

    tts_engine: TtsEngine = "espeak"
    """Which voice. auto: hibari in English, else espeak, a robot's. stub: a tone, for tests."""

    tts_model: Annotated[str | None, EmptyIsUnset] = None
    """A name of `models list`, a path, or TTS_BASE_URL's own; for pipecat module:function."""

    tts_voice: Annotated[str | None, EmptyIsUnset] = None
    """Which of the engine's voices: en-gb (espeak), bf_emma (Kokoro), alloy (OpenAI's)."""

    tts_language: str = Field("en", pattern=r"^[a-z]{2,3}(-[a-zA-Z0-9-]+)?$")
    """The voice's language; numbers, money, dates and units are said in it where it is known."""

    tts_base_url: Annotated[str | None, EmptyIsUnset] = None
    """For TTS_ENGINE=openai: a server with /audio/speech, up to and including /v1."""

    tts_api_key: SecretStr = SecretStr("EMPTY")
    """Its key; one of your own takes any."""

    tts_cache_mb: int = Field(8, ge=0, le=1024)
    """Megabytes of short phrases kept for when they are said again; 0 speaks each one anew."""

    tts_stub_first_audio_s: float = Field(0.0, ge=0, le=10)
    """How long the stub voice takes to its first audio, in seconds."""

    tts_rate_wpm: int = Field(165, ge=80, le=450)
    """How fast the voice speaks, in words a minute."""

    @model_validator(mode="after")
    def _engines_have_what_they_need(self) -> Self:
        if self.stt_engine == "openai" and not (self.stt_base_url and self.stt_model):
            raise ValueError("STT_ENGINE=openai needs STT_BASE_URL and STT_MODEL")
        if self.stt_engine == "pipecat" and ":" not in (self.stt_model or ""):
            raise ValueError("STT_ENGINE=pipecat needs STT_MODEL=module:function")
        if self.tts_engine == "openai" and not (self.tts_base_url and self.tts_model):
            raise ValueError("TTS_ENGINE=openai needs TTS_BASE_URL and TTS_MODEL")
        if self.tts_engine == "pipecat" and ":" not in (self.tts_model or ""):
            raise ValueError("TTS_ENGINE=pipecat needs TTS_MODEL=module:function")
        return self
