"""The server's idea of the last sample of speech, against the labels, in media time."""

import json
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipelines.audio.tape import Tape
from pipelines.core.events import SpeechPaused
from pipelines.core.hearing.voicing import WINDOW_S, Voicing, VoicingPolicy
from pipelines.services.protocols import EAR_RATE_HZ, VAD_CHUNK, Samples
from pipelines.services.vad.vad_silero import SileroVad, load_silero

RECORDINGS = Path(__file__).parents[2] / "recordings"
WINDOW = round(EAR_RATE_HZ * WINDOW_S)


def last_sample_s(samples: Samples) -> float:
    """As `Hearing` finds it: levels of 10 ms, and the VAD's word every 32 ms."""
    vad, voicing, tape = SileroVad(load_silero()), Voicing(VoicingPolicy()), Tape(EAR_RATE_HZ, 2.0)
    paused_s, asked = 0.0, 0
    for start in range(0, len(samples) - WINDOW, WINDOW):
        window = samples[start : start + WINDOW]
        tape.append(window)
        level = 10 * float(np.log10(np.mean(np.square(window)) + 1e-12))
        facts = voicing.level(level, tape.end_s)
        if start + WINDOW >= (asked + 1) * VAD_CHUNK:
            chunk = samples[asked * VAD_CHUNK : (asked + 1) * VAD_CHUNK]
            begin_s = asked * VAD_CHUNK / EAR_RATE_HZ
            asked += 1
            end_s = asked * VAD_CHUNK / EAR_RATE_HZ
            facts += voicing.probability(vad.probability(chunk), begin_s, end_s)
        paused_s = next((f.media_s for f in facts if isinstance(f, SpeechPaused)), paused_s)
    return paused_s


def test_the_last_sample_of_speech_is_where_the_labels_say() -> None:
    told = json.loads((RECORDINGS / "labels.json").read_text())["recordings"]
    errors = []
    for row in told:
        samples, rate_hz = soundfile.read(RECORDINGS / row["file"], dtype="float32")
        heard = soxr.resample(np.append(samples, np.zeros(rate_hz)), rate_hz, EAR_RATE_HZ)
        errors.append(last_sample_s(heard.astype(np.float32)) - row["turns"][-1]["end_s"])

    assert len(errors) >= 12
    assert np.median(np.abs(errors)) <= 0.040
