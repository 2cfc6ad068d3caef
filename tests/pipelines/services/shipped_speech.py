"""The recordings in Moonshine's wheel, for whatever has ears."""

import numpy as np
import soundfile

from pipelines.services.onnx import packaged_file
from pipelines.services.protocols import EAR_RATE_HZ, Samples


def shipped_speech(name: str = "beckett.wav") -> Samples:
    """By default ten seconds of a man reading, with pauses of about a second."""
    path = packaged_file("moonshine_voice", "assets", name)
    samples, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == EAR_RATE_HZ
    return np.asarray(samples, np.float32)
