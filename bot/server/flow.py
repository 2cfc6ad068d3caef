"""The flow over one connection: how fast it may come in, how long it may stay unread."""

WEBSOCKET_FRAMES_PER_S = 250.0
"""Frames of any kind, control frames included. A caller's page or Twilio sends at most 110."""
WEBSOCKET_FRAMES_BURST = 4000
"""Frames at once: the sound and the marks of a call that 30 s have stood still for."""
WEBSOCKET_BYTES_PER_S = 512 * 1024
WEBSOCKET_BYTES_BURST = 4 * 1024 * 1024
"""The same in bytes; a second of a page's audio is 32 KB."""

UNREAD_STUCK_S = 20.0
"""Seconds in which nothing of an answer is read: a network may stand still for 15 s."""
UNREAD_S = 60.0
"""Seconds in which an answer is never read to its end, however slowly it moves."""


class Tap:
    """Paces what comes in. What came is paid for afterwards: until then nothing more is read."""

    def __init__(self, rate: float, burst: float) -> None:
        """`rate` a second, and `burst` at once."""
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at: float | None = None

    def spend(self, amount: float, now: float) -> None:
        self._fill(now)
        self._level -= amount

    def wait_s(self, now: float) -> float:
        """Seconds until more may be read; 0 if it may now."""
        self._fill(now)
        return max(0.0, -self._level / self._rate)

    def _fill(self, now: float) -> None:
        passed_s = 0.0 if self._at is None else now - self._at
        self._level = min(self._burst, self._level + passed_s * self._rate)
        self._at = now


class Unread:
    """Watches what a connection has been sent and its client has not taken."""

    def __init__(self) -> None:
        self._size = 0
        self._since_s = 0.0
        """When there was first something, of that which was never all taken since."""
        self._moved_s = 0.0

    def is_overdue(self, size: int, now: float) -> bool:
        """`size`: bytes that wait to be sent. Ask now and then; `now` never goes back."""
        if size == 0:
            self._size = 0
            return False
        if self._size == 0:
            self._since_s = self._moved_s = now
        elif size < self._size:
            self._moved_s = now
        self._size = size
        return now - self._moved_s >= UNREAD_STUCK_S or now - self._since_s >= UNREAD_S
