"""Text to speech by Kokoro on onnxruntime, in a process of its own: the extra `kokoro`."""

import sys
from pathlib import Path

from pipelines.services.tts.tts_process import SENTENCE_WITHIN_S, ProcessTextToSpeech

VOICE = "af_heart"


def kokoro_voice(
    *, model: Path, voices: Path, voice: str = VOICE, speed: float = 1.0
) -> ProcessTextToSpeech:
    """Not open yet. `model`: the `.onnx`; `voices`: all voices' styles, a `.bin`."""
    program = (sys.executable, "-P", "-m", "pipelines.services.tts.neural_process", "kokoro")
    command = (*program, str(model), str(voices), voice, f"{speed:.3f}")
    return ProcessTextToSpeech("Kokoro", command, reply_within_s=SENTENCE_WITHIN_S)
