"""Limits of one client: how often, how much, how long. docs/reference/limits.md has the table."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.calls.errors import PeerError
from bot.calls.messages import FromClient
from pipelines.core.exchange import AudioIn, Played

FLOOD_WINDOW_S = 3.0
"""A client may send in heaps: its rate is that of so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    calls: int = 8
    """At once; one that is waited for counts."""
    calls_per_address: int = 4
    message_bytes: int = 64 * 1024
    """Two seconds of a caller's audio."""
    audio_rate: float = 1.25
    """Seconds of audio in a second."""
    audio_burst_s: float = 10.0
    """Seconds of audio at once, beyond those that have passed: more is dropped."""
    audio_late_s: float = 120.0
    """Seconds that have passed without audio, and whose audio may come later: a network, a machine
    may have stood still. Of what comes at once the call hears the newest part.
    """
    flood_rate: float = 2.0
    flood_s: float = 30.0
    """A client that goes on at more than this rate for so many seconds is let go."""
    control_per_s: float = 20.0
    reports_burst: int = 600
    """`played` messages that a stalled network may bring at once. A page sends 10 a second."""
    opening_s: float = 10.0
    """From the open socket to the end of the client's handshake."""
    idle_s: float = 60.0
    """Without a message, from a client that has not said that it is muted."""
    call_s: float = 3600.0
    return_s: float = 30.0
    """In which a client that was cut off may come back."""
    ping_s: float = 10.0
    """How often a client is asked whether it is there, ..."""
    pong_s: float = 20.0
    """... and how long it may take to say so: a network may stand still for 15 s."""


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


class _Stretch:
    """Time that has passed, and how much of it audio has come for."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s
        self._upto: float | None = None

    def spare_s(self, now: float) -> float:
        """Seconds that have passed and whose audio may still come."""
        self._upto = now if self._upto is None else max(self._upto, now - self._late_s)
        return now - self._upto

    def take(self, seconds: float, now: float) -> None:
        self._upto = now - self.spare_s(now) + seconds


class AudioPace:
    """One connection's audio against the time that has passed on the clock of the machine.

    Audio for time that has passed is always in order, however late and however fast it comes. The
    rest is ahead of time, which no honest microphone can be for long.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._heard, self._came = _Stretch(limits.audio_late_s), _Stretch(limits.audio_late_s)
        self._ahead = Bucket(limits.audio_rate - 1.0, limits.audio_burst_s)
        self._flood_from: float | None = None
        self._window_from = self._window_s = 0.0

    def take(self, seconds: float, now: float) -> bool:
        """False if it is to be dropped. Raises PeerError once a client will not stop."""
        self._watch(seconds, now)
        on_time_s = min(seconds, self._heard.spare_s(now))
        if not self._ahead.take(seconds - on_time_s, now):
            return False
        self._heard.take(on_time_s, now)
        return True

    def _watch(self, seconds: float, now: float) -> None:
        """Has more come ahead of time, in each of the last windows, than a second in a second?"""
        on_time_s = min(seconds, self._came.spare_s(now))
        self._came.take(on_time_s, now)
        if self._flood_from is None:
            self._flood_from = self._window_from = now
        elif now - self._window_from >= FLOOD_WINDOW_S:
            allowed_s = (now - self._window_from) * (self._limits.flood_rate - 1.0)
            if self._window_s <= allowed_s:
                self._flood_from = now
            elif now - self._flood_from >= self._limits.flood_s + FLOOD_WINDOW_S:
                raise PeerError("audio faster than real time", close_code=1008)
            self._window_from, self._window_s = now, 0.0
        self._window_s += seconds - on_time_s


class Allowance:
    """Limits of one connection. Times are the machine's, in which it may have stood still."""

    def __init__(self, limits: Limits, in_rate_hz: int) -> None:
        self._in_rate_hz = in_rate_hz
        self._audio = AudioPace(limits)
        self._control = Bucket(limits.control_per_s, limits.control_per_s)
        self._reports = Bucket(limits.control_per_s, limits.reports_burst)

    def spend(self, events: Sequence[FromClient], now: float) -> bool:
        """For one message that has come, by what was understood of it.

        False if it is audio that is to be dropped. Raises PeerError when it is too much.
        """
        match events:
            case [AudioIn(pcm)]:
                return self._audio.take(len(pcm) / 2 / self._in_rate_hz, now)
            case [Played()]:
                if not self._reports.take(1, now):
                    raise PeerError("too many messages", close_code=1008)
            case _:
                if not self._control.take(1, now):
                    raise PeerError("too many messages", close_code=1008)
        return True
