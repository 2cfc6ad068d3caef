"""Limits of one client: how often, how much, how long. docs/reference/limits.md has the table."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.calls.errors import PeerError
from bot.calls.messages import FromClient
from pipelines.core.exchange import AudioIn, Played


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    calls: int = 8
    """At once; one that is waited for counts."""
    calls_per_address: int = 4
    message_bytes: int = 64 * 1024
    """Two seconds of a caller's audio."""
    audio_rate: float = 1.25
    """Seconds of audio in a second."""
    audio_burst_s: float = 2.0
    control_per_s: float = 20.0
    reports_burst: int = 100
    """`played` messages that a stalled network may bring at once. A page sends 10 a second."""
    opening_s: float = 10.0
    """From the open socket to the end of the client's handshake."""
    idle_s: float = 60.0
    """Without a message, from a client that has not said that it is muted."""
    call_s: float = 3600.0
    return_s: float = 30.0
    """In which a client that was cut off may come back."""
    ping_s: float = 10.0
    """How often a client is asked whether it is there, and how long it may take to say so."""


class Bucket:
    """Fills with `rate` a second up to `burst`; what is taken must be in it."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = 0.0

    def take(self, amount: float, now: float) -> bool:
        """False, and nothing taken, if there is not so much in it. `now` never goes back."""
        level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._level, self._at = level, now
        if amount > level + 1e-9:
            return False
        self._level -= amount
        return True


class Allowance:
    """Limits of one connection."""

    def __init__(self, limits: Limits, in_rate_hz: int) -> None:
        self._in_rate_hz = in_rate_hz
        self._audio = Bucket(limits.audio_rate, limits.audio_burst_s)
        self._control = Bucket(limits.control_per_s, limits.control_per_s)
        self._reports = Bucket(limits.control_per_s, limits.reports_burst)

    def spend(self, events: Sequence[FromClient], now: float) -> None:
        """For one message, by what was understood of it. Raises PeerError when it is too much."""
        match events:
            case [AudioIn(pcm)]:
                if not self._audio.take(len(pcm) / 2 / self._in_rate_hz, now):
                    raise PeerError("audio faster than real time", close_code=1008)
            case [Played()]:
                if not self._reports.take(1, now):
                    raise PeerError("too many messages", close_code=1008)
            case _:
                if not self._control.take(1, now):
                    raise PeerError("too many messages", close_code=1008)
