"""Room tone: more of a recording's own silence, for padding and for lengthened pauses."""

import numpy as np

from bench.suite.edges import WINDOW_S, Samples, floor_db, levels_db, spans_above, speech_bounds

FADE_S = 0.005


def room_tone(samples: Samples, rate_hz: int, length: int, seed: int) -> Samples:
    """`length` samples of the recording's own silence: grains of it, overlapped at random.

    Its silence is every window within 6 dB of the noise floor. Grains are as long as the silences
    allow, up to 80 ms, and overlap by half under a window that keeps the power.
    """
    window = round(rate_hz * WINDOW_S)
    levels = levels_db(samples, rate_hz)
    quiet = list(spans_above(-levels, -floor_db(levels) - 6))
    grain = min(8, max(round(span.duration_s / WINDOW_S) for span in quiet)) // 2 * 2 * window
    if grain == 0:
        raise ValueError("no silence to make room tone of")
    starts = [
        first
        for span in quiet
        for first in range(
            round(span.start_s * rate_hz), round(span.end_s * rate_hz) - grain + 1, window // 4
        )
    ]
    shape = np.sin(np.pi * (np.arange(grain) + 0.5) / grain)
    random = np.random.default_rng(seed)
    tone = np.zeros(length + 2 * grain)
    for at in range(0, length + grain, grain // 2):
        first = int(random.choice(starts))
        tone[at : at + grain] += samples[first : first + grain] * shape
    return tone[grain // 2 : grain // 2 + length]


def join(left: Samples, right: Samples, rate_hz: int) -> Samples:
    """One after the other with a cross-fade of 5 ms over the seam: it shortens by those 5 ms."""
    fade = min(round(rate_hz * FADE_S), len(left), len(right))
    if fade == 0:
        return np.concatenate((left, right))
    ramp = (np.arange(fade) + 0.5) / fade
    seam = left[-fade:] * (1 - ramp) + right[:fade] * ramp
    return np.concatenate((left[:-fade], seam, right[fade:]))


def padded(
    samples: Samples, rate_hz: int, around_s: float, seed: int, room: Samples | None = None
) -> Samples:
    """The recording with at least `around_s` of room before its first and after its last sample
    of speech, and no more than 50 ms beyond that. `room` is a recording with silence in it, where
    this one has none.
    """
    bounds = speech_bounds(samples, rate_hz)
    first = max(0, round((bounds.start_s - around_s) * rate_hz))
    after = min(len(samples), round((bounds.end_s + around_s) * rate_hz))
    extra = round((around_s + 0.03) * rate_hz)
    before = extra - (round(bounds.start_s * rate_hz) - first)
    behind = extra - (after - round(bounds.end_s * rate_hz))
    tone = room_tone(samples if room is None else room, rate_hz, before + behind, seed)
    return join(join(tone[:before], samples[first:after], rate_hz), tone[before:], rate_hz)
