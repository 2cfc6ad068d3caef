"""Which ears and which voice."""

from typing import Literal

from pydantic import Field

from bot.settings.group import Group


class Speech(Group):
    stt_engine: Literal["auto", "moonshine"] = "auto"
    """Which ears. auto takes the best that this machine can run: Moonshine tiny English."""

    tts_engine: Literal["espeak", "stub"] = "espeak"
    """Which voice. stub is a tone whose length follows the text: for tests and latency work."""

    tts_stub_first_audio_s: float = Field(0.0, ge=0, le=10)
    """How long the stub voice takes to its first audio, in seconds."""

    tts_rate_wpm: int = Field(165, ge=80, le=450)
    """How fast the voice speaks, in words a minute."""
