"""The caller's microphone without the bot's own voice: for the VAD, and for the transcription.

While the bot is silent, sound passes as it comes. While it may be heard, sound is judged in
blocks of 32 ms, which is what an answer to "is this echo?" takes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.core.hearing.echo import BLOCK, EchoGuard

Samples = NDArray[np.float32]

RINGS_S = 0.4
"""How long after the bot's last sample its echo may still come."""
UNKNOWN_BLOCKS = 9
"""0.3 s of sound while the bot speaks: until then an echo has to be expected."""
AUDIBLE = 1e-6
"""Mean square of a sound that could be an echo: -60 dBFS."""
EXPLAINED = 0.2
"""Share of the microphone's power that the echo's path must explain to be one: a voice alone
explains next to nothing of another."""
REMEMBERED_BLOCKS = 300
"""Ten seconds of the bot's speech without an echo: it has gone away."""
SMOOTHING = 0.2


@dataclass(frozen=True, slots=True)
class Sound:
    """Two versions of the same stretch of the microphone, of equal length."""

    voice: Samples
    """For the VAD: what may be echo is held down."""
    words: Samples
    """For the transcription: echo is subtracted as far as it is known."""


class Microphone:
    """One call's. Positions count samples of `rate_hz` since the call began."""

    def __init__(self, rate_hz: int) -> None:
        self._guard = EchoGuard(rate_hz)
        self._rings = round(RINGS_S * rate_hz)
        self._quiet_from = 0
        self._position = 0
        self._waiting: Samples = np.zeros(0, np.float32)
        self._presence = _Presence()
        self._passed: Samples | None = np.zeros(BLOCK, np.float32)
        """The newest sound that was not judged, where that was the last of all."""

    def played(self, pcm: Samples, ahead: int) -> None:
        """The bot's voice, shape (n,), is heard from `ahead` samples after the last one on."""
        start = self._end + ahead
        self._guard.played(pcm, start)
        self._quiet_from = max(self._quiet_from, start + len(pcm) + self._rings)

    def flushed(self, ahead: int) -> None:
        """Audio from `ahead` samples after the last one on never will be."""
        start = self._end + ahead
        self._guard.flushed(start)
        self._quiet_from = min(self._quiet_from, start + self._rings)

    def hear(self, samples: Samples) -> Sound:
        """The sound up to here; in the bot's presence up to 32 ms come later."""
        self._waiting = np.concatenate((self._waiting, samples))
        sounds: list[Sound] = []
        while len(self._waiting) and (sound := self._next()) is not None:
            sounds.append(sound)
        if len(sounds) == 1:
            return sounds[0]
        empty = [np.zeros(0, np.float32)]
        return Sound(
            np.concatenate(empty + [sound.voice for sound in sounds]),
            np.concatenate(empty + [sound.words for sound in sounds]),
        )

    @property
    def _end(self) -> int:
        return self._position + len(self._waiting)

    def _next(self) -> Sound | None:
        unaligned = -self._position % BLOCK
        if self._position >= self._quiet_from:
            return self._pass(len(self._waiting))
        if unaligned:  # blocks end where the VAD's chunks do; no echo is back so soon
            return self._pass(min(unaligned, len(self._waiting)))
        if len(self._waiting) < BLOCK:
            return None
        if self._passed is not None:
            self._guard.passed(np.pad(self._passed, (BLOCK - len(self._passed), 0)))
            self._passed = None
        position, block = self._position, self._take(BLOCK)
        verdict = self._guard.judge(block, position)
        self._presence.learn(block, verdict.cancelled)
        voice = verdict.residual if self._presence.likely else block
        return Sound(voice, verdict.cancelled)

    def _pass(self, count: int) -> Sound:
        passed = self._take(count)
        before = np.zeros(0, np.float32) if self._passed is None else self._passed
        self._passed = np.concatenate((before, passed))[-BLOCK:]
        return Sound(passed, passed)

    def _take(self, count: int) -> Samples:
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self._position += count
        return taken


class _Presence:
    """Is there an echo at all? With headphones, on the phone, or where the page cancels it well,
    there is none; and what holds an echo down would hold down a person who speaks softly.
    """

    def __init__(self) -> None:
        self._heard, self._left = 0.0, 0.0
        self._judged = 0
        self._remembered = 0

    @property
    def likely(self) -> bool:
        return self._remembered > 0 or self._judged < UNKNOWN_BLOCKS

    def learn(self, heard: Samples, left: Samples) -> None:
        self._heard += SMOOTHING * (float(heard @ heard) - self._heard)
        self._left += SMOOTHING * (float(left @ left) - self._left)
        if float(heard @ heard) > AUDIBLE * len(heard):
            self._judged += 1
        self._remembered = max(0, self._remembered - 1)
        if self._left < (1 - EXPLAINED) * self._heard:
            self._remembered = REMEMBERED_BLOCKS
