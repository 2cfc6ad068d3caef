"""Text to speech by Piper, in a process of its own: the extra `piper`, and a voice's two files."""

import sys
from pathlib import Path

from pipelines.services.tts.tts_process import SENTENCE_WITHIN_S, ProcessTextToSpeech


def piper_voice(*, model: Path, speed: float = 1.0) -> ProcessTextToSpeech:
    """Not open yet. `model`: a voice's `.onnx`, with its `.onnx.json` beside it."""
    program = (sys.executable, "-P", "-m", "pipelines.services.tts.neural_process", "piper")
    command = (*program, str(model), f"{speed:.3f}")
    return ProcessTextToSpeech("Piper", command, reply_within_s=SENTENCE_WITHIN_S)
