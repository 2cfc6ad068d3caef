"""The bot must not hear itself: what of the microphone's sound is its own voice coming back.

An adaptive filter predicts the echo from what was played, and subtracts it; what cannot be
predicted yet is known by its size, and held down in each frequency on its own, so that a person
who talks over the bot is heard from the first word. The filter is the Kalman filter in the
frequency domain of Enzner and Vary (2006), partitioned as by Kuech et al. (ICASSP 2014): its
step size follows from how uncertain it is, so it needs no detector of double talk. Its own
uncertainty says how much echo is left (Enzner's post filter), with two additions: the rest that
moves as the prediction moves (Valin's leakage, as in Speex), and a fresh start when the
prediction no longer resembles what is heard.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
Spectrum: TypeAlias = NDArray[np.complex64]
Power: TypeAlias = NDArray[np.float32]

BLOCK = 512
"""Samples in one question, as many as the VAD's: 32 ms at 16 kHz."""

PARTS = 12
"""Blocks that the filter looks back: 384 ms, for a delay of 250 ms and the room's answer."""

_BINS = BLOCK + 1
_SPAN = 2 * BLOCK
_QUIET = 1e-4
"""A reference below -80 dBFS leaves no echo that a VAD could take for speech."""

_PRIOR = 0.04
"""Power that any one part of the echo's path may have before anything is known: -14 dB."""
_FORGETTING = 0.99
"""How much of the path's estimate each block keeps: the path may turn within a few seconds, as when
somebody moves.
"""
_CAUTION = 2.0
"""Times the filter's own uncertainty in its step: its parts are not independent in speech."""
_NEAR_SMOOTHING = 0.5

_OVERSUBTRACTION = 4.0
"""Silero takes the crumbs of speech for speech: with 2, echo at -12 dB was heard now and then."""
_LEAST_LEAK = 0.01
"""The share of the predicted echo's power that is always held to be left: loudspeakers are not
linear.
"""
_LEAK_RATE = 0.12
_DECAY = 0.6
"""In each block, of the echo held to be left: a room rings on."""
_FLOOR = 0.003

_AGREEMENT_RATE = 0.15
_DISAGREES = 0.3
"""Below this the path is held to be another: 1.0 is a prediction that is as strong in the
microphone as it says.
"""
_AUDIBLE_SHARE = 0.1
"""Share of the microphone's power that the prediction must have, to be judged by it."""

DELAY = 64
"""Samples by which `residual` comes late: half the length of the filter that suppresses."""

_HANN = np.hanning(_SPAN + 1)[:-1].astype(np.float32)
_TAPER = np.zeros(_SPAN, np.float32)
_TAPER[: 2 * DELAY] = np.hanning(2 * DELAY + 1)[:-1]
_TAPER = np.roll(_TAPER, -DELAY)
_LATER: Spectrum = np.exp(-2j * np.pi * np.arange(_BINS) * DELAY / _SPAN).astype(np.complex64)
_NOTHING = np.zeros(BLOCK, np.float32)


@dataclass(frozen=True, slots=True)
class EchoVerdict:
    """On one chunk of the microphone; all of it is the chunk itself where the bot was silent."""

    residual: Samples
    """The sound without the bot's voice, `DELAY` samples late: for the VAD."""
    cancelled: Samples
    """The prediction subtracted and nothing held down, in time: for the transcription."""


