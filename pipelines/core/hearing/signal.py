"""The caller's sound on its way to the ears: placed in time, freed of echo, cut into pieces.

Sample rates, filters and alignment are settled here; what the pieces mean is decided elsewhere.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.highpass import HighPass
from pipelines.audio.resample import Resampler
from pipelines.audio.tape import Tape
from pipelines.core.hearing.intake import STALL_S, Intake
from pipelines.core.hearing.microphone import Microphone
from pipelines.core.hearing.rates import EAR_RATE_HZ, KEEP_S, VAD_CHUNK, WINDOW

Samples = NDArray[np.float32]
Pcm = NDArray[np.int16]

VOICE_STEP = math.gcd(WINDOW, VAD_CHUNK)
"""The VAD's chunks are no whole windows: one that waited for its last window would come 32 ms late
while the bot speaks, for then sound comes in blocks of that length."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A piece of sound, cut up for the rules and for the VAD; either may be empty."""

    levels: tuple[float, ...]
    """The level of each new window of 10 ms, in dBFS."""
    chunks: tuple[Samples, ...]
    """New chunks for the VAD, each of shape (512,)."""
    made_up: bool = False
    """Silence in the place of sound that did not come."""


class EarSignal:
    """One call's. Times are monotonic seconds (`now`, `*_at_s`) or media time (`media_s`)."""

    def __init__(self, in_rate_hz: int, out_rate_hz: int, stall_s: float = STALL_S) -> None:
        """`out_rate_hz`: the rate of the bot's own voice, which the ears must know again.

        `stall_s`: the longest stall of the caller's audio that is waited out.
        """
        self.intake = Intake(in_rate_hz, stall_s)
        self._resampler = Resampler(in_rate_hz, EAR_RATE_HZ)
        self._tape = Tape(EAR_RATE_HZ, KEEP_S)
        self._microphone = Microphone(EAR_RATE_HZ)
        self._own_voice = Resampler(out_rate_hz, EAR_RATE_HZ)
        self._voice_pass = HighPass(EAR_RATE_HZ, VOICE_STEP)
        self._words_pass = HighPass(EAR_RATE_HZ, WINDOW)
        self._voice_in: Samples = np.zeros(0, np.float32)
        self._words_in: Samples = np.zeros(0, np.float32)
        self._chunk: Samples = np.zeros(0, np.float32)
        self._listened_at_s: float | None = None
        """When the last sample came."""

    @property
    def media_s(self) -> float:
        """The end of the last whole window."""
        return self._tape.end_s

    def between(self, start_s: float, end_s: float) -> Samples:
        """The sound between two media times, as far as it is still there: shape (n,)."""
        return self._tape.between(start_s, end_s)

    def take(self, pcm: Pcm, now: float, media_s: float | None) -> list[Pieces]:
        """`pcm`, of shape (n,) at the caller's rate, has come; `media_s` is where its client
        places it, if it says so. Silence that it reveals comes before it, as pieces of its own.
        """
        silence = self.intake.place(len(pcm), now, media_s)
        stretches = [np.zeros(silence, np.int16), pcm] if silence else [pcm]
        return [self._hear(stretch, now) for stretch in stretches]

    def starve(self, now: float) -> list[Pieces]:
        """Nothing has come for too long: silence takes its place."""
        due = self.intake.starve(now)
        return [replace(self._hear(np.zeros(due, np.int16), now), made_up=True)] if due else []

    def bot_plays(self, pcm: Pcm, plays_at_s: float, now: float) -> None:
        """The bot's voice comes back through the microphone from then on: know it again."""
        voice = self._own_voice.feed(pcm).astype(np.float32) / 32768.0
        self._microphone.played(voice, self._ahead(plays_at_s, now))

    def bot_silenced(self, now: float) -> None:
        """Audio on its way to the loudspeaker was thrown away."""
        self._microphone.flushed(self._ahead(now, now))

    def _ahead(self, at_s: float, now: float) -> int:
        """How far a moment is from the last sample heard: a client may send long pieces."""
        since_s = now if self._listened_at_s is None else self._listened_at_s
        return round((at_s - since_s) * EAR_RATE_HZ)

    def _hear(self, pcm: Pcm, now: float) -> Pieces:
        self._listened_at_s = now
        sound = self._microphone.hear(self._resampler.feed(pcm).astype(np.float32) / 32768.0)
        return Pieces(self._windows(sound.words), self._chunks(sound.voice))

    def _windows(self, words: Samples) -> tuple[float, ...]:
        """The levels are of the sound as it came: what holds the echo down holds a person down."""
        waiting = np.concatenate((self._words_in, words))
        whole = len(waiting) // WINDOW * WINDOW
        self._words_in = waiting[whole:]
        if self._words_pass.is_still and not waiting[:whole].any():
            self._tape.append(waiting[:whole])
            return (dbfs(waiting[:WINDOW]),) * (whole // WINDOW)
        levels = []
        for window in waiting[:whole].reshape(-1, WINDOW):
            passed = self._words_pass.feed(window)
            self._tape.append(passed)
            levels.append(dbfs(passed))
        return tuple(levels)

    def _chunks(self, voice: Samples) -> tuple[Samples, ...]:
        waiting = np.concatenate((self._voice_in, voice))
        whole = len(waiting) // VOICE_STEP * VOICE_STEP
        steps = waiting[:whole].reshape(-1, VOICE_STEP)
        self._voice_in = waiting[whole:]
        if not (self._voice_pass.is_still and not steps.any()):
            steps = np.array([self._voice_pass.feed(step) for step in steps], np.float32)
        passed = np.concatenate((self._chunk, steps.reshape(-1)))
        whole = len(passed) // VAD_CHUNK * VAD_CHUNK
        self._chunk = passed[whole:]
        return tuple(passed[:whole].reshape(-1, VAD_CHUNK))


def dbfs(samples: Samples) -> float:
    """The level of a stretch of sound, shape (n,), from its mean power."""
    return 10 * math.log10(float(samples @ samples) / max(1, len(samples)) + 1e-12)
