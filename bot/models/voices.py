"""Voices that can be downloaded."""

from bot.models.model import Hub, Model

PIPER_REPO = "rhasspy/piper-voices"


def _piper(name: str, folder: str, about: str) -> Model:
    path = f"{folder}/{name.removeprefix('piper-')}.onnx"
    return Model(name, "piper", about, Hub(PIPER_REPO, (path, f"{path}.json")), 63)


VOICES = (
    _piper("piper-en_US-lessac-medium", "en/en_US/lessac/medium", "American English, a woman's"),
)
