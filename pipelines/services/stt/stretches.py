"""Stretches of speech that an engine can take: split where it is quiet, dropped where silent."""

from collections.abc import Iterator

import numpy as np

from pipelines.services.protocols import EAR_RATE_HZ, Samples, ServiceError

QUIET_S = 0.2
"""The length that has to be quiet where audio is split."""
SILENT_BELOW = 10 ** (-60 / 20)
"""RMS of the loudest 20 ms."""


def split_at_quiet(audio: Samples, longest_s: float) -> Iterator[Samples]:
    """Stretches of at most `longest_s`, cut where it is quietest in each one's second half."""
    window, hop = int(QUIET_S * EAR_RATE_HZ), EAR_RATE_HZ // 100
    start, longest = int(longest_s / 2 * EAR_RATE_HZ), int(longest_s * EAR_RATE_HZ)
    while len(audio) > longest:
        energy = np.concatenate(([0.0], np.cumsum(np.square(audio[start:longest], dtype=float))))
        at = start + hop * int(np.argmin((energy[window:] - energy[:-window])[::hop])) + window // 2
        yield audio[:at]
        audio = audio[at:]
    yield audio


def is_silent(audio: Samples) -> bool:
    frame = EAR_RATE_HZ // 50
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    return bool(np.sqrt(np.mean(np.square(frames), axis=1)).max(initial=0.0) < SILENT_BELOW)


def check_samples(audio: Samples) -> None:
    """Raises ServiceError for what is not `Samples`: an engine would fail on it, or guess."""
    if audio.dtype != np.float32 or audio.ndim != 1 or not np.isfinite(audio).all():
        what = f"audio of shape {audio.shape} and type {audio.dtype}"
        raise ServiceError("stt", f"{what} is not mono float32", retryable=False)
