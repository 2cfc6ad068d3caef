"""Text to speech by hibari, in a process of its own: an English voice that comes in its package."""

import hashlib
import sys

from pipelines.services.onnx import packaged_file
from pipelines.services.protocols import ServiceError
from pipelines.services.tts.tts_process import SENTENCE_WITHIN_S, ProcessTextToSpeech

VOICE = "heart"
"""The only one that is in the package; the package would fetch the others."""
MODEL = ("hibari", "assets", "hibari.onnx")
MODEL_SHA256 = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
"""The model of hibari-tts 0.2.1, with which everything here was measured."""


def hibari_voice(*, speed: float = 1.0, sha256: str = MODEL_SHA256) -> ProcessTextToSpeech:
    """Not open yet. Raises ServiceError where its model is not here, or is another one."""
    try:
        model = packaged_file(*MODEL)
        found = hashlib.sha256(model.read_bytes()).hexdigest()
    except OSError:
        raise ServiceError("tts", "hibari is not installed", retryable=False) from None
    if found != sha256:
        message = f"hibari's model is not the one that was tested (sha256 {found[:8]})"
        raise ServiceError("tts", message, retryable=False)
    program = (sys.executable, "-P", "-m", "pipelines.services.tts.neural_process", "hibari")
    command = (*program, str(model), f"{speed:.3f}")
    return ProcessTextToSpeech("hibari", command, reply_within_s=SENTENCE_WITHIN_S)
