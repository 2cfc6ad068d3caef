"""Voices that can be downloaded."""

from bot.engines.models.model import Addresses, CatalogueModel, Hub

PIPER_REPO = "rhasspy/piper-voices"
KOKORO_AT = "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.1"


def _piper(name: str, about: str, mb: int = 63) -> CatalogueModel:
    """`name`: as Piper has it, LANGUAGE_COUNTRY-SPEAKER-QUALITY, which is also where it lies."""
    where, speaker, quality = name.split("-")
    path = f"{where.split('_')[0]}/{where}/{speaker}/{quality}/{name}.onnx"
    return CatalogueModel(
        f"piper-{name}", "piper", about, Hub(PIPER_REPO, (path, f"{path}.json")), mb
    )


def _kokoro(name: str, about: str, mb: int) -> CatalogueModel:
    files = (f"{name}.onnx", "voices-v1.0.bin")
    return CatalogueModel(name, "kokoro", about, Addresses(KOKORO_AT, files), mb)


VOICES = (
    _piper("en_US-lessac-medium", "American English, a woman; Piper's default here"),
    _piper("en_US-amy-medium", "American English, a woman"),
    _piper("en_US-ryan-medium", "American English, a man"),
    _piper("en_US-lessac-high", "American English, a woman; slower, and better", 114),
    _piper("en_GB-alba-medium", "Scottish English, a woman"),
    _piper("en_GB-alan-medium", "British English, a man"),
    _piper("de_DE-thorsten-medium", "German, a man"),
    _piper("fr_FR-siwis-medium", "French, a woman"),
    _piper("es_ES-davefx-medium", "Spanish, a man"),
    _kokoro("kokoro-v1.0", "54 voices; Kokoro's default here", 354),
    _kokoro("kokoro-v1.0.fp16", "the same in half precision", 192),
    _kokoro("kokoro-v1.0.int8", "the same in eight bits", 142),
)
