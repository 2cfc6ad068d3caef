"""A few seconds of a person, as the wheel of moonshine-voice brings him along: to try ears on."""

import numpy as np
import soundfile

from pipelines.audio.resample import Resampler
from pipelines.services.onnx import packaged_file
from pipelines.services.protocols import EAR_RATE_HZ, Samples


def somebody_speaks(length_s: float) -> Samples:
    """Blocks, to read a file."""
    path = packaged_file("moonshine_voice", "assets", "two_cities.wav")
    with soundfile.SoundFile(path) as file:
        pcm = file.read(round(length_s * file.samplerate), dtype="int16")
        heard = Resampler(file.samplerate, EAR_RATE_HZ).feed(pcm)
    return np.asarray(heard / 32768.0, np.float32)