class EchoGuard:
    """One call's. Positions are samples on the microphone's media clock.

    About 0.2 ms a chunk while the bot is heard, nothing while it is not; 0.3 MB.
    """

    def __init__(self, rate_hz: int = 16_000) -> None:
        """Raises ValueError for another rate than 16 kHz: its constants are blocks of 32 ms."""
        if rate_hz != 16_000:
            raise ValueError(f"the ears listen at 16 kHz, not at {rate_hz} Hz")
        self._reference = _Reference(2 * rate_hz)
        self._next: int | None = None
        self._played: Spectrum = np.zeros((PARTS, _BINS), np.complex64)
        self._path: Spectrum = np.zeros((PARTS, _BINS), np.complex64)
        self._unsure: Power = np.full((PARTS, _BINS), _PRIOR, np.float32)
        self._near: Power = np.full(_BINS, 1e-6, np.float32)
        self._before: Samples = _NOTHING
        self._predicted: Samples = _NOTHING
        self._left: Power = np.zeros(_BINS, np.float32)
        self._leak = _Leak()
        self._agreement = _Agreement()

    def played(self, pcm: Samples, position: int) -> None:
        """`pcm`, shape (n,), 16 kHz, is heard from `position` on; its echo comes after that.

        Say so before the chunk at `position` is judged; up to 1.5 s ahead is kept.
        """
        self._reference.write(pcm, position)

    def flushed(self, position: int) -> None:
        """Audio from `position` on was never played."""
        self._reference.clear(position)

    def passed(self, chunk: Samples) -> None:
        """`chunk`, shape (512,), came before the next one that is judged, and was not."""
        self._before, self._predicted = chunk, _NOTHING

    def judge(self, chunk: Samples, position: int) -> EchoVerdict:
        """`chunk`, shape (512,), in [-1, 1], began at `position`."""
        if position - PARTS * BLOCK >= self._reference.loud_until:
            self._before, self._next = chunk, None
            return EchoVerdict(chunk, chunk)
        self._hear_reference(position)
        predicted = _wave((self._played * self._path).sum(0))[BLOCK:]
        if self._agreement.lost(predicted, chunk):
            self._forget_path()
            predicted = _NOTHING
        cancelled = chunk - predicted
        expected = self._learn(cancelled)
        return EchoVerdict(self._suppress(cancelled, predicted, expected), cancelled)

    def _hear_reference(self, position: int) -> None:
        if position == self._next:
            self._played = np.roll(self._played, 1, axis=0)
            self._played[0] = _spectrum(self._reference.read(position - BLOCK, _SPAN))
        else:
            starts = [position - (part + 1) * BLOCK for part in range(PARTS)]
            self._played = _spectrum(np.stack([self._reference.read(at, _SPAN) for at in starts]))
        self._next = position + BLOCK

    def _forget_path(self) -> None:
        self._path[:] = 0
        self._unsure[:] = _PRIOR
        self._leak = _Leak()

    def _learn(self, cancelled: Samples) -> Power:
        """One step of the filter; the power of the echo that it expected to be left."""
        error = _spectrum(np.concatenate((_NOTHING, cancelled)))
        uncertain = self._unsure * _power(self._played)
        expected: Power = 0.5 * uncertain.sum(0)
        self._near += (1 - _NEAR_SMOOTHING) * (_power(error) - self._near)
        total = _CAUTION * expected + self._near + np.float32(1e-7)
        step = _wave(self._unsure * self._played.conj() * (error / total))
        step[:, BLOCK:] = 0
        self._path += _spectrum(step)
        self._unsure *= _FORGETTING * (1 - 0.5 * uncertain / total)
        self._unsure += (1 - _FORGETTING) * _power(self._path)
        return expected

    def _suppress(self, cancelled: Samples, predicted: Samples, expected: Power) -> Samples:
        frame = np.concatenate((self._before, cancelled))
        heard = _power(_spectrum(frame * _HANN))
        echo = _power(_spectrum(np.concatenate((self._predicted, predicted)) * _HANN))
        self._before, self._predicted = cancelled, predicted
        # A frame under the window has 0.75 of the power of the half frame that was learnt from.
        left = 0.75 * expected + (_LEAST_LEAK + self._leak.estimate(heard, echo)) * echo
        self._left = np.maximum(_OVERSUBTRACTION * left, _DECAY * self._left)
        gain = np.maximum(1 - self._left / (heard + np.float32(1e-12)), np.float32(_FLOOR))
        smooth = _spectrum(_wave(gain) * _TAPER) * _LATER
        return _wave(_spectrum(frame) * smooth)[BLOCK:]


class _Reference:
    """Played audio, on the microphone's clock; silence where nothing was."""

    def __init__(self, size: int) -> None:
        self._ring: Samples = np.zeros(size, np.float32)
        self._end = 0
        """Everything from here on is silence."""
        self.loud_until = -(1 << 62)

    def write(self, pcm: Samples, position: int) -> None:
        size = len(self._ring)
        if len(pcm) > size:
            pcm, position = pcm[-size:], position + len(pcm) - size
        end = position + len(pcm)
        if end > self._end:
            self._erase(max(self._end, end - size), end)
            self._end = end
        kept = max(position, self._end - size)
        self._ring[np.arange(kept, end) % size] = pcm[kept - position :]
        loud = np.flatnonzero(np.abs(pcm) > _QUIET)
        if len(loud):
            self.loud_until = max(self.loud_until, position + int(loud[-1]) + 1)

    def clear(self, position: int) -> None:
        self._erase(max(position, self._end - len(self._ring)), self._end)
        self.loud_until = min(self.loud_until, position)

    def read(self, position: int, count: int) -> Samples:
        at = np.arange(position, position + count)
        found = self._ring[at % len(self._ring)]
        found[(at >= self._end) | (at < self._end - len(self._ring))] = 0
        return found

    def _erase(self, begin: int, end: int) -> None:
        self._ring[np.arange(begin, end) % len(self._ring)] = 0


class _Leak:
    """How much of the predicted echo's power is left: what rises and falls along with it."""

    def __init__(self) -> None:
        self._heard: Power = np.zeros(_BINS, np.float32)
        self._echo: Power = np.zeros(_BINS, np.float32)
        self._both = self._own = 0.0

    def estimate(self, heard: Power, echo: Power) -> float:
        """Between 0 and 1. Learns little while somebody else is louder than the echo."""
        heard_moves, echo_moves = heard - self._heard, echo - self._echo
        self._heard += 0.1 * heard_moves
        self._echo += 0.1 * echo_moves
        rate = _LEAK_RATE * min(1.0, float(echo.sum()) / (float(heard.sum()) + 1e-12))
        self._both += rate * (float(heard_moves @ echo_moves) - self._both)
        self._own += rate * (float(echo_moves @ echo_moves) - self._own)
        return min(max(self._both / (self._own + 1e-12), 0.0), 1.0)


class _Agreement:
    """Is the predicted echo in the microphone at all? A delay that jumped is noticed here."""

    def __init__(self) -> None:
        self._means = np.zeros(3)

    def lost(self, predicted: Samples, chunk: Samples) -> bool:
        powers = np.array((predicted @ chunk, predicted @ predicted, chunk @ chunk))
        self._means += _AGREEMENT_RATE * (powers - self._means)
        both, echo, heard = self._means
        if echo < max(1e-4, _AUDIBLE_SHARE * heard) or both >= _DISAGREES * echo:
            return False
        self._means[:2] = 0
        return True


def _spectrum(wave: Samples) -> Spectrum:
    return np.fft.rfft(wave).astype(np.complex64, copy=False)


def _wave(spectrum: Spectrum | Power) -> Samples:
    return np.fft.irfft(spectrum).astype(np.float32, copy=False)


def _power(spectrum: Spectrum) -> Power:
    return spectrum.real**2 + spectrum.imag**2
