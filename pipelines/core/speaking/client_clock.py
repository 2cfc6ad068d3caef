"""A client's clock, read on ours: what it says of the past, whatever the way here took.

The quickest message so far tells the distance of the two clocks best: it is late only by the
shortest way. Errors are one-sided, and no larger than the delay of that message.
"""

DRIFT = 100e-6
"""Quartz is good for 50 parts in a million, on each side: an old distance is trusted less."""


class ClientClock:
    def __init__(self) -> None:
        self._ahead: tuple[float, float] | None = None
        """How far ours is ahead, at most; and when that was found."""

    def at(self, client_s: float | None, now: float) -> float:
        """When it was `client_s` at the client, for a message that came `now`; never later than
        `now`.
        """
        if client_s is None:
            return now
        ahead_s = now - client_s
        if self._ahead is not None:
            least_s, found_s = self._ahead
            ahead_s = min(ahead_s, least_s + DRIFT * (now - found_s))
        self._ahead = ahead_s, now
        return client_s + ahead_s
