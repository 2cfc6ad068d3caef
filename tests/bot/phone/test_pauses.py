"""How soon the ears notice the end of speech on the telephone: beside the page, on recordings."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from client.caller.microphone import FRAME_SAMPLES, MICROPHONE_RATE_HZ
from client.caller.speech_file import Recording, load, narrowed
from client.caller.twilio import RATE_HZ
from pipelines.audio.mulaw import decode, encode
from pipelines.audio.pcm import to_float
from pipelines.audio.resample import Resampler
from pipelines.services.protocols import VAD_CHUNK
from pipelines.services.vad.vad_silero import SileroVad, load_silero

RECORDINGS = Path(__file__).parents[2] / "recordings"
FRAME_S = FRAME_SAMPLES / MICROPHONE_RATE_HZ
Door = Literal["page", "phone"]


def heard(recording: Recording, door: Door, offset: int) -> list[NDArray[np.int16]]:
    """The ears' input as each frame arrives; the recording is laid `offset` samples in."""
    if door == "phone":
        recording = narrowed(recording, RATE_HZ)
    room = np.zeros(MICROPHONE_RATE_HZ, np.int16)
    pcm = np.concatenate([room[:offset], recording.pcm, room])
    frames = [pcm[at : at + FRAME_SAMPLES] for at in range(0, len(pcm), FRAME_SAMPLES)]
    if door == "page":
        return frames
    resampler, step = Resampler(RATE_HZ, MICROPHONE_RATE_HZ), MICROPHONE_RATE_HZ // RATE_HZ
    return [resampler.feed(decode(encode(frame[::step]))) for frame in frames]


def noticed_s(recording: Recording, door: Door, offset: int, vad: SileroVad) -> float:
    """From the labelled end to the frame with which the VAD's word falls, for good."""
    end_s = recording.turns[-1].end_s + offset / MICROPHONE_RATE_HZ
    known = np.zeros(0, np.float32)
    fell_s = float("nan")
    for number, frame in enumerate(heard(recording, door, offset), start=1):
        known = np.concatenate([known, to_float(frame)])
        while len(known) >= VAD_CHUNK:
            is_speech = vad.probability(known[:VAD_CHUNK]) >= 0.5
            known = known[VAD_CHUNK:]
            if is_speech:
                fell_s = float("nan")
            elif np.isnan(fell_s):
                fell_s = number * FRAME_S - end_s
    return fell_s


def test_the_end_of_speech_is_noticed_as_soon_as_on_the_page() -> None:
    """All that a call goes through before its ears, in media time: no clock, no load."""
    model = load_silero()
    recordings = [load(path) for path in sorted(RECORDINGS.glob("phone_*.wav"))]
    doors: tuple[Door, Door] = ("page", "phone")
    page, phone = (
        [
            noticed_s(one, door, 100 * (place % 3), SileroVad(model))
            for place, one in enumerate(recordings)
        ]
        for door in doors
    )

    assert len(page) == 9
    assert np.mean(page) == pytest.approx(0.11, abs=0.03)
    assert np.mean(phone) - np.mean(page) < FRAME_S
