"""Chooses whether calls are recorded, and says what stands in each recording about the server."""

import hashlib
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import SecretStr
from structlog.contextvars import get_contextvars

from bot import __version__
from bot.recordings.folder import Retention
from bot.recordings.recorder import FlightRecorder
from bot.settings import Settings
from pipelines.addresses import printable_in
from pipelines.cascade import CallFormat
from pipelines.core.ledger.ledger import Fact
from pipelines.core.recording import Level
from pipelines.services.onnx import packaged_file
from pipelines.services.tts.tts_hibari import MODEL

_ROOT = Path(__file__).parents[2]
_MODELS = {
    "silero_vad": ("pipecat", "audio", "vad", "data", "silero_vad.onnx"),
    "smart_turn": (
        "pipecat", "audio", "turn", "smart_turn", "data", "smart-turn-v3.2-cpu.onnx"
    ),
    "moonshine_encoder": ("moonshine_voice", "assets", "tiny-en", "encoder_model.ort"),
    "moonshine_decoder": ("moonshine_voice", "assets", "tiny-en", "decoder_model_merged.ort"),
    "hibari": MODEL,
}  # fmt: skip
"""Models that come in packages."""
_WORDS = frozenset({"llm_system_prompt"})
"""Settings that hold what is said."""


def recorder_for(
    settings: Settings, facts: Callable[[], Mapping[str, Fact]]
) -> FlightRecorder | None:
    if settings.record_calls == "off":
        return None
    level: Level = settings.record_calls
    return FlightRecorder(
        folder=settings.record_folder,
        level=level,
        retention=Retention(days=settings.record_days),
        describe=lambda: {
            "code": code_version(),
            "pipecat": version("pipecat-ai"),
            "facts": dict(facts()),
            "models": digests(),
            "settings": shown(settings, words=level == "full"),
        },
    )


def records_in_words(settings: Settings) -> str | None:
    """The operator's line; None where nothing is recorded."""
    match settings.record_calls:
        case "off":
            return None
        case "timing":
            return f"recorded in {settings.record_folder}: times, no words, no sound"
        case "full":
            return f"RECORDED in {settings.record_folder}, with sound and words: tell your callers"


def about_call(form: CallFormat) -> dict[str, object]:
    """Its name in the log and its door, as far as they are known, and what its client can do."""
    bound = get_contextvars()
    return {
        "call": bound.get("call", ""),
        "door": bound.get("door", ""),
        "lead_s": form.lead_s,
        "reports_playout": form.reports_playout,
    }


def shown(settings: Settings, *, words: bool) -> dict[str, object]:
    """Every setting, without its secrets; without what is said where `words` is False."""
    return {
        name: value if name in _WORDS else _masked(value)
        for name in type(settings).model_fields
        if (value := getattr(settings, name)) is not None and (words or name not in _WORDS)
    }


def _masked(value: object) -> object:
    match value:
        case SecretStr():
            return "***"
        case str() if "://" in value:  # a password or a key may stand in an address
            return printable_in(value)
        case bool() | int() | float() | str():
            return value
        case tuple():
            return [_masked(one) for one in value]
        case _:
            return str(value)


def digests() -> dict[str, str]:
    """SHA-256 of each model that comes in a package, as far as it is there."""
    found = {}
    for name, at in _MODELS.items():
        try:
            found[name] = hashlib.sha256(packaged_file(*at).read_bytes()).hexdigest()
        except OSError:
            continue
    return found


def code_version() -> str:
    """Ours, with the commit where this is a checkout."""
    try:
        head = (_ROOT / ".git" / "HEAD").read_text().strip()
        ref = head.removeprefix("ref: ")
        commit = head if ref == head else (_ROOT / ".git" / ref).read_text().strip()
    except OSError:
        return __version__
    return f"{__version__}+{commit[:12]}"
